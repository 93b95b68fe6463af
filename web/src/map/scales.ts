import { CATEGORIES, NOTHING, OTHER, PLAIN, RAMPS, SHADES, cssOf, type Theme } from "./palette.ts";
import type { Rgb } from "./renderer.ts";

/** What the colours of the points tell. Values are NaN where a point has none. */
export type Coloring =
  | { kind: "none" }
  | { kind: "label"; values: Float32Array; labels: readonly string[] }
  | { kind: "number"; values: Float32Array; name: string };

/** A colour of the legend that stands for points. */
export interface LegendEntry {
  /** Names the entry to `MapView.setHiddenEntries`. */
  slot: number;
  /** The label, or "other" or "none". */
  label: string;
  /** A CSS colour. */
  color: string;
  count: number;
}

export interface Legend {
  kind: Coloring["kind"];
  /** What the numbers are; empty for labels. */
  name: string;
  /** Labels, the most frequent first; of numbers only "none", and that where some points have none. */
  entries: LegendEntry[];
  /** Of numbers: the ramp's ends and its colours from low to high. Smaller and larger numbers have the ends' colours. */
  ramp: { low: number; high: number; colors: string[] } | null;
}

/** How points are coloured: a slot for each, and what the slots look like on a ground. */
export interface ColorScale {
  slots: Uint8Array;
  colors(theme: Theme): readonly Rgb[];
  legend(theme: Theme): Legend;
}

/** Labels that have a colour of their own. */
const MOST_LABELS = CATEGORIES.light.length;

/** The share of the numbers at each end that the ramp passes over, so that a few odd ones don't use it up. */
const TAIL = 0.005;

export function colorScale(coloring: Coloring, points: number): ColorScale {
  if (coloring.kind === "label") return labelScale(coloring.values, coloring.labels, points);
  if (coloring.kind === "number") return numberScale(coloring.values, coloring.name, points);
  return {
    slots: new Uint8Array(points),
    colors: (theme) => [PLAIN[theme]],
    legend: () => ({ kind: "none", name: "", entries: [], ramp: null }),
  };
}

function labelScale(values: Float32Array, labels: readonly string[], points: number): ColorScale {
  const counts = new Array<number>(labels.length).fill(0);
  for (const value of values) if (value >= 0 && value < labels.length) counts[value]!++;
  const byCount = labels.map((_, label) => label).filter((label) => counts[label]! > 0);
  byCount.sort((a, b) => counts[b]! - counts[a]! || a - b);
  const own = byCount.slice(0, MOST_LABELS);
  const other = own.length;
  const none = own.length + 1;
  const slotOf = new Uint8Array(labels.length).fill(other);
  own.forEach((label, slot) => (slotOf[label] = slot));
  const slots = new Uint8Array(points).fill(none);
  const slotCounts = new Array<number>(none + 1).fill(0);
  for (let i = 0; i < points; i++) {
    const value = values[i]!;
    // Written so that NaN, and a point without a value, fail it.
    if (value >= 0 && value < labels.length) slots[i] = slotOf[value]!;
    slotCounts[slots[i]!]!++;
  }
  const colors = (theme: Theme) => [...CATEGORIES[theme].slice(0, own.length), OTHER[theme], NOTHING[theme]];
  return {
    slots,
    colors,
    legend: (theme) => ({
      kind: "label",
      name: "",
      entries: [...own.map((label) => labels[label]!), "other", "none"]
        .map((label, slot) => ({ slot, label, color: cssOf(colors(theme)[slot]!), count: slotCounts[slot]! }))
        .filter((entry) => entry.count > 0),
      ramp: null,
    }),
  };
}

function numberScale(values: Float32Array, name: string, points: number): ColorScale {
  const sorted = values.filter((value) => Number.isFinite(value)).sort();
  const quantile = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const low = quantile(TAIL);
  const high = quantile(1 - TAIL);
  const none = SHADES;
  const slots = new Uint8Array(points);
  let without = 0;
  for (let i = 0; i < points; i++) {
    const value = values[i];
    if (value === undefined || Number.isNaN(value)) {
      slots[i] = none;
      without++;
    } else {
      const part = high > low ? (value - low) / (high - low) : 0.5;
      slots[i] = Math.round(Math.min(1, Math.max(0, part)) * (SHADES - 1));
    }
  }
  return {
    slots,
    colors: (theme) => [...RAMPS[theme], NOTHING[theme]],
    legend: (theme) => ({
      kind: "number",
      name,
      entries: without === 0 ? [] : [{ slot: none, label: "none", color: cssOf(NOTHING[theme]), count: without }],
      ramp: { low, high, colors: RAMPS[theme].map(cssOf) },
    }),
  };
}

/** Round numbers from `low` to `high`, about `count` of them, for the ticks of an axis. */
export function ticks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.ceil(low / step);
  const last = Math.floor(high / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, k) => (first + k) * step);
}

/** A number as short as a legend or an axis wants it. */
export function shortNumber(value: number): string {
  return value === 0 ? "0" : String(Number(value.toPrecision(3))).replace("-", "−");
}
