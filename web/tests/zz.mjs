import { A, B, C, fragment } from "./explorer.mjs";
import { chromium } from "playwright-core";
const b = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await b.newPage({ viewport: { width: 390, height: 844 } });
await page.goto("http://127.0.0.1:8177/" + fragment("analogy", { a: A, b: B, c: C }));
await page.waitForLoadState("networkidle"); await page.waitForTimeout(1500);
console.log(await page.evaluate(() => [...document.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > 391).slice(0, 14).map((e) => [e.tagName, e.className?.baseVal ?? e.className, Math.round(e.getBoundingClientRect().left), Math.round(e.getBoundingClientRect().right), (e.textContent ?? "").slice(0, 30)].join(" "))));
await page.screenshot({ path: "/tmp/an.png", fullPage: true });
await b.close();
