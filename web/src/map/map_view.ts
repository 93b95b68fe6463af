import { Camera, boundsOf, type Position } from "./camera.ts";
import { densityContours } from "./density.ts";
import { listenToGestures } from "./gestures.ts";
import "./map_view.css";
import { drawOverlay, type Axes, type PathStop } from "./overlay.ts";
import { NOTHING } from "./palette.ts";
import { Picker, neighbourIn, pointsInside, type Direction } from "./picking.ts";
import { HIDDEN, PointRenderer, pointSize } from "./renderer.ts";
import { colorScale, type ColorScale, type Coloring, type Legend } from "./scales.ts";
import { matches, readTheme, type MapTheme } from "./theme.ts";

/** Where the pointer or the keyboard's focus is: of the data, and in CSS pixels from the map's upper left. */
export interface HoverPosition extends Position {
  left: number;
  top: number;
}

export interface MapOptions {
  /** What the map shows, for readers who don't see it. */
  label?: string;
  /** Says what a point is; read aloud when the keyboard moves to it. */
  describe?: (point: number) => string | Promise<string>;
  /** The point under the pointer or the keyboard's focus; both null when there is neither. */
  onHover?: (point: number | null, at: HoverPosition | null) => void;
  onSelectPoint?: (point: number) => void;
  /** A place of the data at which no point is. */
  onSelectPosition?: (at: Position) => void;
  /** A stop of the path, by its number. */
  onSelectStop?: (stop: number) => void;
  /** The visible points inside a drawn outline, in order of their numbers. The outline stays until nothing is marked. */
  onLasso?: (points: number[]) => void;
  /** After the map was moved or zoomed, once it is still. */
  onView?: (view: MapPlace) => void;
  /** After the colours changed with the system's light or dark: `legend()` has others now. */
  onTheme?: () => void;
  /** How points that the filter leaves out look: "faint" by default. */
  hidden?: "faint" | "none";
}

/** Which part of the map is seen: the place in its middle, and how many times larger than when everything is shown. */
export interface MapPlace extends Position {
  zoom: number;
}

/** The selected thing: one of the points, or any place. */
export type Selected = number | Position | null;

const ZOOM_STEP = 1.6;
const PAN_STEP = 80;
const STOP_REACH = 9;

/** More rings would only be a blot, and slow. */
const MOST_RINGS = 1000;

/** A picture that took longer than this, in milliseconds, is drawn with fewer pixels while the map moves. */
const SLOW_PICTURE = 10;

/** So long after the last move the map counts as still. */
const STILL_MILLISECONDS = 120;

const HELP =
  "Arrow keys move to the nearest point in a direction, Enter selects it. " +
  "With Shift they move the map. Plus and minus zoom, 0 shows everything.";

const ARROWS: Record<string, Direction> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

const ICONS = {
  in: "M8 3v10M3 8h10",
  out: "M3 8h10",
  all: "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4",
  lasso: "M14 6a6 4 0 1 1-12 0a6 4 0 1 1 12 0M5 10a1.5 1.5 0 1 1-2 0M4.5 12.500L3.5 15",
};

/** Counts maps, for ids of their own. */
let maps = 0;

/** A map of points in an element, with everything that one does on it. */
export class MapView {
  readonly #options: MapOptions;
  readonly #root: HTMLElement;
  readonly #stage: HTMLElement;
  readonly #spoken: HTMLElement;
  readonly #lassoButton: HTMLButtonElement;
  readonly #pointCanvas: HTMLCanvasElement;
  readonly #overlayCanvas: HTMLCanvasElement;
  readonly #camera = new Camera(() => matches("(prefers-reduced-motion: reduce)"));
  readonly #renderer = new PointRenderer();
  readonly #observer: ResizeObserver;
  readonly #listening = new AbortController();
  readonly #stopGestures: () => void;

