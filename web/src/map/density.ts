import { contours } from "d3-contour";
import { boundsOf } from "./camera.ts";
import { HIDDEN } from "./renderer.ts";

/** A line of equal density. Inside the lines of one level lies the given share of the points. */
export interface Contour {
  share: number;
  /** Closed lines: x, y, x, y, … in the data's units. */
  rings: Float32Array[];
}

const SHARES = [0.95, 0.8, 0.6, 0.4, 0.2];

/** Cells of the longer side of the grid on which density is counted. */
const CELLS = 200;

/** Three box blurs are close to a Gaussian one. */
const BLURS = 3;

const cache = new WeakMap<Float32Array, WeakMap<object, Contour[]>>();
const NO_FILTER = {};

/**
 * The contours of the visible points' density. `filter` is what `slots` hides because of, or null: as long as it and
 * the points are the same objects, the contours are computed once only.
 */
export function densityContours(xy: Float32Array, slots: Uint8Array, filter: object | null): Contour[] {
  let known = cache.get(xy);
  if (!known) cache.set(xy, (known = new WeakMap()));
  let found = known.get(filter ?? NO_FILTER);
  if (!found) known.set(filter ?? NO_FILTER, (found = computeContours(xy, slots)));
  return found;
}

function computeContours(xy: Float32Array, slots: Uint8Array): Contour[] {
  const bounds = boundsOf(xy);
  const dataWidth = bounds.right - bounds.left || 1;
  const dataHeight = bounds.top - bounds.bottom || 1;
  // Axes of two kinds may differ by any factor; a grid of a sensible shape serves them all.
  const shape = Math.min(4, Math.max(0.25, dataWidth / dataHeight));
  const innerColumns = Math.round(shape >= 1 ? CELLS : CELLS * shape);
  const innerRows = Math.round(shape >= 1 ? CELLS / shape : CELLS);
  let visible = 0;
  for (let i = 0; i < slots.length; i++) {
    if (slots[i] !== HIDDEN && Number.isFinite(xy[2 * i]! + xy[2 * i + 1]!)) visible++;
  }
  if (visible === 0) return [];
  // Fewer points need a wider blur: the usual rule lets it shrink with the sixth root of their number.
  const radius = Math.max(1, Math.round((CELLS / 16) * visible ** (-1 / 6)));
  // The blurred density ends inside of the grid, so that all lines close.
  const margin = BLURS * radius + 1;
  const columns = innerColumns + 2 * margin;
  const rows = innerRows + 2 * margin;
  const cellWidth = dataWidth / innerColumns;
  const cellHeight = dataHeight / innerRows;
  let density: Float64Array = new Float64Array(columns * rows);
  for (let i = 0; i < slots.length; i++) {
    const column = Math.floor((xy[2 * i]! - bounds.left) / cellWidth) + margin;
    const row = Math.floor((xy[2 * i + 1]! - bounds.bottom) / cellHeight) + margin;
    if (slots[i] !== HIDDEN && column >= 0 && row >= 0 && column < columns && row < rows)
      density[row * columns + column]!++;
  }
  for (let k = 0; k < BLURS; k++) {
    density = blurLines(density, columns, rows, 1, columns, radius);
    density = blurLines(density, rows, columns, columns, 1, radius);
  }
  const levels = levelsOf(density, visible);
  const shapes = contours().size([columns, rows]).thresholds(levels)(Array.from(density));
  return shapes.map((shape, k) => ({
    share: SHARES[k]!,
    rings: shape.coordinates.flat().map((ring) =>
      Float32Array.from(
        ring.flatMap(([x, y]) => [
          bounds.left + (x! - margin) * cellWidth,
          bounds.bottom + (y! - margin) * cellHeight,
        ]),
      ),
    ),
  }));
}

/** The densities above which the densest cells together hold each of the shares, lowest first. */
function levelsOf(density: Float64Array, total: number): number[] {
  const sorted = density.filter((value) => value > 0).sort();
  const levels: number[] = [];
  let held = 0;
  let cell = sorted.length;
  for (const share of [...SHARES].reverse()) {
    while (cell > 0 && held < share * total) held += sorted[--cell]!;
    levels.unshift(sorted[cell] ?? 0);
  }
  return levels;
}

/** Means over `2 radius + 1` neighbours along each of `lines` lines of `length` values. */
function blurLines(
  values: Float64Array,
  length: number,
  lines: number,
  step: number,
  lineStep: number,
  radius: number,
): Float64Array<ArrayBuffer> {
  const blurred = new Float64Array(values.length);
  const width = 2 * radius + 1;
  for (let line = 0; line < lines; line++) {
    const start = line * lineStep;
    let sum = 0;
    for (let i = -radius; i < length; i++) {
      if (i + radius < length) sum += values[start + (i + radius) * step]!;
      if (i - radius - 1 >= 0) sum -= values[start + (i - radius - 1) * step]!;
      if (i >= 0) blurred[start + i * step] = Math.max(0, sum) / width;
    }
  }
  return blurred;
}
