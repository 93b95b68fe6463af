// What holds in every view: addresses, undo, sessions, comparing, stopping, errors, widths and accessibility.
import { readFile } from "node:fs/promises";
import { A, assert, B, C, directions, eventually, explorer, fragment, hasCorpus, hasTwo, seriousFaults, settled } from "./explorer.mjs";

const list = (page, name) => page.getByRole("list", { name, exact: true });
const [direction] = await directions().catch(() => []);

const views = {
  empty: "",
  path: fragment("path", { places: [A, B], selected: A }),
  map: fragment("map", { selected: A }),
  sample: fragment("sample", { count: "6" }),
  steer: fragment("steer", { text: A }),
  breed: fragment("breed", { parents: [A, B], weights: "1,1" }),
  climb: direction === undefined ? fragment("climb", { text: A }) : fragment("climb", { text: A, direction }),
  analogy: fragment("analogy", { a: A, b: B, c: C }),
  health: fragment("health"),
};

explorer("copying the address copies the view", {}, async ({ page, open, context }) => {
  await open(fragment("path", { places: [A, B], steps: "5", kind: "lerp", candidates: "4", constrain: "1" }));
  await settled(page);
  await list(page, "Steps of the path").locator("[data-pick]").nth(2).click();
  await page.waitForTimeout(400);
  const copy = await context.newPage();
  await copy.goto(page.url());
  await list(copy, "Steps of the path").waitFor();
  await settled(copy);
  assert.equal(await list(copy, "Steps of the path").innerText(), await list(page, "Steps of the path").innerText());
  assert.equal(await copy.getByRole("main").getByLabel("Path", { exact: true }).inputValue(), "lerp");
  assert.equal(await copy.getByLabel("Search", { exact: true }).inputValue(), "4");
  assert.ok(await copy.getByLabel("Constrain").isChecked());
});

explorer("copying the address copies which part of the map is seen", { skip: hasCorpus ? false : "the server has no corpus" }, async ({ page, open }) => {
  await open(views.map);
  await settled(page);
  await page.waitForTimeout(500);
  await page.getByRole("application").focus();
  for (let i = 0; i < 3; i++) await page.keyboard.press("+");
  await eventually(() => assert.match(page.url(), /seen=/));
  await page.waitForTimeout(1000);
  const address = page.url();
  await open(new URL(address).hash);
  await settled(page);
  await page.waitForTimeout(1000);
  assert.equal(page.url(), address);
});

explorer("back and forward go from view to view", {}, async ({ page, open }) => {
  await open(views.path);
  await page.waitForTimeout(400);
  await page.getByRole("navigation").getByRole("button", { name: "Sample" }).click();
  await page.waitForTimeout(400);
  await page.goBack();
  await page.getByRole("heading", { name: "Path", exact: true }).waitFor();
  await page.goForward();
  await page.getByRole("heading", { name: "Sample", exact: true }).waitFor();
});

explorer("everything can be undone, and done again", {}, async ({ page, open }) => {
  await open(views.path);
  await settled(page);
  await page.getByLabel("Steps", { exact: true }).fill("4");
  await page.getByLabel("Steps", { exact: true }).blur();
  await page.getByRole("navigation").getByRole("button", { name: "Breed" }).click();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("heading", { name: "Path", exact: true }).waitFor();
  await page.locator("body").press("Control+z");
  await eventually(async () => assert.equal(await page.getByLabel("Steps", { exact: true }).inputValue(), "9"));
  await page.locator("body").press("Control+Shift+z");
  await eventually(async () => assert.equal(await page.getByLabel("Steps", { exact: true }).inputValue(), "4"));
});