  #xy: Float32Array = new Float32Array(0);
  #coloring: Coloring = { kind: "none" };
  #scale: ColorScale = colorScale(this.#coloring, 0);
  #filter: Uint8Array | null = null;
  #hiddenEntries = new Set<number>();
  /** What each point shows: the scale's slots, HIDDEN where the filter or the legend leaves the point out. */
  #slots: Uint8Array = new Uint8Array(0);
  /** Changes whenever other points are hidden. */
  #visibility: object | null = null;
  #visibleCount = 0;
  #picker = new Picker(this.#xy);
  /**
   * Places and slots once more, in the picker's order. Drawn so, points that follow each other touch the same pixels,
   * which are then in the processor's cache: half the time or less.
   */
  #sortedXy: Float32Array = new Float32Array(0);
  #sortedSlots: Uint8Array = new Uint8Array(0);

  #contours = false;
  #axes: Axes | null = null;
  #path: readonly PathStop[] = [];
  #selected: Selected = null;
  #hovered: number | null = null;
  #focused: number | null = null;
  #stop: number | null = null;
  #readAt: Position | null = null;
  /** Corners of the outline that is drawn, or was, as places of the data. */
  #lasso: readonly Position[] = [];
  #marked: readonly number[] = [];
  #lassoMode = false;

  #theme: MapTheme;
  #image: ImageData | null = null;
  #frame = 0;
  #pointsChanged = true;
  /** How long the last picture with all pixels of the screen took. */
  #pictureMilliseconds = 0;
  #moving = false;
  #stillTimer = 0;
  #pointer: Position | null = null;
  #pointerMoved = false;

