import { beforeEach, describe, expect, it } from "vitest";
import { drawTune } from "./abc.ts";

let host: HTMLElement;

beforeEach(() => {
  // jsdom has no layout; the sizes that it would give are enough for the drawing to go through.
  Object.assign(SVGElement.prototype, { getBBox: () => ({ x: 0, y: 0, width: 10, height: 10 }) });
  document.body.replaceChildren((host = document.createElement("div")));
});

describe("tune", () => {
  it("is drawn, and has notes with pitch and time", () => {
    const tune = drawTune(host, "X:1\nL:1/4\nQ:1/4=60\nK:C\nC E2 c|")!;
    expect(host.querySelector("svg")).not.toBeNull();
    expect(host.querySelector("style")).toBeNull();
    expect(tune.warnings).toEqual([]);
    expect(tune.notes.map(({ pitch, start }) => [pitch, start])).toEqual([
      [60, 0],
      [64, 1],
      [72, 3],
    ]);
    for (const { duration, loudness } of tune.notes) {
      expect(duration).toBeGreaterThan(0.5);
      expect(loudness).toBeGreaterThan(0);
      expect(loudness).toBeLessThanOrEqual(1);
    }
  });

  it("plays repeats", () => {
    expect(drawTune(host, "X:1\nK:C\n|:CDEF:|")!.notes.length).toBe(8);
  });

  it("says in plain text what it did not understand", () => {
    const { warnings } = drawTune(host, "X:1\nK:C\nCDE § F|")!;
    expect(warnings).toEqual(["Line 3, character 5: Unknown character ignored"]);
  });

  it("holds nothing that the text brings along", () => {
    const hostile = '<img src=x onerror="alert(1)">';
    const abc = `X:1\nT:${hostile}\nC:<script>1</script>\nK:C\n"^${hostile}"CDE|\nw:${hostile}\n%%text ${hostile}\n%%beginsvg\n<script>1</script>\n`;
    const tune = drawTune(host, abc)!;
    expect(host.querySelector("img, script, foreignObject")).toBeNull();
    for (const warning of tune.warnings) expect(warning).not.toContain("<span");
    expect(host.textContent).toContain("<img");
  });

  it("is none of what has no key or no notes, or is too long", () => {
    for (const text of ["", "\n", "<img src=x>", "only words", "X:1\nK:C\n", "\u0000", `K:C\n${"C".repeat(100_000)}`]) {
      expect(drawTune(host, text)).toBeNull();
      expect(host.children.length).toBe(0);
    }
  });
});
