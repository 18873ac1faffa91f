import { signal } from "@preact/signals";

/** `auto`: as the system has it. */
export type Theme = "auto" | "light" | "dark";

const KEY = "dispatch-cloud.theme";
const THEMES: readonly Theme[] = ["auto", "light", "dark"];

export const theme = signal<Theme>("auto");

/** The theme is the one thing that is kept between visits; the token never is. */
export function applyTheme(wanted: Theme): void {
  theme.value = wanted;
  document.documentElement.dataset["theme"] = wanted;
  try {
    if (wanted === "auto") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, wanted);
  } catch {
    // A browser that keeps nothing: it holds until the page is closed.
  }
}

export function savedTheme(): Theme {
  try {
    return THEMES.find((known) => known === localStorage.getItem(KEY)) ?? "auto";
  } catch {
    return "auto";
  }
}

export function nextTheme(): Theme {
  return THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "auto";
}
