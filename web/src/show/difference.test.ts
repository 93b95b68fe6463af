import { describe, expect, it } from "vitest";
import { changesBetween } from "./difference.ts";

/** The text before, made of the text after and the changes. */
function undone(after: string, changes: ReturnType<typeof changesBetween>): string {
  let before = "";
  let place = 0;
  for (const { start, end, removed } of changes) {
    before += after.slice(place, start) + removed;
    place = end;
  }
  return before + after.slice(place);
}

describe("changes", () => {
  it("are whole words of a text", () => {
    expect(changesBetween("the brown fox", "the red fox runs", "words")).toEqual([
      { start: 4, end: 7, removed: "brown" },
      { start: 11, end: 16, removed: "" },
    ]);
  });

  it("are characters of a notation", () => {
    expect(changesBetween("CC(=O)N", "CC(=O)O", "characters")).toEqual([{ start: 6, end: 7, removed: "N" }]);
    expect(changesBetween("CCO", "CO", "characters")).toMatchObject([{ removed: "C" }]);
  });

  it("are none of the same text, and all of another", () => {
    expect(changesBetween("a", "a", "words")).toEqual([]);
    expect(changesBetween("", "a b", "words")).toEqual([{ start: 0, end: 3, removed: "" }]);
    expect(changesBetween("a b", "", "words")).toEqual([{ start: 0, end: 0, removed: "a b" }]);
  });

  it("lead back to the text before", () => {
    const pairs = [
      ["if a < b:\n\treturn c", "if a <= b:\n    raise c()"],
      ["\u0000 <b>", "<b> \u0000 x"],
      ["one two three four", "four three two one"],
    ] as const;
    for (const [before, after] of pairs) {
      expect(undone(after, changesBetween(before, after, "words"))).toBe(before);
      expect(undone(after, changesBetween(before, after, "characters"))).toBe(before);
    }
  });

  it("don't take long where there is nothing in common", () => {
    const start = performance.now();
    const before = Array.from({ length: 50_000 }, (_, k) => String.fromCharCode(97 + ((k * 7) % 26))).join("");
    const after = Array.from({ length: 50_000 }, (_, k) => String.fromCharCode(97 + ((k * k) % 25))).join("");
    expect(undone(after, changesBetween(before, after, "characters"))).toBe(before);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
