import { describe, expect, it } from "vitest";
import { Picker, neighbourIn, pointsInside } from "./picking.ts";
import { HIDDEN } from "./renderer.ts";

/** The same numbers on every run, from 0 to 1. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

function cloud(count: number): Float32Array {
  const next = numbers(3);
  return Float32Array.from({ length: 2 * count }, () => (next() + next() + next() - 1.5) ** 3);
}

const EVEN = { scaleX: 1, scaleY: 1 };

describe("nearest point", () => {
  it("is the one that looking at all of them finds, whatever the scales", () => {
    const xy = cloud(3000);
    const slots = Uint8Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? HIDDEN : 0));
    const picker = new Picker(xy);
    const next = numbers(5);
    for (const scales of [EVEN, { scaleX: 50, scaleY: 0.3 }]) {
      for (let k = 0; k < 200; k++) {
        const at = { x: 6 * next() - 3, y: 6 * next() - 3 };
        let best = -1;
        let bestSquare = Infinity;
        for (let i = 0; i < 3000; i++) {
          if (slots[i] === HIDDEN) continue;
          const square = ((xy[2 * i]! - at.x) * scales.scaleX) ** 2 + ((xy[2 * i + 1]! - at.y) * scales.scaleY) ** 2;
          if (square < bestSquare) [best, bestSquare] = [i, square];
        }
        expect(picker.nearest(at, scales, Infinity, slots)).toBe(best);
      }
    }
  });

  it("is none beyond the reach, and none of none", () => {
    const picker = new Picker(Float32Array.from([0, 0, NaN, NaN]));
    const slots = new Uint8Array(2);
    expect(picker.nearest({ x: 3, y: 4 }, EVEN, 4.9, slots)).toBeNull();
    expect(picker.nearest({ x: 3, y: 4 }, EVEN, 5.1, slots)).toBe(0);
    expect(new Picker(new Float32Array(0)).nearest({ x: 0, y: 0 }, EVEN, Infinity, slots)).toBeNull();
  });

  it("is found where all points are in one place, or on a line", () => {
    const same = new Picker(new Float32Array(2000).fill(4));
    expect(same.nearest({ x: 0, y: 0 }, EVEN, Infinity, new Uint8Array(1000))).not.toBeNull();
    const line = new Picker(Float32Array.from({ length: 200 }, (_, k) => (k % 2 ? 0 : k)));
    expect(line.nearest({ x: 51, y: 3 }, EVEN, Infinity, new Uint8Array(100))).toBe(25);
  });

  it("is quick among 100,000", () => {
    const xy = cloud(100_000);
    const slots = new Uint8Array(100_000);
    const start = performance.now();
    const picker = new Picker(xy);
    for (let k = 0; k < 100; k++) picker.nearest({ x: k / 100, y: -k / 80 }, { scaleX: 100, scaleY: 100 }, 10, slots);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe("neighbour in a direction", () => {
  const xy = Float32Array.from([0, 0, 10, 1, 20, 0, -10, 0, 0, 10, 1, -10, 2, 0]);
  const slots = new Uint8Array(7);

  it("lies there, far enough to see", () => {
    expect(neighbourIn("right", { x: 0, y: 0 }, xy, EVEN, slots)).toBe(1);
    expect(neighbourIn("left", { x: 0, y: 0 }, xy, EVEN, slots)).toBe(3);
    expect(neighbourIn("up", { x: 0, y: 0 }, xy, EVEN, slots)).toBe(4);
    expect(neighbourIn("down", { x: 0, y: 0 }, xy, EVEN, slots)).toBe(5);
  });

  it("passes over hidden points, and is none at the edge", () => {
    const hidden = Uint8Array.from([0, HIDDEN, 0, 0, 0, 0, 0]);
    expect(neighbourIn("right", { x: 0, y: 0 }, xy, EVEN, hidden)).toBe(2);
    expect(neighbourIn("right", { x: 20, y: 0 }, xy, EVEN, slots)).toBeNull();
  });
});

describe("points inside an outline", () => {
  const square = [
    { x: 0, y: 0 },
    { x: 1, y: 0 },
    { x: 1, y: 1 },
    { x: 0, y: 1 },
  ];

  it("are the visible ones", () => {
    const xy = Float32Array.from([0.5, 0.5, 2, 0.5, 0.1, 0.9, 0.2, 0.2, NaN, 0.5]);
    expect(pointsInside(square, xy, Uint8Array.from([0, 0, 0, HIDDEN, 0]))).toEqual([0, 2]);
  });

  it("agree with the area of a circle and leave out a notch", () => {
    const circle = Array.from({ length: 400 }, (_, k) => ({
      x: Math.cos((k * Math.PI) / 200),
      y: Math.sin((k * Math.PI) / 200),
    }));
    const next = numbers(9);
    const xy = Float32Array.from({ length: 40_000 }, () => 2 * next() - 1);
    const inside = pointsInside(circle, xy, new Uint8Array(20_000)).length;
    expect(inside / 20_000).toBeCloseTo(Math.PI / 4, 1);
    const notched = [...square.slice(0, 3), { x: 0.5, y: 0.2 }, square[3]!];
    expect(pointsInside(notched, Float32Array.from([0.5, 0.8, 0.5, 0.1]), new Uint8Array(2))).toEqual([1]);
  });

  it("are none of a line", () => {
    expect(pointsInside(square.slice(0, 2), Float32Array.from([0.5, 0]), new Uint8Array(1))).toEqual([]);
  });
});