explorer("a session is saved to a file and comes back from it", {}, async ({ page, open }) => {
  await open(views.breed);
  await settled(page);
  await list(page, "Children").getByRole("button", { name: /^Keep in the gallery/ }).first().click();
  await list(page, "Children").getByRole("button", { name: /^Breed from/ }).first().click();
  const kept = await page.getByRole("region", { name: "Gallery" }).locator("[data-pick]").innerText();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save the session" }).click(),
  ]);
  const file = await download.path();
  assert.equal(JSON.parse(await readFile(file, "utf8")).kind, "tvae session");
  await page.evaluate(() => addEventListener("pagehide", () => sessionStorage.clear()));
  await open();
  await page.evaluate(() => sessionStorage.clear());
  await page.getByLabel("Load a session").setInputFiles({ name: "s.json", mimeType: "application/json", buffer: await readFile(file) });
  await page.getByText("The session is loaded.").waitFor();
  assert.equal(await page.getByRole("region", { name: "Gallery" }).locator("[data-pick]").innerText(), kept);
  await page.getByRole("region", { name: "Family tree" }).waitFor();
  await page.getByLabel("Load a session").setInputFiles({ name: "s.json", mimeType: "application/json", buffer: Buffer.from("{}") });
  await page.getByText("no session of this page").waitFor();
});

explorer("a reload keeps what the tab had", {}, async ({ page, open }) => {
  await open(views.sample);
  await settled(page);
  await list(page, "Drawn texts").getByRole("button", { name: /^Keep in the gallery/ }).first().click();
  await page.reload();
  await page.getByRole("region", { name: "Gallery" }).locator("[data-pick]").waitFor();
});

explorer("two models answer side by side", { skip: hasTwo ? false : "the server has one model" }, async ({ page, open }) => {
  await open(views.path);
  await page.getByLabel("Compare").check();
  await eventually(async () => assert.equal(await list(page, "Steps of the path").count(), 2));
  for (const view of ["Sample", "Steer", "Breed", "Analogy", "Health", "Map"]) {
    await page.getByRole("navigation").getByRole("button", { name: view }).click();
    await settled(page);
  }
});

explorer("a request can be stopped, and gone on with", { allowErrors: ["ERR_ABORTED", "ERR_FAILED"] }, async ({ page, open }) => {
  let held = 0;
  await page.route("**/api/sample", async (route) => {
    if (held++ > 0) return route.continue();
    await new Promise((resolve) => setTimeout(resolve, 5000));
    await route.abort().catch(() => {});
  });
  const failed = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/api/sample"));
  await open(views.sample);
  await page.getByRole("main").getByRole("button", { name: "Stop" }).click();
  await failed;
  await page.getByText("Stopped.").waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  await list(page, "Drawn texts").waitFor();
});

explorer("a problem is one line with what to do", { allowErrors: ["503"] }, async ({ page, open }) => {
  const problem = { type: "about:blank", title: "Unavailable", status: 503, detail: "queue: 64 requests wait; try again in a second" };
  let times = 0;
  await page.route("**/api/sample", (route) =>
    times++ > 0 ? route.continue() : route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) }),
  );
  await open(views.sample);
  await page.getByText("queue: 64 requests wait").waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  await list(page, "Drawn texts").waitFor();
});

explorer("on a phone the selection folds out of its bar", { viewport: { width: 390, height: 844 } }, async ({ page, open }) => {
  await open(views.sample);
  await settled(page);
  await list(page, "Drawn texts").locator("[data-pick]").first().click();
  const bar = page.locator("button.bar");
  assert.match(await bar.innerText(), /show/);
  await bar.click();
  await page.getByRole("region", { name: "Selected text" }).getByRole("button", { name: "steer" }).click();
  await page.getByRole("heading", { name: "Steer" }).waitFor();
  await eventually(async () => assert.match(await bar.innerText(), /show/));
});

explorer("Help stands over the view and closes with Escape", {}, async ({ page, open }) => {
  await open(views.path);
  await settled(page);
  const title = page.getByRole("heading", { name: "Path", exact: true });
  const before = await title.boundingBox();
  await page.getByRole("button", { name: "Help" }).click();
  await page.getByRole("region", { name: "Help" }).waitFor();
  assert.deepEqual(await title.boundingBox(), before);
  await page.keyboard.press("Escape");
  await page.getByRole("region", { name: "Help" }).waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Help");
});

