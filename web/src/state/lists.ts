// Lists of texts as files.
import type { Code } from "../api/types.ts";
import { npyOf } from "./npy.ts";

/** A text with what is known of it, column by column, and its code where there is one. */
export interface Row {
  text: string;
  columns: Record<string, string | number | boolean | null>;
  code?: Code | null;
}

export const FORMATS = ["txt", "tsv", "jsonl", "npy"] as const;
export type Format = (typeof FORMATS)[number];

/** One text a line: breaks inside stand as \n, as `tvae --escapes` reads and writes them. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\t", "\\t").replaceAll("\r", "\\r");
}

function lines(rows: readonly string[]): string {
  return rows.map((row) => row + "\n").join("");
}

export function txtOf(rows: readonly Row[]): string {
  const broken = rows.some((row) => /[\n\t\r]/.test(row.text));
  return lines(rows.map((row) => (broken ? escaped(row.text) : row.text)));
}

export function tsvOf(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row.columns)))];
  const broken = rows.some((row) => /[\n\t\r]/.test(row.text));
  const cells = (row: Row) => [
    ...names.map((name) => escaped(String(row.columns[name] ?? ""))),
    broken ? escaped(row.text) : row.text,
  ];
  return lines([[...names, "text"], ...rows.map(cells)].map((row) => row.join("\t")));
}

export function jsonlOf(rows: readonly Row[]): string {
  return lines(rows.map((row) => JSON.stringify({ ...row.columns, text: row.text })));
}

/** The file's bytes; null where codes are asked for and some row has none, or they have different shapes. */
export function fileOf(rows: readonly Row[], format: Format): Blob | null {
  switch (format) {
    case "txt":
      return new Blob([txtOf(rows)], { type: "text/plain" });
    case "tsv":
      return new Blob([tsvOf(rows)], { type: "text/tab-separated-values" });
    case "jsonl":
      return new Blob([jsonlOf(rows)], { type: "application/jsonl" });
    case "npy": {
      const codes = rows.map((row) => row.code ?? null);
      const shapes = new Set(codes.map((code) => `${code?.length} ${code?.[0]?.length}`));
      return codes.includes(null) || shapes.size > 1 ? null : new Blob([npyOf(codes as Code[])], { type: "application/octet-stream" });
    }
  }
}

/** Has the browser save a file. */
export function download(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
