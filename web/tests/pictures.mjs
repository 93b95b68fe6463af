// Pictures of every view for docs/explorer, light and dark, wide and narrow, of a server that has the model in the box and a
// direction called "returns": TVAE_EXPLORER=http://127.0.0.1:8000/ npm run pictures. Of a server whose first model writes
// molecules, tunes or images, a picture of a path between its examples.
import { chromium } from "playwright-core";

const address = process.env.TVAE_EXPLORER ?? "http://127.0.0.1:8000/";
const folder = new URL("../../docs/explorer/", import.meta.url).pathname;
const A = "import numpy as np";
const B = "return self.name == other.name";
const C = "x = foo(a, b)";

function fragment(view, given) {
  const words = new URLSearchParams({ view });
  for (const [name, value] of Object.entries(given)) for (const one of [value].flat()) words.append(name, one);
  return `#${words}`;
}

const PATH = fragment("path", { places: [A, B], selected: "return self.num == n.name" });
const VIEWS = {
  path: PATH,
  map: PATH, // whose path it then shows
  sample: fragment("sample", { count: "12" }),
  steer: fragment("steer", { text: C, moves: "returns:1.5" }),
  breed: fragment("breed", { parents: [A, B, C], weights: "1,1,1" }),
  climb: fragment("climb", { text: C, direction: "returns" }),
  analogy: fragment("analogy", { a: A, b: "import os", c: "from numpy import array" }),
  health: fragment("health", {}),
};

const { models } = await (await fetch(new URL("api/models", address))).json();
const { name, show, examples } = models[0];
const drawn = ["smiles", "abc", "image"].includes(show);
const views = drawn ? { [`path-${name}`]: fragment("path", { places: examples.slice(0, 2), selected: examples[0] }) } : VIEWS;
const schemes = drawn ? ["light"] : ["light", "dark"];
const viewports = drawn ? [{ width: 1440, height: 860 }] : [{ width: 1440, height: 860 }, { width: 390, height: 844 }];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
for (const colorScheme of schemes) {
  for (const viewport of viewports) {
    for (const [view, where] of Object.entries(views)) {
      const page = await browser.newPage({ viewport, colorScheme });
      await page.goto(address + where);
      await page.waitForLoadState("networkidle");
      if (view === "map") {
        await page.evaluate(() => (location.hash = location.hash.replace("view=path", "view=map")));
        await page.waitForLoadState("networkidle");
      }
      await page.waitForTimeout(1500); // the map glides, and a late answer is drawn
      await page.screenshot({ path: `${folder}${view}-${viewport.width}-${colorScheme}.png` });
      await page.close();
    }
  }
}
await browser.close();
