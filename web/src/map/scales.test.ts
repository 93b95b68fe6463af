import { describe, expect, it } from "vitest";
import { CATEGORIES, OTHER, RAMPS, type Theme } from "./palette.ts";
import { colorScale, shortNumber, ticks } from "./scales.ts";
import type { Rgb } from "./renderer.ts";

describe("labels", () => {
  it("have colours in order of their frequency", () => {
    const scale = colorScale(
      { kind: "label", values: Float32Array.from([2, 1, 2, NaN, 2, 1, 0]), labels: ["a", "b", "c", "unused"] },
      7,
    );
    const { entries } = scale.legend("light");
    expect(entries.map(({ label, count }) => [label, count])).toEqual([
      ["c", 3],
      ["b", 2],
      ["a", 1],
      ["none", 1],
    ]);
    expect([...scale.slots]).toEqual([0, 1, 0, 4, 0, 1, 2]);
    expect(scale.colors("light")[0]).toEqual(CATEGORIES.light[0]);
  });

  it("share one colour beyond the tenth", () => {
    const labels = Array.from({ length: 300 }, (_, k) => `label ${k}`);
    const values = Float32Array.from({ length: 3000 }, (_, i) => (i < 2000 ? i % 10 : i % 300));
    const scale = colorScale({ kind: "label", values, labels }, 3000);
    const { entries } = scale.legend("dark");
    expect(entries.length).toBe(11);
    expect(entries[10]!.label).toBe("other");
    expect(entries.reduce((sum, { count }) => sum + count, 0)).toBe(3000);
  });

  it("may be missing, out of range or too few", () => {
    const scale = colorScale({ kind: "label", values: Float32Array.from([-1, 5, 0]), labels: ["a"] }, 5);
    expect(scale.legend("light").entries.map(({ label, count }) => [label, count])).toEqual([
      ["a", 1],
      ["none", 4],
    ]);
  });
});

describe("numbers", () => {
  it("go up the ramp, and NaN has a colour of its own", () => {
    const values = Float32Array.from({ length: 101 }, (_, k) => (k === 50 ? NaN : k));
    const scale = colorScale({ kind: "number", values, name: "length" }, 101);
    expect(scale.slots[0]).toBe(0);
    expect(scale.slots[100]).toBe(63);
    expect(scale.slots[50]).toBe(64);
    expect(scale.legend("light")).toMatchObject({ name: "length", entries: [{ label: "none", count: 1 }] });
  });

  it("are not used up by a few odd ones", () => {
    const values = Float32Array.from({ length: 1000 }, (_, k) => k / 1000);
    values[7] = 1e9;
    values[8] = -Infinity;
    const { ramp } = colorScale({ kind: "number", values, name: "" }, 1000).legend("light");
    expect(ramp!.high).toBeLessThan(1);
  });

  it("may all be the same, or none", () => {
    expect([...colorScale({ kind: "number", values: Float32Array.from([3, 3]), name: "" }, 2).slots]).toEqual([32, 32]);
    expect([...colorScale({ kind: "number", values: new Float32Array(0), name: "" }, 2).slots]).toEqual([64, 64]);
  });
});

it("ticks are round and inside", () => {
  expect(ticks(-3.2, 7.9, 6)).toEqual([-2, 0, 2, 4, 6]);
  expect(ticks(0.011, 0.029, 3).map(shortNumber)).toEqual(["0.02"]);
  expect(ticks(1, 1, 5)).toEqual([]);
  expect(shortNumber(-0.30000000000000004)).toBe("−0.3");
});

/** sRGB to linear light, where mixing and simulating colour blindness are sums. */
function linear(color: Rgb): number[] {
  return color.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
}

function product(matrix: number[][], vector: number[]): number[] {
  return matrix.map((row) => row.reduce((sum, factor, k) => sum + factor * vector[k]!, 0));
}

function oklab(light: number[]): number[] {
  const cones = product(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    light,
  ).map((value) => Math.cbrt(Math.max(0, value)));
  return product(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cones,
  );
}

/** Complete colour blindness of each kind (Machado, Oliveira and Fernandes, 2009), and none. */
const EYES = {
  all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

const GROUNDS: Record<Theme, Rgb> = { light: [255, 255, 255], dark: [22, 24, 29] };

describe.each(["light", "dark"] as const)("palette on %s ground", (theme) => {
  const contrast = (color: Rgb) => {
    const [a, b] = [color, GROUNDS[theme]].map((c) => {
      const [red, green, blue] = linear(c);
      return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue! + 0.05;
    });
    return Math.max(a! / b!, b! / a!);
  };

  it.each(Object.entries(EYES))("keeps labels apart for eyes with %s colours", (eyes, matrix) => {
    const seen = [...CATEGORIES[theme], OTHER[theme]].map((color) => oklab(product(matrix, linear(color))));
    for (let i = 0; i < seen.length; i++) {
      for (let j = 0; j < i; j++) {
        const apart = Math.hypot(...seen[i]!.map((value, k) => value - seen[j]![k]!));
        expect(apart).toBeGreaterThan(eyes === "all" ? 0.15 : 0.08);
      }
    }
  });

  it("stands out from the ground", () => {
    for (const color of CATEGORIES[theme]) expect(contrast(color)).toBeGreaterThan(2.3);
  });

  it("has a ramp that moves away from the ground in even steps", () => {
    const lightness = RAMPS[theme].map((color) => oklab(linear(color))[0]!);
    const steps = lightness.slice(1).map((value, k) => value - lightness[k]!);
    const sign = theme === "light" ? -1 : 1;
    for (const step of steps) expect(sign * step).toBeGreaterThan(0.003);
    expect(Math.max(...steps.map(Math.abs))).toBeLessThan(0.014);
  });
});
