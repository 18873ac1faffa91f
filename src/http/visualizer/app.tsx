import { session } from "./session.ts";
import { Login } from "./shell/Login.tsx";
import { Shell } from "./shell/Shell.tsx";

export function App() {
  return session.phase.value === "ready" ? <Shell /> : <Login />;
}
