// A pasted table of texts and numbers, in the formats that `tvae optimize --property` reads.

export interface Property {
  texts: string[];
  values: number[];
}

export interface Parsed extends Property {
  /** Lines that hold no text and number; a heading is not counted. */
  skipped: number;
  /** Whether the first line holds none, and is taken for a heading. */
  heading: boolean;
}

export function parsedTable(pasted: string): Parsed {
  const found: Parsed = { texts: [], values: [], skipped: 0, heading: false };
  const rows = pasted.split(/\r?\n/).filter((line) => line.trim() !== "");
  rows.forEach((line, i) => {
    const row = line.trimStart().startsWith("{") ? jsonRow(line) : cellsRow(line);
    if (row !== null) {
      found.texts.push(row[0]);
      found.values.push(row[1]);
    } else if (i > 0) {
      found.skipped++;
    } else {
      found.heading = true;
    }
  });
  return found;
}

function jsonRow(line: string): [string, number] | null {
  try {
    const { text, value } = JSON.parse(line) as { text?: unknown; value?: unknown };
    return typeof text === "string" && typeof value === "number" && Number.isFinite(value) ? [text, value] : null;
  } catch {
    return null;
  }
}

/** The number is in the last cell: behind the last tab, or else the last comma or run of spaces. */
function cellsRow(line: string): [string, number] | null {
  const tab = line.lastIndexOf("\t");
  const split = tab >= 0 ? [line.slice(0, tab), line.slice(tab + 1)] : /^(.*?)[,;\s]\s*([^,;\s]+)\s*$/s.exec(line)?.slice(1);
  if (split === undefined) return null;
  const [text = "", cell = ""] = split;
  const value = Number(cell.trim());
  if (cell.trim() === "" || !Number.isFinite(value) || text.trim() === "") return null;
  const quoted = tab < 0 && /^".*"$/s.test(text.trim());
  return [quoted ? text.trim().slice(1, -1).replaceAll('""', '"') : tab >= 0 ? text : text.replace(/[,;\s]+$/, ""), value];
}

/** One text a line. */
export function linesOf(pasted: string): string[] {
  return pasted.split(/\r?\n/).filter((line) => line !== "");
}