  constructor(host: HTMLElement, options: MapOptions = {}) {
    this.#options = { ...options };
    this.#root = element("div", "tvae-map");
    this.#stage = element("div", "tvae-map-stage");
    this.#pointCanvas = element("canvas", "tvae-map-points");
    this.#overlayCanvas = element("canvas", "tvae-map-overlay");
    this.#spoken = element("div", "tvae-map-spoken");
    this.#spoken.setAttribute("aria-live", "polite");
    this.#stage.append(this.#pointCanvas, this.#overlayCanvas);
    for (const canvas of [this.#pointCanvas, this.#overlayCanvas]) canvas.setAttribute("aria-hidden", "true");
    // An application, so that screen readers leave the arrow keys to the map.
    this.#stage.tabIndex = 0;
    this.#stage.setAttribute("role", "application");
    this.#stage.setAttribute("aria-roledescription", "map");
    const help = element("div", "tvae-map-spoken");
    help.id = `tvae-map-help-${++maps}`;
    help.textContent = HELP;
    this.#stage.setAttribute("aria-describedby", help.id);
    const buttons = element("div", "tvae-map-buttons");
    const middle = () => ({ x: this.#camera.width / 2, y: this.#camera.height / 2 });
    buttons.append(
      this.#button("Zoom in", ICONS.in, () => this.#camera.zoomAt(middle(), ZOOM_STEP, true)),
      this.#button("Zoom out", ICONS.out, () => this.#camera.zoomAt(middle(), 1 / ZOOM_STEP, true)),
      this.#button("Show everything", ICONS.all, () => this.#camera.reset()),
      (this.#lassoButton = this.#button("Select by outline", ICONS.lasso, () => this.setLassoMode(!this.#lassoMode))),
    );
    this.#lassoButton.setAttribute("aria-pressed", "false");
    this.#root.append(this.#stage, buttons, this.#spoken, help);
    host.append(this.#root);
    this.#theme = readTheme(this.#root);

    this.#stopGestures = listenToGestures(this.#stage, {
      hover: (at) => {
        this.#pointer = at;
        this.#pointerMoved = true;
        this.#schedule();
      },
      tap: (at, reach) => this.#tap(at, reach),
      doubleTap: (at) => this.#moved(() => this.#camera.zoomAt(at, ZOOM_STEP ** 2, true)),
      pan: (dx, dy) => this.#moved(() => this.#camera.panBy(dx, dy)),
      zoom: (at, factor) => this.#moved(() => this.#camera.zoomAt(at, factor)),
      wantsLasso: (event) => this.#lassoMode || event.shiftKey,
      lasso: (outline) => {
        this.#lasso = outline.map((at) => this.#camera.toData(at));
        this.#schedule();
      },
      lassoEnd: (outline) => this.#lassoEnd(outline),
    });
    const { signal } = this.#listening;
    this.#stage.addEventListener("keydown", (event) => this.#key(event), { signal });
    this.#stage.addEventListener("blur", () => this.#focus(null), { signal });
    if (typeof matchMedia === "function") {
      matchMedia("(prefers-color-scheme: dark)").addEventListener(
        "change",
        () => {
          this.refreshTheme();
          this.#options.onTheme?.();
        },
        { signal },
      );
    }
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(this.#root);
    this.#resize();
    this.#summarize();
  }

  /** Takes new points, x, y, x, y, …, and shows all of them. NaN where a point has no place. */
  setPoints(xy: Float32Array): void {
    // As many points as before are the same ones in another projection: what is known of them stays.
    if (xy.length !== this.#xy.length) {
      this.#filter = null;
      this.#hiddenEntries.clear();
      if (typeof this.#selected === "number") this.#selected = null;
    }
    this.#xy = xy;
    this.#picker = new Picker(xy);
    const { order } = this.#picker;
    const sorted = new Float32Array(2 * order.length);
    for (let k = 0; k < order.length; k++) {
      sorted[2 * k] = xy[2 * order[k]!]!;
      sorted[2 * k + 1] = xy[2 * order[k]! + 1]!;
    }
    this.#sortedXy = sorted;
    this.#hovered = this.#focused = null;
    this.#lasso = []; // its corners are places among other points
    this.#camera.fit(boundsOf(xy), this.#axes !== null);
    this.#scale = colorScale(this.#coloring, xy.length >> 1);
    this.#show();
  }

  setColor(coloring: Coloring): void {
    this.#coloring = coloring;
    this.#scale = colorScale(coloring, this.#xy.length >> 1);
    this.#hiddenEntries.clear();
    this.#show();
  }

  /** Which points are visible: 1 for each that is; null for all. */
  setFilter(filter: Uint8Array | null): void {
    this.#filter = filter;
    this.#show();
  }

  /** Leaves out the points of some entries of the legend, besides those that the filter leaves out. */
  setHiddenEntries(slots: Iterable<number>): void {
    this.#hiddenEntries = new Set(slots);
    this.#show();
  }

  setHidden(hidden: "faint" | "none"): void {
    this.#options.hidden = hidden;
    this.#redraw();
  }

  /** What the colours mean, with colours for the present theme. */
  legend(): Legend {
    return this.#scale.legend(this.#theme.name);
  }

  /** How many points are visible. */
  get visibleCount(): number {
    return this.#visibleCount;
  }

  /** Draws a line through places of the data, in order, with a dot at each. */
  setPath(path: readonly PathStop[]): void {
    this.#path = path;
    this.#stop = null;
    this.#schedule();
  }

  setSelected(selected: Selected): void {
    this.#selected = selected;
    this.#schedule();
  }

  /** Where the code of the selected place was read, if its text does not lie there. */
  setReadAt(place: Position | null): void {
    this.#readAt = place;
    this.#schedule();
  }

  /** Rings points; when there are none any more, the outline goes too. */
  setMarked(points: readonly number[]): void {
    this.#marked = points;
    if (points.length === 0) this.#lasso = [];
    this.#schedule();
  }

  /** Names the axes; then x and y fill the map each by itself. Null for data whose axes mean nothing. */
  setAxes(axes: Axes | null): void {
    const stretched = this.#axes !== null;
    this.#axes = axes;
    if (stretched !== (axes !== null)) this.#camera.fit(boundsOf(this.#xy), axes !== null);
    this.#summarize();
    this.#redraw();
  }

  setContours(shown: boolean): void {
    this.#contours = shown;
    this.#schedule();
  }

  /** While it is on, a drag draws an outline instead of moving the map. */
  setLassoMode(on: boolean): void {
    this.#lassoMode = on;
    this.#lassoButton.setAttribute("aria-pressed", String(on));
  }

  get view(): MapPlace {
    const { x, y } = this.#camera.view;
    return { x, y, zoom: this.#camera.zoom() };
  }

  setView({ x, y, zoom }: MapPlace): void {
    this.#camera.lookAt({ x, y }, zoom);
    this.#redraw();
  }

  /** Moves the map so that a place is seen, and where it was read from. */
  reveal(selected: number | Position): void {
    const place = this.#placeOf(selected);
    if (place) this.#moved(() => this.#camera.reveal(place, this.#readAt ?? place));
  }

  /** Reads the colours anew: call it when the page changed its theme by other means than the system's setting. */
  refreshTheme(): void {
    this.#theme = readTheme(this.#root);
    this.#redraw();
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    window.clearTimeout(this.#stillTimer);
    // So that nothing that is still under way asks for another frame.
    this.#frame = -1;
    this.#observer.disconnect();
    this.#listening.abort();
    this.#stopGestures();
    this.#root.remove();
  }

  #button(label: string, icon: string, action: () => void): HTMLButtonElement {
    const button = element("button", "");
    button.type = "button";
    button.title = label;
    button.setAttribute("aria-label", label);
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 16 16");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", icon);
    svg.append(path);
    button.append(svg);
    button.addEventListener("click", () => this.#moved(action));
    return button;
  }

  /** Recomputes which points are visible. */
  #show(): void {
    const slots = this.#scale.slots.slice();
    const filter = this.#filter;
    const hidden = this.#hiddenEntries;
    let visible = 0;
    for (let i = 0; i < slots.length; i++) {
      const left = (filter && !filter[i]) || (hidden.size > 0 && hidden.has(slots[i]!));
      if (left) slots[i] = HIDDEN;
      else visible++;
    }
    this.#slots = slots;
    const { order } = this.#picker;
    const sorted = new Uint8Array(order.length);
    for (let k = 0; k < order.length; k++) sorted[k] = slots[order[k]!]!;
    this.#sortedSlots = sorted;
    this.#visibleCount = visible;
    this.#visibility = hidden.size > 0 ? {} : filter;
    this.#summarize();
    this.#redraw();
  }

  #summarize(): void {
    const what = this.#options.label ?? "Map";
    const count = this.#slots.length;
    const seen = this.#visibleCount === count ? `${count} points` : `${this.#visibleCount} of ${count} points visible`;
    const axes = this.#axes ? ` Across: ${this.#axes.x}; upwards: ${this.#axes.y}.` : "";
    this.#stage.setAttribute("aria-label", `${what}: ${seen}.${axes}`);
  }

  #placeOf(thing: Selected): Position | null {
    if (typeof thing !== "number") return thing;
    const x = this.#xy[2 * thing];
    const y = this.#xy[2 * thing + 1];
    return x !== undefined && y !== undefined && Number.isFinite(x + y) ? { x, y } : null;
  }

  /** Runs something that moves the camera, and draws. */
  #moved(move: () => void): void {
    move();
    this.#moving = true;
    this.#waitForStillness();
    // What was under the pointer no longer is.
    this.#pointerMoved = true;
    this.#redraw();
  }

  #waitForStillness(): void {
    window.clearTimeout(this.#stillTimer);
    this.#stillTimer = window.setTimeout(() => this.#settle(), STILL_MILLISECONDS);
  }

  #settle(): void {
    // A glide takes longer than the pause that means stillness.
    if (this.#camera.gliding) {
      this.#waitForStillness();
      return;
    }
    this.#moving = false;
    this.#options.onView?.(this.view);
    if (this.#image && this.#image.width < this.#overlayCanvas.width) this.#redraw();
  }

  #redraw(): void {
    this.#pointsChanged = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#frame === 0) this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  #resize(): void {
    this.#camera.resize(this.#root.clientWidth, this.#root.clientHeight);
    this.#redraw();
  }

  /** Once a frame at most, and only when something changed. */
  #draw(now: number): void {
    this.#frame = 0;
    const { gliding } = this.#camera;
    if (this.#camera.step(now)) this.#schedule();
    if (this.#pointsChanged || gliding) this.#drawPoints();
    this.#pointsChanged = false;
    if (this.#pointerMoved) this.#hover();
    this.#pointerMoved = false;
    this.#drawOverlay();
  }

  /** Gives a canvas so many pixels for each CSS pixel. */
  #fitted(canvas: HTMLCanvasElement, ratio: number): CanvasRenderingContext2D | null {
    const width = Math.max(1, Math.round(this.#camera.width * ratio));
    const height = Math.max(1, Math.round(this.#camera.height * ratio));
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    return canvas.getContext("2d");
  }

  #drawPoints(): void {
    const canvas = this.#pointCanvas;
    // Asked for at each picture, because it changes when the window goes to another screen.
    const fine = window.devicePixelRatio || 1;
    const ratio = this.#moving && this.#pictureMilliseconds > SLOW_PICTURE ? Math.min(fine, 1) : fine;
    const context = this.#fitted(canvas, ratio);
    if (!context) return;
    const start = performance.now();
    if (this.#image?.width !== canvas.width || this.#image.height !== canvas.height) {
      this.#image = context.createImageData(canvas.width, canvas.height);
    }
    const theme = this.#theme.name;
    this.#renderer.draw(
      {
        xy: this.#sortedXy,
        slots: this.#sortedSlots,
        colors: this.#scale.colors(theme),
        size: pointSize(this.#slots.length, this.#camera.zoom(), this.#camera.width * this.#camera.height),
        faint: this.#options.hidden === "none" ? null : NOTHING[theme],
      },
      this.#camera,
      ratio,
      new Uint32Array(this.#image.data.buffer),
      canvas.width,
      canvas.height,
    );
    context.putImageData(this.#image, 0, 0);
    if (ratio === fine) this.#pictureMilliseconds = performance.now() - start;
  }

  #drawOverlay(): void {
    const ratio = window.devicePixelRatio || 1;
    const context = this.#fitted(this.#overlayCanvas, ratio);
    if (!context) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawOverlay(
      context,
      {
        contours: this.#contours ? densityContours(this.#xy, this.#slots, this.#visibility) : [],
        axes: this.#axes,
        path: this.#path,
        stop: this.#stop,
        hovered: this.#placeOf(this.#hovered),
        focused: this.#placeOf(this.#focused),
        selected: this.#placeOf(this.#selected),
        readAt: this.#readAt,
        lasso: this.#lasso,
        marked: this.#marked.length > MOST_RINGS ? [] : this.#marked.flatMap((point) => this.#placeOf(point) ?? []),
      },
      this.#camera,
      this.#theme,
    );
  }

  #nearest(at: Position, reach: number): number | null {
    return this.#picker.nearest(this.#camera.toData(at), this.#camera.view, reach, this.#slots);
  }

  #stopAt(at: Position): number | null {
    let best: number | null = null;
    let bestDistance = STOP_REACH;
    this.#path.forEach((stop, k) => {
      const place = this.#camera.toScreen(stop);
      const distance = Math.hypot(place.x - at.x, place.y - at.y);
      if (distance > bestDistance) return;
      best = k;
      bestDistance = distance;
    });
    return best;
  }

  #hover(): void {
    const at = this.#pointer;
    if (!at && this.#focused !== null) return;
    this.#stop = at && this.#stopAt(at);
    const point = at && this.#stop === null ? this.#nearest(at, 10) : null;
    this.#hovered = point;
    this.#tellHover(point, at);
  }

  #tellHover(point: number | null, at: Position | null): void {
    const place = at && this.#camera.toData(at);
    this.#options.onHover?.(point, at && place && { x: place.x, y: place.y, left: at.x, top: at.y });
  }

  #tap(at: Position, reach: number): void {
    const stop = this.#stopAt(at);
    const point = stop === null ? this.#nearest(at, reach) : null;
    if (stop !== null) this.#options.onSelectStop?.(stop);
    else if (point !== null) this.#options.onSelectPoint?.(point);
    else this.#options.onSelectPosition?.(this.#camera.toData(at));
  }

  #lassoEnd(outline: Position[] | null): void {
    this.#lasso = (outline ?? []).map((at) => this.#camera.toData(at));
    this.#schedule();
    if (!outline) return;
    const points = pointsInside(this.#lasso, this.#xy, this.#slots);
    this.#spoken.textContent = `${points.length} points in the outline`;
    this.#options.onLasso?.(points);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = ARROWS[event.key];
    const middle = { x: this.#camera.width / 2, y: this.#camera.height / 2 };
    if (direction && event.shiftKey) {
      const dx = direction === "left" ? PAN_STEP : direction === "right" ? -PAN_STEP : 0;
      const dy = direction === "up" ? PAN_STEP : direction === "down" ? -PAN_STEP : 0;
      this.#moved(() => this.#camera.panBy(dx, dy, true));
    } else if (direction) {
      this.#walk(direction);
    } else if (event.key === "+" || event.key === "=") {
      this.#moved(() => this.#camera.zoomAt(this.#zoomCentre() ?? middle, ZOOM_STEP, true));
    } else if (event.key === "-" || event.key === "_") {
      this.#moved(() => this.#camera.zoomAt(this.#zoomCentre() ?? middle, 1 / ZOOM_STEP, true));
    } else if (event.key === "0") {
      this.#moved(() => this.#camera.reset());
    } else if (event.key === "Enter" && this.#focused !== null) {
      this.#options.onSelectPoint?.(this.#focused);
    } else if (event.key === "Escape" && (this.#focused !== null || this.#lassoMode || this.#lasso.length > 0)) {
      this.setLassoMode(false);
      if (this.#lasso.length > 0) {
        this.setMarked([]);
        this.#options.onLasso?.([]);
      }
      this.#focus(null);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Keys zoom around the focused point, so that it doesn't leave the picture. */
  #zoomCentre(): Position | null {
    const place = this.#placeOf(this.#focused);
    return place && this.#camera.toScreen(place);
  }

  /** Moves the focus; the first move goes to the selected point, or to the one nearest to the middle. */
  #walk(direction: Direction): void {
    const from = this.#placeOf(this.#focused);
    let next: number | null;
    if (from) {
      next = neighbourIn(direction, from, this.#xy, this.#camera.view, this.#slots);
    } else {
      const start = this.#placeOf(this.#selected);
      const at = start ? this.#camera.toScreen(start) : { x: this.#camera.width / 2, y: this.#camera.height / 2 };
      next = this.#nearest(at, Infinity);
    }
    if (next !== null) this.#focus(next);
  }

  #focus(point: number | null): void {
    if (point === this.#focused) return;
    this.#focused = point;
    const place = this.#placeOf(point);
    if (point === null || !place) {
      this.#tellHover(null, null);
      this.#schedule();
      return;
    }
    this.#moved(() => this.#camera.reveal(place));
    this.#tellHover(point, this.#camera.toScreen(place));
    const described = this.#options.describe?.(point) ?? `Point ${point + 1}`;
    void Promise.resolve(described).then(
      (text) => {
        // A slow answer must not speak over the point that the focus moved on to.
        if (this.#focused === point) this.#spoken.textContent = text;
      },
      () => {},
    );
  }
}

function element<Name extends keyof HTMLElementTagNameMap>(name: Name, className: string): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.className = className;
  return made;
}
