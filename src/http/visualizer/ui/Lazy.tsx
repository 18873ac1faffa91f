import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";

interface LazyProps {
  readonly load: () => Promise<{ default: FunctionComponent }>;
}

type Loaded = { readonly load: LazyProps["load"]; readonly Part: FunctionComponent | null };

const TRIES_MAX = 10;
const TRY_AGAIN_MS = 2000;

/** A part of the page that is loaded when it is first shown. A dispatcher that is just being restarted is waited for. */
export function Lazy({ load }: LazyProps) {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isWanted = true;
    const attempt = (triesLeft: number) => {
      load().then(
        (module) => isWanted && setLoaded({ load, Part: module.default }),
        (error: unknown) => {
          if (!isWanted) return;
          if (triesLeft > 0) {
            timer = setTimeout(() => attempt(triesLeft - 1), TRY_AGAIN_MS);
            return;
          }
          reportError(error);
          setLoaded({ load, Part: null });
        },
      );
    };
    attempt(TRIES_MAX);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [load]);
  if (loaded?.load !== load) return <p class="note">Loading…</p>;
  const { Part } = loaded;
  if (Part) return <Part />;
  return (
    <p class="note" role="alert">
      This part of the page could not be loaded; the dispatcher may have been updated. Load the page
      again.
    </p>
  );
}
