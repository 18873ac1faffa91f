/** A container of the demo, and how it has to end. */
export interface DemoJob {
  readonly name: string;
  readonly script: string;
  readonly vcpus: number;
  readonly ramMib: number;
  readonly priority: number;
  readonly ends: { readonly exitCode: number } | "cancelled";
}

function job(
  name: string,
  [vcpus, ramMib, priority]: readonly [number, number, number],
  script: string,
  ends: DemoJob["ends"] = { exitCode: 0 },
): DemoJob {
  return { name, script, vcpus, ramMib, priority, ends };
}

/** Real commands of mixed sizes and priorities: one fails, and one is cancelled while it runs. */
export const DEMO_BATCH: readonly DemoJob[] = [
  job("hello", [1, 256, 500], 'echo "hello from $(hostname)"; sleep 1'),
  job(
    "cancelled",
    [1, 512, 900],
    'echo "this would take ten minutes"; exec sleep 600',
    "cancelled",
  ),
  job("sort", [1, 512, 500], "seq 1 200000 | sort -r | sort -n | tail -n 1; sleep 1"),
  job("checksum", [1, 256, 500], "seq 1 300000 | sha256sum; sleep 1"),
  job("urgent", [2, 1024, 1000], "echo urgent work; sleep 2; echo done"),
  job("fails", [1, 256, 600], "echo about to fail; echo no such input >&2; sleep 1; exit 3", {
    exitCode: 3,
  }),
  job("big", [4, 4096, 400], "echo four cores; sleep 3; echo done"),
  job("medium-a", [2, 1536, 300], "for i in 1 2 3; do echo step $i; sleep 0.6; done"),
  job("medium-b", [2, 2048, 300], "for i in 1 2 3; do echo step $i; sleep 0.8; done"),
  job("words", [1, 256, 300], "printf 'b\\na\\nc\\na\\n' | sort | uniq -c; sleep 1"),
  job("slow", [1, 256, 200], "for i in 1 2 3 4; do echo tick $i; sleep 1; done"),
  job(
    "noisy",
    [1, 512, 200],
    "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; sleep 1",
  ),
  job("background", [1, 1024, 100], "echo nobody hurries; sleep 2"),
  job("last", [1, 256, 1], "echo last in the queue; sleep 1"),
];
