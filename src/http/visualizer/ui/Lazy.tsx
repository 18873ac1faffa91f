import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";

interface LazyProps {
  readonly load: () => Promise<{ default: FunctionComponent }>;
}

type Loaded = { readonly load: LazyProps["load"]; readonly Part: FunctionComponent | null };

/** A part of the page that is loaded when it is first shown. */
export function Lazy({ load }: LazyProps) {
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  useEffect(() => {
    let isWanted = true;
    load().then(
      (module) => isWanted && setLoaded({ load, Part: module.default }),
      (error: unknown) => {
        reportError(error);
        if (isWanted) setLoaded({ load, Part: null });
      },
    );
    return () => {
      isWanted = false;
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
