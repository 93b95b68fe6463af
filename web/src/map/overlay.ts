import type { Camera, Position } from "./camera.ts";
import type { Contour } from "./density.ts";
import { shortNumber, ticks } from "./scales.ts";
import type { MapTheme } from "./theme.ts";

/** A stop of a path on the map. */
export interface PathStop extends Position {
  text: string;
}

/** Names of the axes, where the data have two that mean something. */
export interface Axes {
  x: string;
  y: string;
}

/** Everything that is drawn over the points; all places are of the data. */
export interface Overlay {
  contours: readonly Contour[];
  axes: Axes | null;
  path: readonly PathStop[];
  /** Which stop of the path shows its text. */
  stop: number | null;
  hovered: Position | null;
  focused: Position | null;
  selected: Position | null;
  /** Where the code of the selected place was read. */
  readAt: Position | null;
  lasso: readonly Position[];
  marked: readonly Position[];
}

const FONT = "12px system-ui, sans-serif";
const TICK_DISTANCE = 90;
const LONGEST_TEXT = 60;

/** Places that lie closer on the screen count as one. */
const NEAR = 16;

type Context = CanvasRenderingContext2D;

/** Draws the overlay. The context's unit is the CSS pixel. */
export function drawOverlay(context: Context, overlay: Overlay, camera: Camera, theme: MapTheme): void {
  context.clearRect(0, 0, camera.width, camera.height);
  context.font = FONT;
  context.lineJoin = "round";
  context.lineCap = "round";
  drawContours(context, overlay.contours, camera, theme);
  if (overlay.axes) drawAxes(context, overlay.axes, camera, theme);
  drawPath(context, overlay, camera, theme);
  drawMarked(context, overlay.marked, camera, theme);
  drawLasso(context, overlay.lasso.map((place) => camera.toScreen(place)), theme);
  if (overlay.hovered) ring(context, camera.toScreen(overlay.hovered), 6, theme.ink, theme.halo);
  if (overlay.focused) ring(context, camera.toScreen(overlay.focused), 9, theme.ink, theme.halo);
  if (overlay.readAt) drawReadAt(context, camera.toScreen(overlay.readAt), overlay.selected && camera.toScreen(overlay.selected), camera, theme);
  if (overlay.selected) target(context, camera.toScreen(overlay.selected), theme);
}

