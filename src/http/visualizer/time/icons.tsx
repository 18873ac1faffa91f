const PATHS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z",
  back: "M11 2.5v11L4 8z",
  on: "M5 2.5v11l7-5.5z",
  actorBack: "M3 2.5h2v11H3zM13 2.5v11L6 8z",
  actorOn: "M11 2.5h2v11h-2zM3 2.5v11L10 8z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
