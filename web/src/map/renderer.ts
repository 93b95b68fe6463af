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

const MOST_POINTS_COUNTED = 24;

/** Opacity of a pixel by its count. */
const OPACITIES = Uint8Array.from({ length: MOST_POINTS_COUNTED * WHOLE + 1 }, (_, count) =>
  Math.round(255 * (1 - (1 - OPACITY) ** (count / WHOLE))),
);

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

/** A width for points that lets single ones be seen and many not run together, in CSS pixels. */
export function pointSize(points: number, zoom: number): number {
  const base = Math.min(6, Math.max(1, 42 / Math.max(1, points) ** 0.25));
  return Math.min(10, base * Math.max(1, zoom) ** 0.3);
}

/**
 * Draws points by adding up colors. Every pixel keeps the sum of the colours of its points and their count; its colour
 * is their mean, its opacity grows with the count. So the picture doesn't depend on the order of the points, a mixture
 * looks like one, and half a million points need no GPU.
 */
export class PointRenderer {
  /** Red, green, blue and count of each pixel, side by side because they are touched together. */
  #sums = new Uint32Array(0);
  #stencil = discStencil(1);
  #stride = 0;
  #rows = 0;

  /** Fills `pixels` (width x height, RGBA as the little-endian 32-bit numbers of an ImageData). */
  draw(scene: Scene, camera: Camera, ratio: number, pixels: Uint32Array, width: number, height: number): void {
    const diameter = Math.max(1, Math.round(scene.size * ratio));
    if (this.#stencil.side !== diameter) this.#stencil = discStencil(diameter);
    // The sums reach one point beyond each edge: no point has to be cut at the border.
    const stride = width + 2 * diameter;
    const rows = height + 2 * diameter;
    if (stride !== this.#stride || rows !== this.#rows) {
      this.#sums = new Uint32Array(4 * stride * rows);
      this.#stride = stride;
      this.#rows = rows;
    }
    this.#add(scene, camera, ratio, width, height);
    this.#blend(scene, pixels, width, height);
  }

  #add(scene: Scene, camera: Camera, ratio: number, width: number, height: number): void {
    const { xy, slots, colors, faint } = scene;
    const { side, dx, dy, weights } = this.#stencil;
    const sums = this.#sums;
    const stride = this.#stride;
    const offsets = Int32Array.from(dx, (x, k) => 4 * (dy[k]! * stride + x));
    const count = offsets.length;
    const reds = Uint32Array.from(colors, (c) => c[0]);
    const greens = Uint32Array.from(colors, (c) => c[1]);
    const blues = Uint32Array.from(colors, (c) => c[2]);
    const { view } = camera;
    const scaleX = view.scaleX * ratio;
    const scaleY = -view.scaleY * ratio;
    // The extra terms put a point's middle on its place, and count from the corner of the wider area of sums.
    const left = (camera.width * ratio) / 2 - view.x * scaleX + side / 2;
    const top = (camera.height * ratio) / 2 - view.y * scaleY + side / 2;
    const right = width + side;
    const bottom = height + side;
    for (let i = 0; i < slots.length; i++) {
      const x = xy[2 * i]! * scaleX + left;
      const y = xy[2 * i + 1]! * scaleY + top;
      // Written so that NaN fails it.
      if (!(x >= 0 && y >= 0 && x < right && y < bottom)) continue;
      const corner = 4 * ((y | 0) * stride + (x | 0));
      const slot = slots[i]!;
      if (slot === HIDDEN) {
        // The lowest bit of the count marks a pixel with hidden points: they show only where no other point does.
        if (faint) for (let k = 0; k < count; k++) sums[corner + offsets[k]! + 3]! |= 1;
        continue;
      }
      const red = reds[slot]!;
      const green = greens[slot]!;
      const blue = blues[slot]!;
      for (let k = 0; k < count; k++) {
        const pixel = corner + offsets[k]!;
        const weight = weights[k]!;
        sums[pixel]! += red * weight;
        sums[pixel + 1]! += green * weight;
        sums[pixel + 2]! += blue * weight;
        sums[pixel + 3]! += 2 * weight;
      }
    }
  }

  /** Makes pixels of the sums, and sets the sums back to 0 for the next picture. */
  #blend(scene: Scene, pixels: Uint32Array, width: number, height: number): void {
    const sums = this.#sums;
    const side = this.#stencil.side;
    const [red, green, blue] = scene.faint ?? [0, 0, 0];
    const faint = ((FAINT_OPACITY * 255) << 24) | (blue << 16) | (green << 8) | red;
    for (let row = 0; row < this.#rows; row++) {
      const inside = row >= side && row < side + height;
      let sum = 4 * row * this.#stride;
      let pixel = (row - side) * width - side;
      for (let column = 0; column < this.#stride; column++, sum += 4, pixel++) {
        const marked = sums[sum + 3]!;
        const seen = inside && column >= side && column < side + width;
        if (marked === 0) {
          if (seen) pixels[pixel] = 0;
          continue;
        }
        if (seen) {
          const n = marked >>> 1;
          if (n === 0) pixels[pixel] = faint;
          else {
            const opacity = OPACITIES[n < OPACITIES.length ? n : OPACITIES.length - 1]!;
            pixels[pixel] =
              (opacity << 24) | ((sums[sum + 2]! / n) << 16) | ((sums[sum + 1]! / n) << 8) | (sums[sum]! / n);
          }
        }
        sums[sum] = sums[sum + 1] = sums[sum + 2] = sums[sum + 3] = 0;
      }
    }
  }
}
