// Codes of lists of texts.
import { post } from "../api/client.ts";
import type { Row } from "./lists.ts";

const AT_ONCE = 256; // texts that the server encodes in one request

/** The rows, each with a code: its own, or that of its text. */
export async function rowsWithCodes(rows: readonly Row[], model: 0 | 1, signal?: AbortSignal): Promise<Row[]> {
  const missing = [...new Set(rows.filter((row) => (row.code ?? null) === null).map((row) => row.text))];
  const codes = new Map<string, Row["code"]>();
  for (let i = 0; i < missing.length; i += AT_ONCE) {
    const texts = missing.slice(i, i + AT_ONCE);
    const answer = await post("/api/encode", { model, texts }, signal);
    texts.forEach((text, j) => codes.set(text, answer.codes[j]));
  }
  return rows.map((row) => ((row.code ?? null) === null ? { ...row, code: codes.get(row.text) ?? null } : row));
}
