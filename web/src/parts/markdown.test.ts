import { expect, test } from "vitest";
import { blocksOf } from "./markdown.ts";

test("the parts of a model card", () => {
  const source =
    "---\nlicense: mit\n---\n# Name\n\nOne\n[two](x).\n\n| a | b |\n|---|---|\n| 1 | **2** |\n\n- x\n  y\n- z\n\n```sh\nrun | it\n```\n<!-- hidden -->";
  expect(blocksOf(source)).toEqual([
    { kind: "heading", text: "Name" },
    { kind: "paragraph", text: "One two." },
    { kind: "table", rows: [["a", "b"], ["1", "2"]] },
    { kind: "list", items: ["x y", "z"] },
    { kind: "code", text: "run | it" },
  ]);
});
