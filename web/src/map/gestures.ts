import type { Position } from "./camera.ts";

/** What pointers do on the map. All places are of the screen, from the map's upper left. */
export interface Gestures {
  hover(at: Position | null): void;
  /** A press and release in one place; `reach` is how far from it a thing still counts as meant. */
  tap(at: Position, reach: number): void;
  doubleTap(at: Position): void;
  pan(dx: number, dy: number): void;
  zoom(at: Position, factor: number): void;
  /** Whether the press that begins here draws a lasso instead of moving the map. */
  wantsLasso(event: PointerEvent): boolean;
  lasso(outline: Position[]): void;
  lassoEnd(outline: Position[] | null): void;
}

/** A pointer that moved less than this is a tap; a hand is never quite still. */
const TAP_PIXELS = 4;
const MOUSE_REACH = 10;
const FINGER_REACH = 22;

/** A second tap in the same place so soon belongs to a double tap. */
const DOUBLE_TAP_MILLISECONDS = 350;

/** Corners of a lasso lie at least this far apart, so that an outline stays short. */
const LASSO_STEP = 3;

/** Listens to mouse, pen, fingers and wheel on `element`; the function that it gives back ends that. */
export function listenToGestures(element: HTMLElement, gestures: Gestures): () => void {
  const pressed = new Map<number, Position>();
  let start: Position | null = null;
  let outline: Position[] | null = null;
  let lastTap: { at: Position; time: number } | null = null;
  const listening = new AbortController();
  const { signal } = listening;

  const placeOf = (event: MouseEvent): Position => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  element.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      const at = placeOf(event);
      element.setPointerCapture?.(event.pointerId);
      pressed.set(event.pointerId, at);
      if (pressed.size > 1) {
        // A second finger means a pinch, whatever the first one had begun.
        start = null;
        if (outline) gestures.lassoEnd(null);
        outline = null;
        return;
      }
      start = at;
      if (gestures.wantsLasso(event)) outline = [at];
    },
    { signal },
  );

  element.addEventListener(
    "pointermove",
    (event) => {
      const at = placeOf(event);
      const before = pressed.get(event.pointerId);
      if (!before) {
        if (event.pointerType !== "touch") gestures.hover(at);
        return;
      }
      if (outline) {
        const last = outline[outline.length - 1]!;
        if (distance(last, at) >= LASSO_STEP) {
          outline.push(at);
          gestures.lasso(outline);
        }
        return;
      }
      if (pressed.size === 2) {
        const other = [...pressed].find(([id]) => id !== event.pointerId)![1];
        const middle = (a: Position, b: Position) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
        const from = middle(before, other);
        const to = middle(at, other);
        gestures.pan(to.x - from.x, to.y - from.y);
        gestures.zoom(to, Math.max(1, distance(at, other)) / Math.max(1, distance(before, other)));
      } else if (start && distance(start, at) < TAP_PIXELS) {
        return;
      } else {
        start = null;
        gestures.hover(null);
        gestures.pan(at.x - before.x, at.y - before.y);
      }
      pressed.set(event.pointerId, at);
    },
    { signal },
  );

  element.addEventListener(
    "pointerup",
    (event) => {
      if (!pressed.delete(event.pointerId)) return;
      if (outline && outline.length > 2) {
        gestures.lassoEnd(outline);
      } else {
        if (outline) gestures.lassoEnd(null);
        const reach = event.pointerType === "touch" ? FINGER_REACH : MOUSE_REACH;
        const soon = lastTap && event.timeStamp - lastTap.time < DOUBLE_TAP_MILLISECONDS;
        const again = soon && start && distance(lastTap!.at, start) < reach;
        if (start && !again) gestures.tap(start, reach);
        lastTap = start && { at: start, time: event.timeStamp };
      }
      outline = null;
      start = null;
    },
    { signal },
  );

  element.addEventListener(
    "pointercancel",
    (event) => {
      pressed.delete(event.pointerId);
      if (outline) gestures.lassoEnd(null);
      outline = null;
      start = null;
    },
    { signal },
  );

  element.addEventListener("pointerleave", () => pressed.size === 0 && gestures.hover(null), { signal });

  element.addEventListener("dblclick", (event) => gestures.doubleTap(placeOf(event)), { signal });

  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      // Browsers report a touchpad's pinch as a wheel with the control key, in much smaller steps.
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
      const speed = event.ctrlKey ? 0.01 : 0.0015;
      gestures.zoom(placeOf(event), Math.exp(-event.deltaY * lines * speed));
    },
    { signal, passive: false },
  );

  return () => listening.abort();
}

function distance(a: Position, b: Position): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
