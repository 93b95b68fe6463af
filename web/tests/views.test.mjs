// Each view by mouse and by keyboard.
import { readFile } from "node:fs/promises";
import { A, assert, B, C, directions, eventually, explorer, fragment, hasCorpus, settled } from "./explorer.mjs";

const noCorpus = hasCorpus ? false : "the server has no corpus";
const list = (page, name) => page.getByRole("list", { name, exact: true });
const main = (page) => page.getByRole("main");
const selected = (page) => page.getByRole("region", { name: "Selected text" });
const textOf = async (locator) => (await locator.innerText()).trim();

explorer("the empty page teaches, and two clicks make a path", {}, async ({ page, open }) => {
  await open();
  await page.getByText("A latent code is a short list of numbers").waitFor();
  const examples = main(page).getByRole("list", { name: "Examples" }).getByRole("button");
  await examples.nth(1).waitFor(); // there are two at least
  await examples.nth(0).click();
  await examples.nth(1).click();
  await settled(page);
  assert.equal(await list(page, "Steps of the path").getByRole("listitem").count(), 9);
  assert.equal(await page.getByLabel("From", { exact: true }).inputValue(), A);
  assert.equal(await page.getByLabel("To", { exact: true }).inputValue(), B);
});

explorer("Path by mouse", {}, async ({ page, open }) => {
  await open(fragment("path", { places: [A, B] }));
  const steps = list(page, "Steps of the path").getByRole("listitem");
  await settled(page);
  await steps.nth(4).getByRole("button").first().click();
  await selected(page).getByText("ratio 0.50 of a path").waitFor();
  await page.getByLabel("Steps", { exact: true }).fill("5");
  await page.getByLabel("Steps", { exact: true }).blur();
  await eventually(async () => assert.equal(await steps.count(), 5));
  await page.getByRole("main").getByLabel("Path", { exact: true }).selectOption("lerp");
  await page.getByRole("button", { name: "Turn around" }).click();
  assert.equal(await page.getByLabel("From", { exact: true }).inputValue(), B);
  await page.getByRole("button", { name: "Add a place" }).click();
  await page.getByLabel("To", { exact: true }).fill(C);
  await settled(page);
  assert.equal(await steps.count(), 9);
});

explorer("Path by keyboard: the ratio's text follows, and the list can be walked", {}, async ({ page, open }) => {
  await open(fragment("path", { places: [A, B] }));
  await settled(page);
  const live = page.getByRole("region", { name: "A point on the path" }).locator("[data-pick]").first();
  const slider = page.getByRole("slider", { name: "Ratio" });
  await slider.focus();
  await page.keyboard.press("Home");
  await settled(page);
  const first = await textOf(live);
  await page.keyboard.press("End");
  await eventually(async () => assert.notEqual(await textOf(live), first));
  await list(page, "Steps of the path").locator("[data-pick]").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await selected(page).getByText("ratio 0.25 of a path").waitFor();
  await page.keyboard.press("Alt+Digit3");
  await page.getByRole("heading", { name: "Sample" }).waitFor();
});

explorer("while the ratio is dragged at most one request is out", {}, async ({ page, open }) => {
  await open(fragment("path", { places: [A, B] }));
  await settled(page);
  let out = 0;
  let most = 0;
  page.on("request", (request) => request.postData()?.includes('"ratios"') && (most = Math.max(most, ++out)));
  const over = (request) => request.postData()?.includes('"ratios"') && out--;
  page.on("requestfinished", over);
  page.on("requestfailed", over);
  const box = await page.getByRole("slider", { name: "Ratio" }).boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  for (let i = 0; i <= 40; i++) await page.mouse.move(box.x + (box.width * i) / 40, box.y + box.height / 2);
  await page.mouse.up();
  await settled(page);
  assert.equal(most, 1);
});

