// Names of the legend's entries, by which an address says which are left out. The map gathers rare labels under "other",
// which may be the name of a label, too.
import type { Legend } from "../map/scales.ts";

export function namesOf(legend: Legend): string[] {
  const labels = legend.entries.map((entry) => entry.label);
  return labels.map((label, i) => (labels.indexOf(label) === i ? label : `${label} (rest)`));
}

/** The map's numbers of the entries that are left out. */
export function hiddenSlots(legend: Legend, hidden: readonly string[]): number[] {
  const names = namesOf(legend);
  return legend.entries.filter((_, i) => hidden.includes(names[i]!)).map((entry) => entry.slot);
}
