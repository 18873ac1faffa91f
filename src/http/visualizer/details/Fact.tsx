import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { cut } from "../ui/words.ts";

interface FactProps {
  readonly name: string;
  readonly children: ComponentChildren;
}

export function Fact({ name, children }: FactProps) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

const SHOWN_MAX = 240;

/** Text from outside, as text: what is very long is cut until somebody asks for all of it. */
export function LongText({ text }: { readonly text: string }) {
  const [isWhole, setWhole] = useState(false);
  if (text.length <= SHOWN_MAX || isWhole) return <span class="outside">{text}</span>;
  return (
    <>
      <span class="outside">{cut(text, SHOWN_MAX)}</span>{" "}
      <button type="button" class="quiet" onClick={() => setWhole(true)}>
        Show all {text.length} characters
      </button>
    </>
  );
}