explorer("Sample: other draws, stars, and the gallery as a file", {}, async ({ page, open }) => {
  await open(fragment("sample", { count: "6" }));
  await settled(page);
  const drawn = list(page, "Drawn texts");
  const before = await drawn.innerText();
  await page.getByRole("button", { name: "Draw others" }).click();
  await eventually(async () => assert.notEqual(await drawn.innerText(), before));
  await settled(page);
  const first = await drawn.locator("[data-pick]").first().innerText();
  await drawn.getByRole("button", { name: /^Keep in the gallery/ }).first().click();
  const gallery = page.getByRole("region", { name: "Gallery" });
  assert.equal(await gallery.locator("[data-pick]").first().innerText(), first);
  const [download] = await Promise.all([page.waitForEvent("download"), gallery.getByRole("button", { name: "txt" }).click()]);
  assert.equal((await readFile(await download.path(), "utf8")).trim(), first.trim());
  const [npy] = await Promise.all([page.waitForEvent("download"), main(page).getByRole("button", { name: "npy" }).click()]);
  assert.equal((await readFile(await npy.path())).subarray(1, 6).toString(), "NUMPY");
  await page.getByLabel("Draw", { exact: true }).selectOption("near");
  await page.getByLabel("Near", { exact: true }).fill(A);
  await settled(page);
  assert.equal(await drawn.getByRole("listitem").count(), 6);
});

explorer("Steer: a direction of one's own, by keyboard, and its removal", {}, async ({ page, open }) => {
  const name = `test_${Date.now()}`;
  await open(fragment("steer", { text: A }));
  await page.getByText("Make a direction", { exact: true }).click();
  await page.getByLabel("Name", { exact: true }).fill("my returns");
  await page.locator("#name-rule.bad").waitFor();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel(/^Towards/).fill(Array.from({ length: 8 }, (_, i) => `return value_${i}`).join("\n"));
  await page.getByLabel(/^Away/).fill(Array.from({ length: 8 }, (_, i) => `x_${i} = ${i}`).join("\n"));
  await page.getByRole("button", { name: "Make it" }).click();
  const slider = page.getByRole("slider", { name, exact: true });
  await slider.waitFor({ timeout: 60_000 });
  await settled(page);
  const live = main(page).locator("[aria-live] [data-pick]").first();
  const before = await textOf(live);
  await slider.focus();
  await page.keyboard.press("End");
  await eventually(async () => assert.notEqual(await textOf(live), before));
  await page.getByRole("button", { name: "All to 0" }).click();
  await eventually(async () => assert.equal(await textOf(live), before));
  const remove = page.getByRole("button", { name: `Remove the direction ${name} from the model` });
  await remove.click();
  await page.getByRole("button", { name: "no", exact: true }).click();
  assert.ok((await directions()).includes(name));
  await remove.click();
  await page.getByRole("button", { name: "yes, delete" }).click();
  await slider.waitFor({ state: "detached" });
  assert.ok(!(await directions()).includes(name));
  await page.getByRole("button", { name: `make ${name} again` }).waitFor();
});

explorer("Breed: a child becomes the parent, and the tree leads back", {}, async ({ page, open }) => {
  await open(fragment("breed", { parents: [A, B], weights: "1,1" }));
  await settled(page);
  const children = list(page, "Children");
  assert.equal(await children.getByRole("listitem").count(), 8);
  const child = await children.locator("[data-pick]").nth(1).innerText();
  await children.getByRole("button", { name: /^Breed from/ }).nth(1).click();
  await settled(page);
  assert.equal((await page.getByLabel("Parent 1", { exact: true }).inputValue()).trim(), child.trim());
  const tree = page.getByRole("region", { name: "Family tree" });
  await tree.getByRole("button", { name: "+" }).first().press("Enter");
  assert.equal(await page.getByLabel("Parent 2", { exact: true }).inputValue(), B);
  await page.getByLabel("Per latent token").check();
  await page.getByLabel("Latent token 1", { exact: true }).selectOption({ label: "parent 2" });
  await settled(page);
  assert.equal(await children.getByRole("listitem").count(), 8);
});