explorer("markup in a text stays text", {}, async ({ page, open }) => {
  const hostile = `<img src=x onerror="document.title='broken'">`;
  await open(fragment("path", { places: [hostile, B], selected: hostile }));
  await settled(page);
  assert.equal(await page.locator("main img, aside img").count(), 0);
  assert.ok((await page.getByRole("region", { name: "Selected text" }).innerText()).includes("<img src=x"));
});

explorer("each result says how to get it without the page", {}, async ({ page, open }) => {
  await open(views.path);
  await settled(page);
  await page.getByText("As a command").click();
  assert.match(await page.getByLabel("Shell", { exact: true }).innerText(), /^tvae interpolate \S+ --from /);
  assert.match(await page.getByLabel("Python", { exact: true }).innerText(), /model\.interpolate\(/);
  assert.match(await page.getByLabel("HTTP", { exact: true }).innerText(), /^curl -s .*\/api\/interpolate/);
});

explorer("a field says that a text is longer than the model takes", {}, async ({ page, open }) => {
  await open(fragment("steer", { text: "a = b" }));
  const field = page.getByRole("main").getByLabel("Text", { exact: true });
  const cut = page.getByRole("main").getByText("Longer than the model takes");
  await settled(page);
  assert.equal(await cut.count(), 0);
  await field.fill("value = other + 1; ".repeat(200));
  await cut.waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  await field.fill("a = b");
  await cut.waitFor({ state: "detached" });
});

explorer("a finger that stays shows what a title says", { hasTouch: true, viewport: { width: 390, height: 844 } }, async ({ page, open, context }) => {
  await open(views.path);
  await settled(page);
  const button = page.getByRole("button", { name: /^Keep in the gallery/ }).first();
  await button.scrollIntoViewIfNeeded();
  const box = await button.boundingBox();
  const touches = await context.newCDPSession(page);
  const finger = [{ x: box.x + box.width / 2, y: box.y + box.height / 2 }];
  await touches.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: finger });
  await page.getByRole("tooltip").waitFor();
  await touches.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  assert.equal(await page.getByRole("tooltip").innerText(), "Keep in the gallery");
  assert.equal(await button.getAttribute("aria-pressed"), "false", "it was asked about, not pressed");
  await page.touchscreen.tap(finger[0].x, finger[0].y);
  assert.equal(await page.getByRole("tooltip").count(), 0);
  await page.getByRole("button", { name: /^Keep in the gallery/, pressed: true }).first().waitFor();
});

explorer("axe finds nothing where everything is open", {}, async ({ page, open }) => {
  await open(fragment("steer", { text: A, raw: "1", selected: B, compare: "1" }));
  await page.getByRole("button", { name: "Help" }).click();
  for (const summary of await page.locator("summary").all()) await summary.click();
  await settled(page);
  assert.deepEqual(await seriousFaults(page), []);
  await open(views.breed);
  await settled(page);
  await list(page, "Children").getByRole("button", { name: /^Keep in the gallery/ }).first().click();
  await list(page, "Children").getByRole("button", { name: /^Breed from/ }).first().click();
  await settled(page);
  assert.deepEqual(await seriousFaults(page), []);
  await open(views.health);
  await page.getByText("Model card").click();
  await settled(page);
  assert.deepEqual(await seriousFaults(page), []);
});

for (const [name, hash] of Object.entries(views)) {
  for (const colorScheme of ["light", "dark"]) {
    explorer(`axe finds nothing in ${name}, ${colorScheme}`, { colorScheme }, async ({ page, open }) => {
      await open(hash);
      await settled(page);
      assert.deepEqual(await seriousFaults(page), []);
    });
  }
  explorer(`${name} fits into every width`, {}, async ({ page, open }) => {
    for (const width of [1440, 1000, 700, 390]) {
      await page.setViewportSize({ width, height: 844 });
      await open(hash);
      await settled(page);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.equal(over, 0, `${width} pixels wide`);
    }
  });
}
