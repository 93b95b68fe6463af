import type { Camera } from "./camera.ts";

/** The slot of a point that the filter leaves out. */
export const HIDDEN = 255;

/** Red, green and blue from 0 to 255. */
export type Rgb = readonly [number, number, number];

/** What there is to draw. */
export interface Scene {
  /** x, y, x, y, … in the data's units; a point without a finite place is not drawn. */
  xy: Float32Array;
  /** For each point its place in `colors`, or HIDDEN. */
  slots: Uint8Array;
  colors: readonly Rgb[];
  /** Width of a point in CSS pixels. */
  size: number;
  /** The colour of hidden points; null draws none of them. */
  faint: Rgb | null;
}

/** How much of the ground one point covers; points on top of each other cover more. */
const OPACITY = 0.65;
const FAINT_OPACITY = 0.45;

/** A pixel that a disc covers whole counts this much, one at its edge less, so that discs have smooth edges. */
const WHOLE = 16;

/** More points on a pixel make it no more opaque. */
const OPAQUE = 24;

/** Opacity of a pixel by its count. */
const OPACITIES = Uint8Array.from({ length: OPAQUE * WHOLE + 1 }, (_, count) =>
  Math.round(255 * (1 - (1 - OPACITY) ** (count / WHOLE))),
);

/**
 * Two sums share a number: one in its lower 26 bits, the other times HIGH; a float64 holds both exactly. Adding up is
 * bound by memory, and this halves it.
 */
const HIGH = 2 ** 26;

/** A pixel with so many points takes no more: their mean is known, and the sums have no room. */
const FULL = 16_000 * WHOLE * HIGH;

/** The pixels of a point: how far each lies from the upper left one, and how much of it the point covers. */
export interface Stencil {
  side: number;
  dx: Uint8Array;
  dy: Uint8Array;
  weights: Uint8Array;
}

/** A disc of the given diameter, in pixels. Below three pixels there is no roundness to see, and it is a square. */
export function discStencil(diameter: number): Stencil {
  const side = Math.max(1, Math.round(diameter));
  const dx: number[] = [];
  const dy: number[] = [];
  const weights: number[] = [];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const fromMiddle = Math.hypot(x + 0.5 - side / 2, y + 0.5 - side / 2);
      const covered = side < 3 ? 1 : Math.min(1, side / 2 + 0.5 - fromMiddle);
      const weight = Math.round(WHOLE * covered);
      if (weight <= 0) continue;
      dx.push(x);
      dy.push(y);
      weights.push(weight);
    }
  }
  return { side, dx: Uint8Array.from(dx), dy: Uint8Array.from(dy), weights: Uint8Array.from(weights) };
}

/**
 * A width for points that lets single ones be seen and many not run together, in CSS pixels. `area` is that of the map,
 * in square CSS pixels.
 */
export function pointSize(points: number, zoom: number, area: number): number {
  const places = (0.009 * area) / Math.max(1, points);
  const whenAllAreSeen = Math.min(7, Math.max(1, 5 * places ** 0.33));
  return Math.min(10, whenAllAreSeen * Math.max(1, zoom) ** 0.3);
}

/**
 * Draws points by adding up colours. Every pixel keeps the sum of the colours of its points and their count; its colour
 * is their mean, its opacity grows with the count. So the picture doesn't depend on the order of the points, a mixture
 * looks like one, and half a million points need no GPU.
 */
export class PointRenderer {
  /** Of each pixel: red and green, then blue and count. */
  #sums = new Float64Array(0);
  /** Pixels with hidden points. */
  #marks = new Uint8Array(0);
  #stencil = discStencil(1);

