import { describe, expect, it } from "vitest";
import { densityContours } from "./density.ts";
import { pointsInside } from "./picking.ts";
import { HIDDEN } from "./renderer.ts";

function heap(count: number, middle: number): number[] {
  let state = 11;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const normal = () => next() + next() + next() + next() - 2;
  return Array.from({ length: count }, () => [middle + normal(), normal()]).flat();
}

describe("contours", () => {
  const xy = Float32Array.from([...heap(4000, -6), ...heap(4000, 6)]);
  const slots = new Uint8Array(8000);

  it("hold about the share of the points that they say", () => {
    const contours = densityContours(xy, slots, null);
    expect(contours.map(({ share }) => share)).toEqual([0.95, 0.8, 0.6, 0.4, 0.2]);
    for (const { share, rings } of contours) {
      let inside = 0;
      for (const ring of rings) {
        const outline = Array.from({ length: ring.length / 2 }, (_, k) => ({ x: ring[2 * k]!, y: ring[2 * k + 1]! }));
        inside += pointsInside(outline, xy, slots).length;
      }
      expect(Math.abs(inside / 8000 - share)).toBeLessThan(0.08);
    }
  });

  it("are around the two heaps, closed and inside of the neighbourhood of the data", () => {
    const { rings } = densityContours(xy, slots, null)[1]!;
    expect(rings.length).toBe(2);
    for (const ring of rings) {
      expect(ring[0]).toBe(ring[ring.length - 2]);
      expect(ring[1]).toBe(ring[ring.length - 1]);
      for (const value of ring) expect(Math.abs(value)).toBeLessThan(12);
    }
  });

  it("are computed once for the same points and filter", () => {
    expect(densityContours(xy, slots, null)).toBe(densityContours(xy, slots, null));
    const filter = {};
    const half = slots.map((_, i) => (i < 4000 ? 0 : HIDDEN));
    const left = densityContours(xy, half, filter);
    expect(left).not.toBe(densityContours(xy, slots, null));
    for (const { rings } of left) for (const ring of rings) expect(Math.max(...ring)).toBeLessThan(4);
  });

  it("are none of none, and exist for points in one place", () => {
    expect(densityContours(new Float32Array(0), new Uint8Array(0), null)).toEqual([]);
    expect(densityContours(Float32Array.from([NaN, NaN]), new Uint8Array(1), null)).toEqual([]);
    expect(densityContours(Float32Array.from([1, 1, 1, 1]), new Uint8Array(2), null).length).toBe(5);
  });
});
