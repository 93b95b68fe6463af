import type { Rgb } from "./renderer.ts";

/** The ground that colours stand on. */
export type Theme = "light" | "dark";

/**
 * Ten colours that stay apart for readers with protanopia, deuteranopia and tritanopia too, and from the ground and the
 * grey of "other". Each is as far as possible from those before it, since the first labels
 * have the most points.
 */
export const CATEGORIES: Record<Theme, readonly Rgb[]> = {
  light: ["#0051b5", "#c6a403", "#7d4824", "#3ba8ff", "#1d965a", "#9851e9", "#b41d7b", "#582265", "#f763d6", "#e2500f"].map(
    rgbOf,
  ),
  dark: ["#3861f1", "#eef10e", "#cf1923", "#af9424", "#9dfcf0", "#a53cb5", "#03e077", "#cdb7fa", "#02a5d1", "#fd5aa6"].map(
    rgbOf,
  ),
};

/** For labels beyond the tenth. */
export const OTHER: Record<Theme, Rgb> = { light: rgbOf("#989898"), dark: rgbOf("#717171") };

/** For points that have no label or number, and for those that the filter leaves out. */
export const NOTHING: Record<Theme, Rgb> = { light: rgbOf("#cdcdcd"), dark: rgbOf("#43454b") };

/** For points that nothing tells apart. */
export const PLAIN: Record<Theme, Rgb> = { light: rgbOf("#1f63c4"), dark: rgbOf("#6ea8fe") };

/** Shades of the ramp for numbers. */
export const SHADES = 64;

/**
 * The ramp for numbers, lowest first. Lightness moves away from the ground in even steps, so that a larger number is
 * more to see and equal differences look equal, also without colour vision; the hue goes from blue to orange on both
 * grounds.
 */
export const RAMPS: Record<Theme, readonly Rgb[]> = { light: ramp(0.82, 0.34), dark: ramp(0.42, 0.93) };

function ramp(low: number, high: number): Rgb[] {
  return Array.from({ length: SHADES }, (_, k) => {
    const part = k / (SHADES - 1);
    const hue = ((240 + 170 * part) * Math.PI) / 180;
    const lightness = low + (high - low) * part;
    // The strongest chroma that the screen can show at this lightness and hue, up to a moderate one.
    for (let chroma = 0.16; ; chroma -= 0.005) {
      const color = fromOklab(lightness, chroma * Math.cos(hue), chroma * Math.sin(hue));
      if (color) return color;
    }
  });
}

/** The sRGB colour of an OKLab one, in which equal distances look equal; null where no screen shows it. */
function fromOklab(lightness: number, a: number, b: number): Rgb | null {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  if (linear.some((value) => value < -1e-4 || value > 1 + 1e-4)) return null;
  const [red, green, blue] = linear.map((value) => {
    const kept = Math.min(1, Math.max(0, value));
    return Math.round(255 * (kept <= 0.0031308 ? 12.92 * kept : 1.055 * kept ** (1 / 2.4) - 0.055));
  });
  return [red!, green!, blue!];
}

function rgbOf(hex: string): Rgb {
  const number = Number.parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

export function cssOf([red, green, blue]: Rgb): string {
  return `rgb(${red} ${green} ${blue})`;
}
