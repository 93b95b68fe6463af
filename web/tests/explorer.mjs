// What the page's tests share: a browser, and pages of the explorer in it. The server's address is in the environment
// variable TVAE_EXPLORER, such as http://127.0.0.1:8000/; without it the tests are skipped.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import { chromium } from "playwright-core";

const address = process.env.TVAE_EXPLORER;
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const browser = address === undefined ? null : await chromium.launch({ executablePath, args: ["--no-sandbox"] });
after(() => browser?.close());

/** The models as the server tells them, once it has built their maps. */
export const models = address === undefined ? [] : await loadedModels();

async function loadedModels() {
  for (let second = 0; ; second++) {
    const { models } = await (await fetch(new URL("api/models", address))).json();
    if (second === 180 || models.every((model) => model.corpus.state !== "building")) return models;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

export const hasCorpus = models[0]?.corpus.state === "ready";
export const hasTwo = models.length > 1;
export const [A = "", B = "", C = A] = models[0]?.examples ?? [];

/** Directions of the first model. */
export async function directions() {
  return (await (await fetch(new URL("api/directions", address))).json()).directions.map((direction) => direction.name);
}

/** The part of an address behind #, of a view and what it was told. */
export function fragment(view, given = {}) {
  const words = new URLSearchParams({ view });
  for (const [name, value] of Object.entries(given)) for (const word of [value].flat()) words.append(name, word);
  return `#${words}`;
}

/** A test with a page of its own, which asks nobody but the server and reports no error. */
export function explorer(name, options, body) {
  const { skip, allowErrors = [], ...context } = options;
  const reason = address === undefined ? "TVAE_EXPLORER does not say where tvae serve listens" : skip;
  test(name, { skip: reason, timeout: 120_000 }, async () => {
    const own = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true, ...context });
    const page = await own.newPage();
    const outside = [];
    const errors = [];
    const origin = new URL(address).origin;
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(origin) && !url.startsWith("data:") && !url.startsWith("blob:")) outside.push(url);
    });
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    page.setDefaultTimeout(20_000);
    const open = async (hash = "") => {
      await page.goto("about:blank"); // a change behind # alone would not load the page anew
      await page.goto(address + hash);
      await page.getByRole("heading", { level: 2 }).first().waitFor();
    };
    try {
      await body({ page, open, context: own });
      assert.deepEqual(outside, [], "requests to other servers");
      assert.deepEqual(errors.filter((error) => !allowErrors.some((allowed) => error.includes(allowed))), [], "errors of the page");
    } finally {
      await own.close();
    }
  });
}

/** What axe finds that is serious, a line each. */
export async function seriousFaults(page) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() =>
    globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  return found.violations.flatMap((violation) =>
    violation.nodes.map((node) => `${violation.impact} ${violation.id}: ${node.target} ${node.failureSummary}`),
  );
}

/** Waits until nothing of the page is working any more. */
export async function settled(page) {
  await page.waitForTimeout(250);
  await page.waitForFunction(() => !/working …|reading it back …/.test(document.body.innerText), undefined, { timeout: 60_000 });
  await page.waitForTimeout(100);
}

/** Waits until a check holds. */
export async function eventually(check, milliseconds = 20_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export { assert };
