import { useEffect, useRef } from "preact/hooks";
import { session } from "../session.ts";
import "./login.css";

/** The token goes from the field to the session's memory; a reload of the page forgets it. */
export function Login() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const isLoading = session.phase.value === "loading";
  const trouble = session.trouble.value;
  const onSubmit = (event: Event) => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? "";
    if (token !== "" && !isLoading) void session.logIn(token);
  };
  return (
    <main class="login">
      <form onSubmit={onSubmit} autocomplete="off">
        <h1>dispatch-cloud</h1>
        <label for="token">Management token</label>
        <input
          id="token"
          ref={field}
          type="password"
          autocomplete="off"
          spellcheck={false}
          aria-describedby="token-help"
          aria-invalid={trouble !== ""}
        />
        <p id="token-help" class="help">
          <code>dispatch-cloud token</code> prints it on the dispatcher’s host. It is kept in this
          page’s memory only: closed or reloaded, the page has forgotten it.
        </p>
        <p class="trouble" role="alert">
          {trouble}
        </p>
        <button type="submit" class="primary" disabled={isLoading}>
          {isLoading ? "Looking…" : "Log in"}
        </button>
      </form>
    </main>
  );
}