  /** Fills `pixels` (width x height, RGBA as the little-endian 32-bit numbers of an ImageData). */
  draw(scene: Scene, camera: Camera, ratio: number, pixels: Uint32Array, width: number, height: number): void {
    const diameter = Math.max(1, Math.round(scene.size * ratio));
    if (this.#stencil.side !== diameter) this.#stencil = discStencil(diameter);
    if (this.#marks.length !== width * height) {
      this.#marks = new Uint8Array(width * height);
      this.#sums = new Float64Array(2 * width * height);
    }
    this.#add(scene, camera, ratio, width, height);
    this.#blend(scene, pixels);
  }

  #add(scene: Scene, camera: Camera, ratio: number, width: number, height: number): void {
    const { xy, slots, colors, faint } = scene;
    const { side, dx, dy, weights } = this.#stencil;
    const marks = this.#marks;
    const sums = this.#sums;
    const offsets = Int32Array.from(dx, (x, k) => dy[k]! * width + x);
    const parts = offsets.length;
    const redGreens = Float64Array.from(colors, ([red, green]) => red + green * HIGH);
    const blueCounts = Float64Array.from(colors, ([, , blue]) => blue + HIGH);
    const { view } = camera;
    const scaleX = view.scaleX * ratio;
    const scaleY = -view.scaleY * ratio;
    // From the middle of a point to its upper left pixel.
    const left = (camera.width * ratio - side) / 2 - view.x * scaleX;
    const top = (camera.height * ratio - side) / 2 - view.y * scaleY;
    const right = width - side + 1;
    const bottom = height - side + 1;
    for (let i = 0; i < slots.length; i++) {
      const x = xy[2 * i]! * scaleX + left;
      const y = xy[2 * i + 1]! * scaleY + top;
      // Points that the border would cut are left out, and those without a place: NaN fails every comparison.
      if (!(x >= 0 && y >= 0 && x < right && y < bottom)) continue;
      const corner = (y | 0) * width + (x | 0);
      const slot = slots[i]!;
      if (slot === HIDDEN) {
        // Only a mark, because hidden points show only where no other point does. Marks have no soft edges.
        if (!faint) continue;
        for (let k = 0; k < parts; k++) if (weights[k]! >= WHOLE / 2) marks[corner + offsets[k]!] = 1;
        continue;
      }
      const redGreen = redGreens[slot]!;
      const blueCount = blueCounts[slot]!;
      for (let k = 0; k < parts; k++) {
        const sum = 2 * (corner + offsets[k]!);
        if (sums[sum + 1]! >= FULL) continue;
        const weight = weights[k]!;
        sums[sum]! += redGreen * weight;
        sums[sum + 1]! += blueCount * weight;
      }
    }
  }

  /** Makes pixels of the sums, and sets them back to 0 for the next picture. */
  #blend(scene: Scene, pixels: Uint32Array): void {
    const marks = this.#marks;
    const sums = this.#sums;
    const most = OPACITIES.length - 1;
    for (let pixel = 0, sum = 0; pixel < pixels.length; pixel++, sum += 2) {
      const blueCount = sums[sum + 1]!;
      if (blueCount === 0) {
        pixels[pixel] = 0;
        continue;
      }
      const redGreen = sums[sum]!;
      const count = Math.floor(blueCount / HIGH);
      const greens = Math.floor(redGreen / HIGH);
      const red = (redGreen - greens * HIGH) / count;
      const green = greens / count;
      const blue = (blueCount - count * HIGH) / count;
      pixels[pixel] = (OPACITIES[count < most ? count : most]! << 24) | (blue << 16) | (green << 8) | red;
      sums[sum] = sums[sum + 1] = 0;
    }
    if (!scene.faint || !scene.slots.includes(HIDDEN)) return;
    const [red, green, blue] = scene.faint;
    const faint = (Math.round(FAINT_OPACITY * 255) << 24) | (blue << 16) | (green << 8) | red;
    for (let pixel = 0; pixel < pixels.length; pixel++) if (marks[pixel] === 1 && pixels[pixel] === 0) pixels[pixel] = faint;
    marks.fill(0);
  }
}
