// A model of molecules, tunes or images: its texts are drawn, in every view that has some. Skipped for models of words.
import { A, assert, B, C, explorer, fragment, models, seriousFaults, settled } from "./explorer.mjs";

const DRAWN = { smiles: ".molecule svg", abc: ".tune .sheet svg", image: ".picture canvas" }[models[0]?.show];
const skip = DRAWN === undefined && "the model writes words";

const views = {
  path: fragment("path", { places: [A, B], selected: A }),
  map: fragment("map", { selected: A }),
  sample: fragment("sample", { count: "6" }),
  steer: fragment("steer", { text: A }),
  breed: fragment("breed", { parents: [A, B], weights: "1,1" }),
  analogy: fragment("analogy", { a: A, b: B, c: C }),
};

/** Drawings of a part of the page that have a size. */
async function drawings(part) {
  const boxes = await Promise.all((await part.locator(DRAWN).all()).map((drawing) => drawing.boundingBox()));
  return boxes.filter((box) => box !== null && box.width > 8 && box.height > 8).length;
}

explorer("a path is drawn, and what is selected", { skip }, async ({ page, open }) => {
  await open(views.path);
  await settled(page);
  const steps = page.getByRole("list", { name: "Steps of the path", exact: true });
  const drawn = await drawings(steps);
  const all = await steps.getByRole("listitem").count();
  assert.ok(2 * drawn >= all, `${drawn} of ${all} steps are drawn`);
  assert.ok((await drawings(page.getByRole("complementary"))) >= 1, "the selected one");
});

for (const [name, hash] of Object.entries(views)) {
  for (const colorScheme of ["light", "dark"]) {
    explorer(`${name} with drawings, ${colorScheme}: axe finds nothing, and it fits`, { skip, colorScheme }, async ({ page, open }) => {
      await open(hash);
      await settled(page);
      assert.ok((await drawings(page.locator("body"))) >= 1);
      assert.deepEqual(await seriousFaults(page), []);
      for (const width of [1440, 700, 390]) {
        await page.setViewportSize({ width, height: 844 });
        await page.waitForTimeout(300);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, `${width} pixels wide`);
      }
    });
  }
}
