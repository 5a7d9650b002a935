import { show } from "../common/page.js";
import { App } from "./app.js";
import { begin } from "./desk.js";
import "./agent.css";

void show(() => <App />).then(begin);
