import { describe, expect, it } from "vitest";
import { Camera } from "./camera.ts";
import { HIDDEN, PointRenderer, discStencil, pointSize, type Rgb, type Scene } from "./renderer.ts";

const RED: Rgb = [200, 0, 0];
const BLUE: Rgb = [0, 0, 100];
const SIDE = 20;

/** A unit of the data is a pixel; 0, 0 is the middle of a picture of 20 x 20 pixels. */
function picture(scene: Partial<Scene> & { xy: Float32Array; slots: Uint8Array }, renderer = new PointRenderer()) {
  const camera = new Camera();
  camera.resize(SIDE, SIDE);
  camera.view = { x: 0, y: 0, scaleX: 1, scaleY: 1 };
  const pixels = new Uint32Array(SIDE * SIDE).fill(0x12345678);
  renderer.draw({ colors: [RED, BLUE], size: 1, faint: [9, 9, 9], ...scene }, camera, 1, pixels, SIDE, SIDE);
  return (x: number, y: number) => {
    const pixel = pixels[y * SIDE + x]!;
    return [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255, pixel >>> 24];
  };
}

describe("renderer", () => {
  it("puts a point on its pixel and leaves the rest clear", () => {
    const at = picture({ xy: Float32Array.from([3.5, 4.5]), slots: Uint8Array.from([0]) });
    expect(at(13, 5)).toEqual([200, 0, 0, 166]);
    expect(at(12, 5)).toEqual([0, 0, 0, 0]);
    expect(at(13, 6)).toEqual([0, 0, 0, 0]);
  });

  it("mixes the colours of points on one pixel, in any order", () => {
    const xy = Float32Array.from([0.5, 0.5, 0.5, 0.5]);
    const mixed = picture({ xy, slots: Uint8Array.from([0, 1]) })(10, 9);
    expect(mixed.slice(0, 3)).toEqual([100, 0, 50]);
    expect(mixed[3]).toBeGreaterThan(166);
    expect(picture({ xy, slots: Uint8Array.from([1, 0]) })(10, 9)).toEqual(mixed);
  });

  it("shows hidden points only where no other is, or not at all", () => {
    const xy = Float32Array.from([0.5, 0.5, 0.5, 0.5, 5.5, 0.5]);
    const slots = Uint8Array.from([0, HIDDEN, HIDDEN]);
    const at = picture({ xy, slots });
    expect(at(10, 9)).toEqual([200, 0, 0, 166]);
    expect(at(15, 9).slice(0, 3)).toEqual([9, 9, 9]);
    expect(picture({ xy, slots, faint: null })(15, 9)).toEqual([0, 0, 0, 0]);
  });

  it("draws nothing for points without a place or outside of the picture", () => {
    const xy = Float32Array.from([NaN, 0, 0, Infinity, 100, 0, 0, -100, 1e30, 1e30]);
    const at = picture({ xy, slots: new Uint8Array(5), size: 3 });
    for (let y = 0; y < SIDE; y++) for (let x = 0; x < SIDE; x++) expect(at(x, y)[3]).toBe(0);
  });

  it("keeps nothing of the picture before", () => {
    const renderer = new PointRenderer();
    const slots = Uint8Array.from([0]);
    picture({ xy: Float32Array.from([0.5, 0.5]), slots }, renderer);
    const at = picture({ xy: Float32Array.from([5.5, 0.5]), slots: Uint8Array.from([1]) }, renderer);
    expect(at(10, 9)[3]).toBe(0);
    expect(at(15, 9).slice(0, 3)).toEqual([0, 0, 100]);
  });

  it("is right with very many points on one pixel", () => {
    const count = 300_000;
    const at = picture({ xy: new Float32Array(2 * count).fill(0.5), slots: new Uint8Array(count) });
    expect(at(10, 9)).toEqual([200, 0, 0, 255]);
  });

  it("draws round points, with their middle on the place", () => {
    const stencil = discStencil(5);
    expect(stencil.side).toBe(5);
    expect(stencil.weights[0]).toBeLessThan(16);
    const at = picture({ xy: Float32Array.from([0.5, 0.5]), slots: Uint8Array.from([0]), size: 5 });
    expect(at(8, 9)[3]).toBe(at(12, 9)[3]);
    expect(at(10, 7)[3]).toBe(at(10, 11)[3]);
    expect(at(13, 9)[3]).toBe(0);
  });

  it("makes points smaller when there are more or less room, and larger when zoomed", () => {
    const area = 900 * 600;
    expect(pointSize(100, 1, area)).toBe(7);
    expect(pointSize(500_000, 1, area)).toBeLessThan(pointSize(5_000, 1, area));
    expect(pointSize(5_000, 1, area / 4)).toBeLessThan(pointSize(5_000, 1, area));
    expect(pointSize(500_000, 50, area)).toBeGreaterThan(pointSize(500_000, 1, area));
    expect(pointSize(0, 1, area)).toBeGreaterThan(0);
  });
});
