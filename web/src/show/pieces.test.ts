import { describe, expect, it } from "vitest";
import { beginning, marksOf, piecesOf, symbolOf } from "./pieces.ts";

const texts = (pieces: ReturnType<typeof piecesOf>) =>
  pieces.map(({ text, kind, change, control }) => [text, kind || (control ? "control" : ""), change ?? ""].join("|"));

describe("pieces", () => {
  it("that are new together are one mark", () => {
    const spans = [{ start: 2, end: 4, kind: "keyword" }];
    const marks = marksOf(piecesOf("abcdef", spans, [{ start: 1, end: 5, removed: "x" }], false));
    expect(marks.map((mark) => mark.map((piece) => piece.text))).toEqual([["a"], ["x"], ["b", "cd", "e"], ["f"]]);
  });

  it("are the text cut at kinds and changes", () => {
    const spans = [
      { start: 0, end: 6, kind: "keyword" },
      { start: 7, end: 8, kind: "number" },
    ];
    const changes = [{ start: 4, end: 7, removed: "x" }];
    expect(texts(piecesOf("return 1;", spans, changes, false))).toEqual([
      "retu|keyword|",
      "x||removed",
      "rn|keyword|added",
      " ||added",
      "1|number|",
      ";||",
    ]);
  });

  it("show what was taken out at the beginning, between and at the end, once each", () => {
    const changes = [
      { start: 0, end: 0, removed: "a" },
      { start: 2, end: 2, removed: "b" },
      { start: 4, end: 4, removed: "c" },
    ];
    expect(texts(piecesOf("1234", [], changes, false))).toEqual(["a||removed", "12||", "b||removed", "34||", "c||removed"]);
    expect(texts(piecesOf("", [], [{ start: 0, end: 0, removed: "all" }], false))).toEqual(["all||removed"]);
  });

  it("have symbols for characters that are invisible", () => {
    expect(texts(piecesOf("a\u0000\n\u202eb", [], [], false))).toEqual([
      "a||",
      "U+0000|control|",
      "\n||",
      "U+202E|control|",
      "b||",
    ]);
    expect(texts(piecesOf("a\n\tb", [], [], true))).toEqual(["a||", "↵|control|", "⇥|control|", "b||"]);
    expect(symbolOf("\u007f")).toBe("U+007F");
    expect(texts(piecesOf("\ud800x😀\udc00", [], [], true))).toEqual(["U+D800|control|", "x😀||", "U+DC00|control|"]);
  });

  it("leave markup and other scripts as they are", () => {
    const text = "<img src=x onerror=alert(1)> שלום 日本 👩‍👩‍👧";
    expect(texts(piecesOf(text, [], [], true))).toEqual([`${text}||`]);
  });

  it("begin without half a character", () => {
    expect(beginning("a😀b", 2)).toBe("a");
    expect(beginning("a😀b", 3)).toBe("a😀");
    expect(beginning("ab", 5)).toBe("ab");
  });
});
