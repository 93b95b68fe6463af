import { mount } from "svelte";
import { takeTokenFromAddress } from "./api/token.ts";
import App from "./App.svelte";
import { page } from "./state/page.svelte.ts";
import { server } from "./state/server.svelte.ts";
import { applyTheme } from "./state/theme.ts";
import "./theme.css";

takeTokenFromAddress();
applyTheme();
page.start();
void server.load();
mount(App, { target: document.getElementById("app")! });
