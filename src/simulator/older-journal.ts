import type { ContainerSnapshot } from "../machines/container/container.machine.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedCloud } from "./simulated-cloud.ts";
import type { WorldEvent } from "./world-event.ts";

/** Which older copies of the journal mislead a start: those that tell of what has become something else since. */
export class OlderJournal {
  /** Records that ask for an instance, and the VMs that came of them, each by worker. */
  readonly #createSeqs = new Map<string, number>();
  readonly #vmOf = new Map<string, string>();
  /** By container, where it was first seen to run, and where it was last seen to have ended. */
  readonly #ranSeqs = new Map<string, number>();
  readonly #endedSeqs = new Map<string, number>();

  remember(event: WorldEvent): void {
    if (event.type === "vm.created") this.#vmOf.set(event.createdBy, event.instanceId);
    if (event.type !== "record.released") return;
    const { record, changes } = event;
    for (const command of record.commands)
      if (command.kind === "instance.create") this.#createSeqs.set(command.workerId, record.seq);
    for (const { kind, id, after } of changes) {
      if (kind !== "container") continue;
      const { process } = (after as ContainerSnapshot).value;
      if (process === "running" && !this.#ranSeqs.has(id)) this.#ranSeqs.set(id, record.seq);
      if (process === "exited") this.#endedSeqs.set(id, record.seq);
    }
  }

  /** Where one ends: often at a create of what runs something meanwhile, or at a run of what runs again now. */
  endSeq(chance: Chance, lastSeq: number, cloud: SimulatedCloud): number {
    const seqs = chance.happens(0.5)
      ? this.#ofBusy(cloud)
      : chance.happens(0.5)
        ? this.#ofRestarted(cloud)
        : [];
    return chance.pick(seqs.filter((seq) => seq <= lastSeq)) ?? chance.between(0, lastSeq);
  }

  #ofBusy(cloud: SimulatedCloud): number[] {
    return [...this.#createSeqs].flatMap(([workerId, seq]) => {
      const runningIds = cloud.vm(this.#vmOf.get(workerId) ?? "")?.runningIds ?? [];
      return runningIds.length > 0 ? [seq] : [];
    });
  }

  #ofRestarted(cloud: SimulatedCloud): number[] {
    const runningIds = cloud.vms().flatMap((vm) => vm.runningIds);
    return runningIds.flatMap((id) => {
      const endedSeq = this.#endedSeqs.get(id);
      return endedSeq === undefined ? [] : [this.#ranSeqs.get(id) ?? endedSeq, endedSeq];
    });
  }
}