explorer("Climb on a pasted property; what is climbed never falls", {}, async ({ page, open }) => {
  await open(fragment("climb", { text: A, by: "property" }));
  const texts = Array.from({ length: 30 }, (_, i) => `${"a".repeat((i % 6) + 1)} = f(${"b".repeat(i)})`);
  await page.getByLabel(/^Texts with a number each/).fill(texts.map((text) => `${text}\t${text.length}`).join("\n"));
  await page.getByText("30 texts").waitFor();
  await page.getByLabel(/^Texts with a number each/).fill(texts.slice(0, 19).map((text) => `${text}\t${text.length}`).join("\n"));
  await page.getByText("19 texts, 1 more needed").waitFor();
  await page.getByLabel(/^Texts with a number each/).fill(texts.map((text) => `${text}\t${text.length}`).join("\n"));
  const way = list(page, "Texts on the way");
  await way.waitFor({ timeout: 60_000 });
  await settled(page);
  const values = (await way.getByText(/^predicted/).allInnerTexts()).map((text) => Number(text.replace("predicted ", "").replace("−", "-")));
  assert.ok(values.length >= 1);
  assert.ok(values.at(-1) >= values[0] - 1e-9);
  const said = await main(page).getByText(/The property as predicted/).first().innerText();
  assert.ok(said.includes((await way.getByText(/^predicted/).first().innerText()).replace("predicted ", "")), said);
});

explorer("Analogy: one answer follows the strength, and several stand below", {}, async ({ page, open }) => {
  await open(fragment("analogy", { a: A, b: B, c: C }));
  await settled(page);
  const answer = list(page, "The answer").locator("[data-pick]");
  assert.equal(await list(page, "Answers of several strengths").getByRole("listitem").count(), 5);
  await page.getByRole("slider", { name: "Strength" }).focus();
  await page.keyboard.press("Home");
  await eventually(async () => assert.match(await list(page, "The answer").innerText(), /−3\.00/));
  assert.equal(await answer.count(), 1);
});

explorer("Health: a measurement shows its progress and can be cancelled", {}, async ({ page, open }) => {
  await open(fragment("health"));
  await page.getByLabel("Texts", { exact: true }).fill("2000");
  await page.getByLabel("Texts", { exact: true }).blur();
  await page.getByRole("button", { name: "Measure" }).press("Enter");
  const cancel = page.getByRole("button", { name: "Cancel" });
  const problem = main(page).getByRole("alert");
  await cancel.or(problem).first().waitFor();
  if (await problem.isVisible()) return; // the held-out texts are not on this machine, which the line says
  await page.getByRole("progressbar", { name: "Evaluation" }).waitFor();
  await cancel.click();
  await page.getByRole("button", { name: "Measure" }).waitFor({ timeout: 60_000 });
});

explorer("Health: what was measured is shown, also after another view, and beside the model's own report", {}, async ({ page, open }) => {
  await open(fragment("health"));
  await page.getByLabel("Texts", { exact: true }).fill("4");
  await page.getByLabel("Texts", { exact: true }).blur();
  await page.getByRole("button", { name: "Measure" }).press("Enter");
  const shown = main(page).getByText("Measured here on 4 texts");
  const problem = main(page).getByRole("alert");
  await shown.or(problem).first().waitFor({ timeout: 120_000 });
  if (await problem.isVisible()) return; // the held-out texts are not on this machine, which the line says
  await open(fragment("health"));
  await shown.waitFor();
  const own = main(page).getByRole("button", { name: "Show the model's own report" });
  if ((await own.count()) === 0) return; // it has none
  await own.click();
  await main(page).getByText("Measured on").waitFor();
});

explorer("Map by mouse: a place between points is decoded, labels are left out, an outline is a list", { skip: noCorpus }, async ({ page, open }) => {
  await open(fragment("map", { contours: "0" }));
  await settled(page);
  const stage = page.getByRole("application");
  await page.waitForTimeout(500);
  const box = await stage.boundingBox();
  await page.mouse.click(box.x + 25, box.y + 25);
  await selected(page).getByText("from a place of the map").waitFor();
  await page.getByText(/Read at the cross/).waitFor();
  await page.keyboard.down("Shift");
  await page.mouse.move(box.x + 10, box.y + 10);
  await page.mouse.down();
  for (const [x, y] of [[0.99, 0.01], [0.99, 0.99], [0.01, 0.99], [0.01, 0.5]]) {
    await page.mouse.move(box.x + box.width * x, box.y + box.height * y, { steps: 8 });
  }
  await page.mouse.up();
  await page.keyboard.up("Shift");
  await page.getByText(/texts? in the outline/).waitFor();
  await page.getByRole("button", { name: "keep as A" }).click();
  await page.getByText(/^A: [\d,]+ points?, B: 0 points/).waitFor();
  await list(page, "Texts of the map").locator("[data-pick]").first().click();
  await selected(page).getByText("from the corpus").waitFor();
});

