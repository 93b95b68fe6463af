import type { Position } from "./camera.ts";
import { boundsOf } from "./camera.ts";
import { HIDDEN } from "./renderer.ts";

/** On average this many points share a cell of the grid. */
const POINTS_A_CELL = 4;
const MOST_CELLS_A_SIDE = 1024;

/** A step with the arrow keys goes at least this far, so that each one can be seen. */
const SMALLEST_STEP = 4;

/** An outline is cut into this many strips to look up which of its edges are beside a point. */
const STRIPS = 256;

export type Direction = "left" | "right" | "up" | "down";

/** Pixels that a unit of the data takes; distances are those that the eye sees. */
export interface Scales {
  scaleX: number;
  scaleY: number;
}

/**
 * Finds points by place. They are sorted into the cells of a grid; a search begins in the cell of the place asked for
 * and goes outwards ring by ring until no nearer point is possible.
 */
export class Picker {
  readonly #xy: Float32Array;
  readonly #left: number;
  readonly #bottom: number;
  readonly #cellWidth: number;
  readonly #cellHeight: number;
  readonly #columns: number;
  readonly #rows: number;
  /** The points of cell c are those of `order` from `#starts[c]` up to `#starts[c + 1]`. */
  readonly #starts: Uint32Array;
  /** All points that have a place, cell by cell and row by row: neighbours on the screen are neighbours here. */
  readonly order: Uint32Array;

  constructor(xy: Float32Array) {
    this.#xy = xy;
    const count = xy.length >> 1;
    const bounds = boundsOf(xy);
    const side = Math.min(MOST_CELLS_A_SIDE, Math.max(1, Math.ceil(Math.sqrt(count / POINTS_A_CELL))));
    this.#left = bounds.left;
    this.#bottom = bounds.bottom;
    this.#columns = side;
    this.#rows = side;
    this.#cellWidth = (bounds.right - bounds.left) / side || 1;
    this.#cellHeight = (bounds.top - bounds.bottom) / side || 1;
    this.#starts = new Uint32Array(side * side + 1);
    const cells = new Int32Array(count);
    let placed = 0;
    for (let i = 0; i < count; i++) {
      const cell = this.#cellOf(xy[2 * i]!, xy[2 * i + 1]!);
      cells[i] = cell;
      if (cell < 0) continue;
      this.#starts[cell + 1]!++;
      placed++;
    }
    for (let cell = 0; cell < side * side; cell++) this.#starts[cell + 1]! += this.#starts[cell]!;
    this.order = new Uint32Array(placed);
    const next = this.#starts.slice();
    for (let i = 0; i < count; i++) if (cells[i]! >= 0) this.order[next[cells[i]!]!++] = i;
  }

  #column(x: number): number {
    return Math.min(this.#columns - 1, Math.max(0, Math.floor((x - this.#left) / this.#cellWidth)));
  }

  #row(y: number): number {
    return Math.min(this.#rows - 1, Math.max(0, Math.floor((y - this.#bottom) / this.#cellHeight)));
  }

  #cellOf(x: number, y: number): number {
    return Number.isFinite(x) && Number.isFinite(y) ? this.#row(y) * this.#columns + this.#column(x) : -1;
  }

  /** The visible point nearest to a place of the data and at most `reach` pixels from it; null where there is none. */
  nearest(at: Position, scales: Scales, reach: number, slots: Uint8Array): number | null {
    const { scaleX, scaleY } = scales;
    const column = this.#column(at.x);
    const row = this.#row(at.y);
    const cellWidth = this.#cellWidth * scaleX;
    const cellHeight = this.#cellHeight * scaleY;
    let best: number | null = null;
    let bestSquare = reach * reach;
    const rings = Math.max(this.#columns, this.#rows);
    for (let ring = 0; ring <= rings; ring++) {
      // Points of this ring are at least so far away; for a place outside of the grid they are farther still.
      const least = Math.max(0, ring - 1) * Math.min(cellWidth, cellHeight);
      if (least * least > bestSquare) break;
      for (let r = Math.max(0, row - ring); r <= Math.min(this.#rows - 1, row + ring); r++) {
        const wholeRow = Math.abs(r - row) === ring;
        const step = wholeRow || ring === 0 ? 1 : 2 * ring;
        for (let c = column - ring; c <= column + ring; c += step) {
          if (c < 0 || c >= this.#columns) continue;
          const cell = r * this.#columns + c;
          for (let k = this.#starts[cell]!; k < this.#starts[cell + 1]!; k++) {
            const point = this.order[k]!;
            if (slots[point] === HIDDEN) continue;
            const dx = (this.#xy[2 * point]! - at.x) * scaleX;
            const dy = (this.#xy[2 * point + 1]! - at.y) * scaleY;
            const square = dx * dx + dy * dy;
            if (square > bestSquare || (square === bestSquare && best !== null)) continue;
            best = point;
            bestSquare = square;
          }
        }
      }
    }
    return best;
  }
}

/**
 * The nearest visible point in a direction: within 45 degrees of it, and far enough that the step is seen. Where all
 * such points lie beside the direction, the point stays where it is: null.
 */
export function neighbourIn(
  direction: Direction,
  from: Position,
  xy: Float32Array,
  scales: Scales,
  slots: Uint8Array,
): number | null {
  const sideways = direction === "left" || direction === "right";
  const sign = direction === "left" || direction === "down" ? -1 : 1;
  let best: number | null = null;
  let bestCost = Infinity;
  for (let i = 0; i < slots.length; i++) {
    if (slots[i] === HIDDEN) continue;
    const dx = (xy[2 * i]! - from.x) * scales.scaleX;
    const dy = (xy[2 * i + 1]! - from.y) * scales.scaleY;
    const ahead = sign * (sideways ? dx : dy);
    const beside = Math.abs(sideways ? dy : dx);
    // Written so that NaN fails it.
    if (!(ahead >= SMALLEST_STEP && beside <= ahead)) continue;
    // A point straight ahead is worth a longer way than one at the edge of the cone.
    const cost = ahead + 2 * beside;
    if (cost < bestCost) {
      best = i;
      bestCost = cost;
    }
  }
  return best;
}

/** The visible points inside a closed outline, in order of their numbers. Where it crosses itself, even-odd holds. */
export function pointsInside(outline: readonly Position[], xy: Float32Array, slots: Uint8Array): number[] {
  const inside: number[] = [];
  if (outline.length < 3) return inside;
  const flat = Float32Array.from(outline.flatMap(({ x, y }) => [x, y]));
  const { left, right, bottom, top } = boundsOf(flat);
  const height = (top - bottom) / STRIPS || 1;
  const stripOf = (y: number) => Math.min(STRIPS - 1, Math.max(0, Math.floor((y - bottom) / height)));
  const edges: [Position, Position][][] = Array.from({ length: STRIPS }, () => []);
  outline.forEach((from, k) => {
    const to = outline[(k + 1) % outline.length]!;
    const last = stripOf(Math.max(from.y, to.y));
    for (let strip = stripOf(Math.min(from.y, to.y)); strip <= last; strip++) edges[strip]!.push([from, to]);
  });
  for (let i = 0; i < slots.length; i++) {
    const x = xy[2 * i]!;
    const y = xy[2 * i + 1]!;
    if (slots[i] === HIDDEN || !(x >= left && x <= right && y >= bottom && y <= top)) continue;
    let odd = false;
    for (const [a, b] of edges[stripOf(y)]!) {
      if (a.y > y !== b.y > y && x < a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)) odd = !odd;
    }
    if (odd) inside.push(i);
  }
  return inside;
}
