/** A place: in the data's units where it is of the data, in CSS pixels from the upper left where it is of the screen. */
export interface Position {
  x: number;
  y: number;
}

/** A rectangle of the data; `top` is the larger y, because y grows upwards in the data. */
export interface Bounds {
  left: number;
  right: number;
  bottom: number;
  top: number;
}

/** What the camera looks at: the place of the data in the middle of the screen, and the pixels that a unit takes. */
export interface View {
  x: number;
  y: number;
  scaleX: number;
  scaleY: number;
}

/** How far one can zoom out and in, in relation to the view that shows everything. Float32 positions carry no more. */
const SMALLEST_ZOOM = 0.4;
const LARGEST_ZOOM = 2000;

/** The part of the screen that a fitted view fills; the rest is margin for labels and for points' own size. */
const FILLED = 0.9;

const ANIMATION_MILLISECONDS = 250;

interface Move {
  from: View;
  to: View;
  start: number;
}

/** The smallest rectangle around the finite points of x, y, x, y, …; a unit square where there are none. */
export function boundsOf(xy: Float32Array): Bounds {
  const bounds = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
  for (let i = 0; i + 1 < xy.length; i += 2) {
    const x = xy[i]!;
    const y = xy[i + 1]!;
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
    if (x < bounds.left) bounds.left = x;
    if (x > bounds.right) bounds.right = x;
    if (y < bounds.bottom) bounds.bottom = y;
    if (y > bounds.top) bounds.top = y;
  }
  return bounds.left <= bounds.right ? bounds : { left: -0.5, right: 0.5, bottom: -0.5, top: 0.5 };
}

/** Between the data and the screen. It knows no DOM: whoever owns it asks `step` once a frame and draws. */
export class Camera {
  width = 1;
  height = 1;
  view: View = { x: 0, y: 0, scaleX: 1, scaleY: 1 };
  #home: View = this.view;
  #bounds: Bounds = { left: -0.5, right: 0.5, bottom: -0.5, top: 0.5 };
  #stretch = false;
  #move: Move | null = null;
  readonly #stillness: () => boolean;

  /** `prefersStillness` says whether views should change at once instead of gliding. */
  constructor(prefersStillness: () => boolean = () => false) {
    this.#stillness = prefersStillness;
  }

  /**
   * Sets the size of the screen. Who looked at everything keeps seeing everything; what was to be seen of a screen that
   * had no size yet is seen as much larger than everything as it was to be.
   */
  resize(width: number, height: number): void {
    const atHome = this.isHome();
    const zoom = this.zoom();
    const hadSize = this.width > 1 && this.height > 1;
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    this.#home = this.#fitted();
    if (atHome) this.view = this.#home;
    else if (!hadSize) this.lookAt(this.view, zoom);
  }

  /** Shows all of `bounds`. With `stretch`, x and y fill the screen each by itself, as axes of two kinds should. */
  fit(bounds: Bounds, stretch = false): void {
    this.#bounds = bounds;
    this.#stretch = stretch;
    this.#home = this.#fitted();
    this.#move = null;
    this.view = this.#home;
  }