function drawContours(context: Context, contours: readonly Contour[], camera: Camera, theme: MapTheme): void {
  const { view, width, height } = camera;
  for (const { rings } of contours) {
    context.beginPath();
    for (const line of rings) {
      for (let i = 0; i < line.length; i += 2) {
        const x = width / 2 + (line[i]! - view.x) * view.scaleX;
        const y = height / 2 - (line[i + 1]! - view.y) * view.scaleY;
        if (i === 0) context.moveTo(x, y);
        else context.lineTo(x, y);
      }
      context.closePath();
    }
    // Light below dark, so that the line shows on points and on the ground.
    for (const [style, lineWidth, alpha] of [[theme.halo, 2.5, 0.6], [theme.ink, 1, 0.75]] as const) {
      context.strokeStyle = style;
      context.lineWidth = lineWidth;
      context.globalAlpha = alpha;
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}

function drawAxes(context: Context, axes: Axes, camera: Camera, theme: MapTheme): void {
  const { width, height } = camera;
  const seen = camera.visible();
  const line = (x1: number, y1: number, x2: number, y2: number, alpha: number) => {
    context.strokeStyle = theme.ink;
    context.lineWidth = 1;
    context.globalAlpha = alpha;
    context.beginPath();
    context.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
    context.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
    context.stroke();
    context.globalAlpha = 1;
  };
  context.textAlign = "center";
  context.textBaseline = "bottom";
  for (const value of ticks(seen.left, seen.right, width / TICK_DISTANCE)) {
    const { x } = camera.toScreen({ x: value, y: 0 });
    // Where the value is 0 a direction is undecided: a line through the whole map.
    line(x, value === 0 ? 0 : height - 5, x, height, value === 0 ? 0.35 : 0.7);
    if (x > 30 && x < width - 30) haloText(context, shortNumber(value), x, height - 7, theme);
  }
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const value of ticks(seen.bottom, seen.top, height / TICK_DISTANCE)) {
    const { y } = camera.toScreen({ x: 0, y: value });
    line(0, y, value === 0 ? width : 5, y, value === 0 ? 0.35 : 0.7);
    if (y > 30 && y < height - 30) haloText(context, shortNumber(value), 9, y, theme);
  }
  context.font = `600 ${FONT}`;
  context.textAlign = "right";
  context.textBaseline = "bottom";
  haloText(context, `${shortened(axes.x)} →`, width - 8, height - 24, theme);
  context.textAlign = "left";
  context.textBaseline = "top";
  haloText(context, `↑ ${shortened(axes.y)}`, 8, 8, theme);
  context.font = FONT;
}

function drawPath(context: Context, overlay: Overlay, camera: Camera, theme: MapTheme): void {
  const places = overlay.path.map((stop) => camera.toScreen(stop));
  if (places.length === 0) return;
  const trace = () => {
    context.beginPath();
    places.forEach(({ x, y }, k) => (k === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
    context.stroke();
  };
  context.strokeStyle = theme.halo;
  context.lineWidth = 5;
  trace();
  context.strokeStyle = theme.accent;
  context.lineWidth = 2;
  trace();
  const last = places.length - 1;
  places.forEach((place, k) => {
    const end = k === 0 || k === last;
    disc(context, place, end ? 5.5 : 4, theme.accent, theme.halo);
  });
  // The ends say what they are, and the stop under the pointer does.
  const shown = new Set([0, last, overlay.stop ?? 0]);
  for (const k of shown) {
    const text = shortened(overlay.path[k]!.text);
    const left = places[k]!.x > camera.width / 2;
    context.textAlign = left ? "right" : "left";
    context.textBaseline = "middle";
    haloText(context, text, places[k]!.x + (left ? -12 : 12), places[k]!.y, theme);
  }
}

/** Thin rings, through which colours are still seen. */
function drawMarked(context: Context, places: readonly Position[], camera: Camera, theme: MapTheme): void {
  context.strokeStyle = theme.ink;
  context.lineWidth = 1;
  context.globalAlpha = 0.5;
  for (const place of places) {
    const { x, y } = camera.toScreen(place);
    context.beginPath();
    context.arc(x, y, 3.5, 0, 2 * Math.PI);
    context.stroke();
  }
  context.globalAlpha = 1;
}

function drawLasso(context: Context, outline: readonly Position[], theme: MapTheme): void {
  if (outline.length < 2) return;
  context.beginPath();
  outline.forEach(({ x, y }, k) => (k === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.closePath();
  context.fillStyle = theme.accent;
  context.globalAlpha = 0.12;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = theme.accent;
  context.lineWidth = 1.5;
  context.setLineDash([5, 4]);
  context.stroke();
  context.setLineDash([]);
}

/** A cross where a code was read, and a thin line to where its text lies, if that is elsewhere. */
function drawReadAt(context: Context, at: Position, selected: Position | null, camera: Camera, theme: MapTheme): void {
  const elsewhere = selected !== null && Math.hypot(selected.x - at.x, selected.y - at.y) > NEAR;
  for (const [style, width] of [[theme.halo, 4], [theme.ink, 1.2]] as const) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    for (const [dx, dy] of [[5, 5], [5, -5]] as const) {
      context.moveTo(at.x - dx, at.y - dy);
      context.lineTo(at.x + dx, at.y + dy);
    }
    if (elsewhere) {
      context.moveTo(at.x, at.y);
      context.lineTo(selected.x, selected.y);
    }
    context.stroke();
  }
  if (!elsewhere) return;
  // Names stand above the upper place and below the lower one, so that those of close places do not cover each other.
  const away = at.y <= selected.y ? -20 : 20;
  for (const [place, text, aside] of [[at, "read here", away], [selected, "its text lies here", -away]] as const) {
    context.textAlign = place.x > camera.width / 2 ? "right" : "left";
    context.textBaseline = "middle";
    haloText(context, text, place.x, place.y + aside, theme);
  }
}

function ring(context: Context, { x, y }: Position, radius: number, color: string, halo: string): void {
  for (const [style, width] of [[halo, 5], [color, 2]] as const) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke();
  }
}

/** The selected place differs from all others in shape, not in colour alone: a ring with four ticks. */
function target(context: Context, at: Position, theme: MapTheme): void {
  for (const [style, width] of [[theme.halo, 5], [theme.accent, 2]] as const) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    context.arc(at.x, at.y, 8, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) {
      context.moveTo(at.x + 8 * dx, at.y + 8 * dy);
      context.lineTo(at.x + 14 * dx, at.y + 14 * dy);
    }
    context.stroke();
  }
}

function disc(context: Context, { x, y }: Position, radius: number, color: string, halo: string): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
  context.strokeStyle = halo;
  context.lineWidth = 1.5;
  context.stroke();
}

function haloText(context: Context, text: string, x: number, y: number, theme: MapTheme): void {
  context.strokeStyle = theme.halo;
  context.lineWidth = 4;
  context.strokeText(text, x, y);
  context.fillStyle = theme.ink;
  context.fillText(text, x, y);
}

/** One line, not endless; characters without a picture of their own could turn the rest around. */
function shortened(text: string): string {
  const line = text.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim();
  return line.length > LONGEST_TEXT ? `${line.slice(0, LONGEST_TEXT - 1)}…` : line;
}
