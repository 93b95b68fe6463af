import { afterEach, describe, expect, it, vi } from "vitest";
import { drawMolecule } from "./smiles.ts";

// jsdom has no pictures; the library then estimates the size of letters.
vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);

afterEach(() => document.body.replaceChildren());

describe("molecule", () => {
  it("is a drawing that takes its colours from the page", () => {
    const svg = drawMolecule("CC(=O)Oc1ccccc1C(=O)O")!;
    expect(svg.querySelectorAll("line").length).toBeGreaterThan(10);
    expect(svg.outerHTML).toContain("currentColor");
    expect(svg.outerHTML).toContain("var(--atom-o");
    expect(svg.outerHTML).not.toMatch(/#[0-9a-f]{6}/i);
    expect(Number.parseFloat(svg.getAttribute("width")!)).toBeGreaterThan(50);
  });

  it("holds no style elements, which the page's policy forbids", () => {
    expect(drawMolecule("C[N+](C)(C)C.[Cl-]")!.querySelectorAll("style, metadata").length).toBe(0);
    expect(document.createElementNS("http://www.w3.org/2000/svg", "style").tagName).toBe("style");
  });

  it("closes rings by one or two digits", () => {
    for (const text of ["C1CCC1", "C%10CCC%10", "[13CH2]1CC1"]) expect(drawMolecule(text)).not.toBeNull();
  });

  it("is drawn in reasonable time, rings that bridge many others too", () => {
    const bridged = Array.from({ length: 20 }, (_, k) => `CC${(k % 8) + 2}C${(k % 8) + 1}`).join("");
    const start = performance.now();
    drawMolecule(`C1${bridged}C2C3C4`);
    drawMolecule("C".repeat(300));
    expect(performance.now() - start).toBeLessThan(3000);
  });

  it("is none of what is no molecule", () => {
    const others = [
      "",
      " ",
      "not a molecule",
      "<img src=x onerror=alert(1)>",
      "C1CC",
      "C(",
      "\u0000C",
      "((((((((((",
      "C".repeat(100_000),
      "Xx",
      "[C",
    ];
    for (const text of others) {
      // Some of these the library draws, as well as it can; none may throw or bring in an element of its own.
      const svg = drawMolecule(text);
      expect(svg?.querySelector("img, script, foreignObject") ?? null).toBeNull();
    }
    for (const text of ["", "not a molecule", "C1CC", "C%10CC%11", "<img src=x onerror=alert(1)>", "C(", "C".repeat(100_000)])
      expect(drawMolecule(text)).toBeNull();
  });
});