explorer("two outlines of the map make a direction", { skip: noCorpus }, async ({ page, open }) => {
  const name = `outlines_${Date.now()}`;
  await open(fragment("map", { contours: "0" }));
  await settled(page);
  await page.waitForTimeout(500);
  const box = await page.getByRole("application").boundingBox();
  for (const [letter, left, right] of [["A", 0.01, 0.48], ["B", 0.52, 0.9]]) {
    await page.keyboard.down("Shift");
    await page.mouse.move(box.x + box.width * left, box.y + 5);
    await page.mouse.down();
    for (const [x, y] of [[right, 0.01], [right, 0.99], [left, 0.99], [left, 0.1]]) {
      await page.mouse.move(box.x + box.width * x, box.y + box.height * y, { steps: 8 });
    }
    await page.mouse.up();
    await page.keyboard.up("Shift");
    await page.getByRole("button", { name: `keep as ${letter}` }).click();
  }
  await page.getByRole("navigation").getByRole("button", { name: "Steer" }).click();
  await page.getByText("Make a direction", { exact: true }).click();
  await page.getByLabel("From", { exact: true }).selectOption("outlines");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByRole("slider", { name, exact: true }).waitFor({ timeout: 60_000 });
  await page.getByRole("navigation").getByRole("button", { name: "Map" }).click();
  await page.getByLabel("Colour", { exact: true }).selectOption("direction");
  await main(page).getByLabel("Direction", { exact: true }).selectOption(name);
  await main(page).getByRole("group", { name: "Legend" }).getByText(name).waitFor();
  await page.getByRole("navigation").getByRole("button", { name: "Steer" }).click();
  await page.getByRole("button", { name: `Remove the direction ${name} from the model` }).click();
  await page.getByRole("button", { name: "yes, delete" }).click();
  await page.getByRole("slider", { name, exact: true }).waitFor({ state: "detached" });
});

explorer("the map is there whenever it is come back to, and however quickly", { skip: noCorpus }, async ({ page, open }) => {
  let held = 0;
  await page.route("**/api/map/points*", (route) => (held++ === 0 ? undefined : route.continue())); // the first is never answered
  await open(fragment("map", { selected: A }));
  const whole = main(page).getByText(/^[1-9][\d,]* texts/);
  const stage = page.getByRole("application");
  await stage.waitFor();
  for (const pause of [0, 30, 200, 600, 0]) {
    await page.waitForTimeout(pause);
    await page.keyboard.press("Alt+Digit3");
    await page.waitForTimeout(pause);
    await page.keyboard.press("Alt+Digit2");
  }
  await whole.waitFor();
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press("Alt+Digit1");
    await selected(page).getByRole("button", { name: "find on the map" }).click();
    await eventually(async () => assert.match(await stage.getAttribute("aria-label"), /[1-9]\d* points/), 3000);
    await whole.waitFor();
  }
  await main(page).getByLabel("Plane", { exact: true }).selectOption("directions");
  await eventually(async () => assert.match(await stage.getAttribute("aria-label"), /: 0 points/));
});

explorer("the map can be asked for again when the server did not answer", { skip: noCorpus, allowErrors: ["ERR_FAILED"] }, async ({ page, open }) => {
  let down = true;
  await page.route("**/api/map/**", (route) => (down ? route.abort("failed") : route.continue()));
  await open(fragment("map", { selected: A }));
  await main(page).getByText("The server does not answer. Is tvae serve still running?").first().waitFor();
  down = false;
  await main(page).getByRole("button", { name: "Try again" }).click();
  await main(page).getByText(/^[1-9][\d,]* texts/).waitFor();
});

explorer("Map by keyboard: points, search, and the list beside", { skip: noCorpus }, async ({ page, open }) => {
  await open(fragment("map"));
  await settled(page);
  await page.waitForTimeout(500);
  await page.getByRole("application").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await selected(page).getByText("from the corpus").waitFor();
  await page.getByLabel("Find the nearest texts to").fill(A);
  await settled(page);
  const texts = list(page, "Texts of the map");
  await eventually(async () => assert.equal(await texts.getByRole("listitem").count(), 30));
  await texts.locator("[data-pick]").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  const second = await textOf(texts.locator("[data-pick]").nth(1));
  await eventually(async () => assert.ok((await selected(page).innerText()).includes(second)));
});
