import { useEffect, useState } from "preact/hooks";
import { route } from "../routing.ts";
import { store } from "../session.ts";
import { Icon, type IconName } from "./icons.tsx";
import { onPageKey } from "./keys.ts";
import { chosenActor, goLiveNow, stepActor, travel } from "./page-travel.ts";
import { Strip } from "./Strip.tsx";
import { TimeBox } from "./TimeBox.tsx";
import { SPEEDS } from "./travel.ts";
import { followTimeline } from "./whole-timeline.ts";
import "./time.css";

/** Which moment everything shows, and how to move it. */
export default function TimeControls() {
  useEffect(() => {
    const endTimeline = followTimeline();
    document.addEventListener("keydown", onPageKey);
    return () => {
      document.removeEventListener("keydown", onPageKey);
      endTimeline();
    };
  }, []);
  return (
    <section class="time-controls" aria-label="Time travel">
      <Strip />
      <div class="time-row">
        <Steps />
        <Speed />
        <TimeBox />
        <SeqBadge />
        <LiveButton />
        <ShareButton />
        {travel.trouble.value !== "" && (
          <span class="wrong" role="alert">
            {travel.trouble.value}
          </span>
        )}
      </div>
    </section>
  );
}

function Steps() {
  const { first_seq, last_seq } = store.bounds.value;
  const seq = store.seq.value;
  const isLive = store.mode.value === "live";
  const isFirst = seq <= first_seq;
  const isLast = isLive || seq >= last_seq;
  // Read for the sake of its changes: what is chosen stands in the address.
  const actor = route.value && chosenActor();
  const isPlaying = travel.playing.value;
  return (
    <div class="steps" role="group" aria-label="Step and play">
      {actor !== "" && (
        <IconButton
          icon="actorBack"
          label={`Last record before this of ${actor}`}
          keys="["
          onPress={() => void stepActor(actor, -1)}
        />
      )}
      <IconButton
        icon="back"
        label="One record back"
        keys="←"
        disabled={isFirst}
        onPress={() => void travel.step(-1)}
      />
      <IconButton
        icon={isPlaying ? "pause" : "play"}
        label={isPlaying ? "Pause" : "Play"}
        keys="Space"
        disabled={isLive}
        onPress={() => (isPlaying ? travel.pause() : void travel.play())}
      />
      <IconButton
        icon="on"
        label="One record on"
        keys="→"
        disabled={isLast}
        onPress={() => void travel.step(1)}
      />
      {actor !== "" && (
        <IconButton
          icon="actorOn"
          label={`Next record after this of ${actor}`}
          keys="]"
          onPress={() => void stepActor(actor, 1)}
        />
      )}
    </div>
  );
}

interface IconButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly keys: string;
  readonly disabled?: boolean;
  readonly onPress: () => void;
}

function IconButton({ icon, label, keys, disabled = false, onPress }: IconButtonProps) {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      aria-keyshortcuts={keys}
      title={`${label} (${keys})`}
      disabled={disabled}
      onClick={onPress}
    >
      <Icon name={icon} />
    </button>
  );
}

function Speed() {
  return (
    <span class="speed">
      <select
        aria-label="Speed"
        value={travel.speed.value}
        onChange={(event) => (travel.speed.value = Number(event.currentTarget.value))}
      >
        {SPEEDS.map((speed) => (
          <option key={speed} value={speed}>
            {speed}×
          </option>
        ))}
      </select>
      <label title="Where nothing happens for long, go on at once">
        <input
          type="checkbox"
          checked={travel.skipIdle.value}
          onChange={(event) => (travel.skipIdle.value = event.currentTarget.checked)}
        />
        skip idle
      </label>
    </span>
  );
}

function SeqBadge() {
  const { last_seq } = store.bounds.value;
  return (
    <span class="dim seq" title="Record of the journal, of how many">
      #{store.seq.value} of {last_seq}
    </span>
  );
}

function LiveButton() {
  const isLive = store.mode.value === "live";
  const hasPresent = store.facts.value?.isLive ?? false;
  const label = hasPresent ? "Live" : "End";
  const isThere = isLive || (!hasPresent && store.seq.value >= store.bounds.value.last_seq);
  return (
    <button
      type="button"
      class={isThere ? "live-button" : "live-button primary"}
      aria-pressed={isThere}
      aria-keyshortcuts="L"
      title={hasPresent ? "Follow the dispatcher (L)" : "The end of the journal (L)"}
      onClick={goLiveNow}
    >
      {label}
    </button>
  );
}

/** The address names view, actor and moment: whoever opens it and logs in sees the same. */
function ShareButton() {
  const [copied, setCopied] = useState("");
  const copy = (): void => {
    const address = new URL(location.href);
    const [path = "", search = ""] = address.hash.split("?");
    const query = new URLSearchParams(search);
    query.set("at", `${store.seqNow}`);
    address.hash = `${path}?${query.toString()}`;
    copyText(address.href).then(
      () => setCopied("Copied"),
      () => setCopied(address.href),
    );
    setTimeout(() => setCopied(""), 4_000);
  };
  return (
    <>
      <button type="button" onClick={copy} title="Copy the address of this moment">
        {copied === "Copied" ? "Copied" : "Copy link"}
      </button>
      <span class={copied === "Copied" ? "visually-hidden" : "mono"} role="status">
        {copied}
      </span>
    </>
  );
}

/** The clipboard is for pages of https and of this machine only. */
async function copyText(text: string): Promise<void> {
  const { clipboard } = navigator as { clipboard?: Clipboard };
  if (!clipboard) throw new Error("no clipboard");
  await clipboard.writeText(text);
}
