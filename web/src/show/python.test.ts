import { describe, expect, it } from "vitest";
import { pythonSpans } from "./python.ts";

function coloured(code: string): string[] {
  return pythonSpans(code).map(({ start, end, kind }) => `${kind}: ${code.slice(start, end)}`);
}

describe("python", () => {
  it("has keywords, strings, numbers, comments and names", () => {
    const found = coloured('def f(x): return len("a<b") + 10  # why');
    expect(found).toContain("keyword: def");
    expect(found).toContain("title: f");
    expect(found).toContain("keyword: return");
    expect(found).toContain('string: "a<b"');
    expect(found).toContain("number: 10");
    expect(found).toContain("comment: # why");
  });

  it("leaves what is between braces of a string to its own kind", () => {
    const found = coloured('f"a{1}b"');
    expect(found).toContain("number: 1");
    expect(found).not.toContain("string: 1");
  });

  it("stays in place with any text", () => {
    for (const code of ["", '"never closed', "<img src=x onerror=alert(1)>", "\u0000\ud800 def 😀 (", "((((((((((lambda:"]) {
      let last = 0;
      for (const { start, end } of pythonSpans(code)) {
        expect(start).toBeGreaterThanOrEqual(last);
        expect(end).toBeLessThanOrEqual(code.length);
        last = end;
      }
    }
  });

  it("is quick, and leaves very long texts plain", () => {
    const start = performance.now();
    expect(pythonSpans("if x == 'a': pass\n".repeat(1000)).length).toBeGreaterThan(1000);
    expect(pythonSpans("x = 1\n".repeat(20_000))).toEqual([]);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
