// Figures in words and in few digits.

/** By how many standard deviations a code lies below typical draws of the prior, in words. */
export function likelinessWord(unlikeliness: number): string {
  if (unlikeliness < 1) return "typical";
  if (unlikeliness < 2) return "less typical";
  if (unlikeliness < 4) return "unlikely";
  return "very unlikely";
}

/** Few digits: 0.84, 12.3, 1,234. */
export function few(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.005 || size >= 1e7)) return value.toExponential(1).replace("e+", "e").replaceAll("-", "−");
  if (size >= 100) return Math.round(value).toLocaleString("en").replace("-", "−");
  return value.toFixed(size >= 10 ? 1 : 2).replace("-", "−");
}

/** How far apart two codes are; what is nearer than can be told is at 0. */
export function distance(value: number): string {
  return few(value < 0.005 ? 0 : value);
}

/** How far below typical draws a code lies, where it lies below. */
export function deviations(unlikeliness: number): string {
  return unlikeliness < 0.005 ? "" : `${few(unlikeliness)} deviations below typical draws`;
}

/** What a text is, and what it is not, that passes or fails a model's check. */
const CHECKS: Record<string, readonly [valid: string, invalid: string]> = {
  python: ["the text is complete Python", "not a complete Python statement: Python's own parser refuses it"],
  smiles: ["the text writes down a molecule", "writes down no molecule: a bracket, ring, bond or atom in it cannot be"],
  abc: ["the text is a tune in ABC notation that can be played", "no tune in ABC notation that can be played"],
  mnist: ["the text is a whole image, every row of it", "no whole image: rows are missing or of different lengths"],
  json: ["the text is complete JSON", "not complete JSON"],
};

export function validMeaning(check: string | undefined): string {
  return CHECKS[check ?? ""]?.[0] ?? "the text passes the model's check";
}

export function invalidMeaning(check: string | undefined): string {
  return CHECKS[check ?? ""]?.[1] ?? "fails the model's check";
}

/** A share as a percentage, with a digit behind the point where a whole number would hide the difference to 0 or 100. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return "–";
  const value = share * 100;
  if (value > 0 && value < 0.1) return "<0.1 %";
  if (value > 99.9 && value < 100) return ">99.9 %";
  return `${value.toFixed((value > 99 && value < 100) || (value > 0 && value < 1) ? 1 : 0)} %`;
}

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** 6,012,345 as "6.0 million". */
export function big(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} billion`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} million`;
  return count(value);
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** The probability of which this is the logit. */
export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** A text on one short line. */
export function brief(text: string, most = 60): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= most ? line : line.slice(0, most - 1) + "…";
}
