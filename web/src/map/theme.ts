import type { Theme } from "./palette.ts";

/** The colours of everything on the map but its points, as CSS colours. */
export interface MapTheme {
  name: Theme;
  /** Text and thin lines. */
  ink: string;
  /** Behind text and around marks: the colour of the page. */
  halo: string;
  /** The selected place and the path. */
  accent: string;
}

const DEFAULTS: Record<Theme, Omit<MapTheme, "name">> = {
  light: { ink: "#20242b", halo: "#ffffff", accent: "#d0006f" },
  dark: { ink: "#e8eaee", halo: "#16181d", accent: "#ff6ab0" },
};

/**
 * Reads the theme where `element` is. Whether it is light or dark follows its `color-scheme` and, where that allows
 * both, the system; the custom properties --map-ink, --map-halo and --map-accent replace single colours.
 */
export function readTheme(element: HTMLElement): MapTheme {
  const scheme = getComputedStyle(element).getPropertyValue("color-scheme");
  const systemIsDark = matches("(prefers-color-scheme: dark)");
  const dark = scheme.includes("dark") && (!scheme.includes("light") || systemIsDark);
  const name = dark || (!scheme.includes("light") && systemIsDark) ? "dark" : "light";
  // The browser resolves whatever the property says, variables and light-dark() too, to a colour that canvases take.
  const resolved = (property: string, otherwise: string) => {
    element.style.color = `var(${property}, ${otherwise})`;
    const color = getComputedStyle(element).color;
    element.style.removeProperty("color");
    return color && !color.startsWith("var(") ? color : otherwise;
  };
  const { ink, halo, accent } = DEFAULTS[name];
  return {
    name,
    ink: resolved("--map-ink", ink),
    halo: resolved("--map-halo", halo),
    accent: resolved("--map-accent", accent),
  };
}

/** Whether a media query holds; where nobody can say, it doesn't. */
export function matches(query: string): boolean {
  return typeof matchMedia === "function" && matchMedia(query).matches;
}
