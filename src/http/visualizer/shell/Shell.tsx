import { hrefTo, route } from "../routing.ts";
import { timeControls, VIEWS } from "../views.ts";
import { Lazy } from "../ui/Lazy.tsx";
import { Header } from "./Header.tsx";
import { LimitsBar } from "./LimitsBar.tsx";
import { Notices } from "./Notices.tsx";
import "./shell.css";

/** What stands around each view: header, notices, tabs, and the time controls at the foot. */
export function Shell() {
  const { view } = route.value;
  const shown = VIEWS.find(({ id }) => id === view) ?? VIEWS[0];
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to the view
      </a>
      <Header />
      <LimitsBar />
      <Notices />
      <nav class="tabs" aria-label="Views">
        {VIEWS.map(({ id, title }) => (
          <a
            key={id}
            href={hrefTo({ view: id })}
            aria-current={shown?.id === id ? "page" : undefined}
          >
            {title}
          </a>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        {shown && <Lazy key={shown.id} load={shown.load} />}
      </main>
      {timeControls && (
        <footer>
          <Lazy load={timeControls} />
        </footer>
      )}
    </div>
  );
}

/** The address's hash is the route: a link to an element would leave it. */
function skipToMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