  #fitted(): View {
    const { left, right, bottom, top } = this.#bounds;
    const scaleX = (FILLED * this.width) / (right - left || 1);
    const scaleY = (FILLED * this.height) / (top - bottom || 1);
    const both = Math.min(scaleX, scaleY);
    return {
      x: (left + right) / 2,
      y: (bottom + top) / 2,
      scaleX: this.#stretch ? scaleX : both,
      scaleY: this.#stretch ? scaleY : both,
    };
  }

  isHome(): boolean {
    return this.view === this.#home;
  }

  /** How many times larger than when everything is shown. */
  zoom(): number {
    return this.view.scaleX / this.#home.scaleX;
  }

  toScreen(place: Position): Position {
    const { x, y, scaleX, scaleY } = this.view;
    return { x: this.width / 2 + (place.x - x) * scaleX, y: this.height / 2 - (place.y - y) * scaleY };
  }

  toData(place: Position): Position {
    const { x, y, scaleX, scaleY } = this.view;
    return { x: x + (place.x - this.width / 2) / scaleX, y: y - (place.y - this.height / 2) / scaleY };
  }

  /** The part of the data that is on the screen. */
  visible(): Bounds {
    const upperLeft = this.toData({ x: 0, y: 0 });
    const lowerRight = this.toData({ x: this.width, y: this.height });
    return { left: upperLeft.x, right: lowerRight.x, bottom: lowerRight.y, top: upperLeft.y };
  }

  /** Moves the picture by so many pixels. */
  panBy(dx: number, dy: number, glide = false): void {
    const { x, y, scaleX, scaleY } = this.#aim();
    this.#go({ x: x - dx / scaleX, y: y + dy / scaleY, scaleX, scaleY }, glide);
  }

  /** Zooms by `factor`; what is at the place `at` of the screen stays there. */
  zoomAt(at: Position, factor: number, glide = false): void {
    const aim = this.#aim();
    const zoom = aim.scaleX / this.#home.scaleX;
    const kept = Math.min(LARGEST_ZOOM, Math.max(SMALLEST_ZOOM, zoom * factor)) / zoom;
    const scaleX = aim.scaleX * kept;
    const scaleY = aim.scaleY * kept;
    const dx = at.x - this.width / 2;
    const dy = at.y - this.height / 2;
    const x = aim.x + dx / aim.scaleX - dx / scaleX;
    const y = aim.y - dy / aim.scaleY + dy / scaleY;
    this.#go({ x, y, scaleX, scaleY }, glide);
  }

  /**
   * Brings a place of the data into the picture, and does nothing if it is well inside. With a second place both are
   * seen afterwards, if need be smaller.
   */
  reveal(place: Position, beside: Position = place, margin = 40): void {
    const outside = [place, beside].some((one) => {
      const at = this.toScreen(one);
      return at.x < margin || at.y < margin || at.x > this.width - margin || at.y > this.height - margin;
    });
    if (!outside) return;
    const { scaleX, scaleY } = this.view;
    const room = (size: number) => Math.max(1, size - 2 * margin);
    const smaller = Math.min(
      1,
      room(this.width) / Math.max(1, Math.abs(place.x - beside.x) * scaleX),
      room(this.height) / Math.max(1, Math.abs(place.y - beside.y) * scaleY),
    );
    const middle = { x: (place.x + beside.x) / 2, y: (place.y + beside.y) / 2 };
    this.#go({ ...middle, scaleX: scaleX * smaller, scaleY: scaleY * smaller }, true);
  }

  /** Puts a place into the middle, at a zoom as `zoom()` says it. */
  lookAt({ x, y }: Position, zoom: number): void {
    const kept = Math.min(LARGEST_ZOOM, Math.max(SMALLEST_ZOOM, zoom));
    this.#go({ x, y, scaleX: this.#home.scaleX * kept, scaleY: this.#home.scaleY * kept }, false);
  }

  /** Back to everything. */
  reset(): void {
    this.#go(this.#home, true);
  }

  /** Where a glide that is under way ends: further moves start from there, so that quick ones add up. */
  #aim(): View {
    return this.#move?.to ?? this.view;
  }

  #go(to: View, glide: boolean): void {
    if (glide && !this.#stillness()) {
      this.#move = { from: this.view, to, start: NaN };
    } else {
      this.#move = null;
      this.view = to;
    }
  }

  /** Advances a glide to the time `now`, in milliseconds, and says whether it goes on. */
  step(now: number): boolean {
    const move = this.#move;
    if (!move) return false;
    if (Number.isNaN(move.start)) move.start = now;
    const time = (now - move.start) / ANIMATION_MILLISECONDS;
    if (time >= 1) {
      this.view = move.to;
      this.#move = null;
      return false;
    }
    this.view = between(move.from, move.to, 1 - (1 - time) ** 3);
    return true;
  }

  get gliding(): boolean {
    return this.#move !== null;
  }
}

/**
 * The view a part of the way from one to another. Scales change by factors; the middle moves with the size of a pixel,
 * so that the place under the pointer stays there during a zoom.
 */
function between(from: View, to: View, part: number): View {
  const scaleX = from.scaleX * (to.scaleX / from.scaleX) ** part;
  const scaleY = from.scaleY * (to.scaleY / from.scaleY) ** part;
  const pixel = 1 / from.scaleX - 1 / to.scaleX;
  const ratio = Math.abs(to.scaleX / from.scaleX - 1);
  const moved = ratio < 1e-6 ? part : (1 / from.scaleX - 1 / scaleX) / pixel;
  return { x: from.x + (to.x - from.x) * moved, y: from.y + (to.y - from.y) * moved, scaleX, scaleY };
}
