import { diffChars, diffWordsWithSpace } from "diff";
import type { Change } from "./pieces.ts";

/** Texts that differ in more places have nothing in common that is worth finding. */
const LIMITS = { maxEditLength: 400, timeout: 50 };

/** What changed from one text to another, in order. By words for texts that have them, by characters for notations. */
export function changesBetween(before: string, after: string, unit: "words" | "characters"): Change[] {
  if (before === after) return [];
  const parts = unit === "words" ? diffWordsWithSpace(before, after, LIMITS) : diffChars(before, after, LIMITS);
  if (!parts) return [{ start: 0, end: after.length, removed: before }];
  const changes: Change[] = [];
  let place = 0;
  for (const { value, added, removed } of parts) {
    const last = changes[changes.length - 1];
    if (removed) {
      changes.push({ start: place, end: place, removed: value });
      continue;
    }
    if (added) {
      // What replaces something is one change with it.
      if (last?.removed && last.start === place && last.end === place) last.end = place + value.length;
      else changes.push({ start: place, end: place + value.length, removed: "" });
    }
    place += value.length;
  }
  return changes;
}
