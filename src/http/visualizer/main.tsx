import { render } from "preact";
import { App } from "./app.tsx";
import "./styles/tokens.css";
import "./styles/base.css";
import { applyTheme, savedTheme } from "./theme.ts";

applyTheme(savedTheme());
const root = document.getElementById("page");
if (root) render(<App />, root);
