/** A stretch of a text, from `start` up to `end`, that is of some kind. */
export interface Span {
  start: number;
  end: number;
  kind: string;
}

/** What happened to a stretch of a text since the text before it. */
export interface Change {
  /** Where in the new text; both the same where something was taken out. */
  start: number;
  end: number;
  /** What stood there before and is gone; empty where something was put in. */
  removed: string;
}

/** A part of a text that is shown in one way. */
export interface Piece {
  text: string;
  /** The kind of the span that it lies in, or "". */
  kind: string;
  change: "added" | "removed" | null;
  /** Whether it stands for characters that have no picture of their own. */
  control: boolean;
}

/**
 * Characters that would be invisible or would change what is around them: control characters but tab and line feed,
 * direction overrides, a byte order mark, and halves of surrogate pairs.
 */
const INVISIBLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const INVISIBLE_ON_ONE_LINE = new RegExp(`[\\t\\n]|${INVISIBLE.source}`, "g");
const INVISIBLE_ON_MANY = new RegExp(INVISIBLE.source, "g");

/**
 * What stands for an invisible character. Unicode has a picture for each control character, but many systems have no
 * font with them; arrows and numbers can be read everywhere.
 */
export function symbolOf(character: string): string {
  if (character === "\n") return "↵";
  if (character === "\t") return "⇥";
  return `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Cuts a text where its kind or its change changes. On one line, line feeds and tabs are symbols as well. */
export function piecesOf(text: string, spans: readonly Span[], changes: readonly Change[], oneLine: boolean): Piece[] {
  const pieces: Piece[] = [];
  const cuts = new Set([0, text.length]);
  for (const { start, end } of [...spans, ...changes]) cuts.add(Math.min(start, text.length)).add(Math.min(end, text.length));
  const places = [...cuts].sort((a, b) => a - b);
  let span = 0;
  let change = 0;
  places.forEach((start, k) => {
    while (change < changes.length && changes[change]!.end < start) change++;
    // At one place something may have been taken out, and something else put in.
    for (let c = change; c < changes.length && changes[c]!.start <= start; c++) {
      if (changes[c]!.start === start && changes[c]!.removed) add(pieces, changes[c]!.removed, "", "removed", oneLine);
    }
    const end = places[k + 1];
    if (end === undefined) return;
    while (change < changes.length && changes[change]!.end <= start) change++;
    while (span < spans.length && spans[span]!.end <= start) span++;
    const kind = span < spans.length && spans[span]!.start <= start ? spans[span]!.kind : "";
    const added = change < changes.length && changes[change]!.start <= start;
    add(pieces, text.slice(start, end), kind, added ? "added" : null, oneLine);
  });
  return pieces;
}

function add(pieces: Piece[], text: string, kind: string, change: Piece["change"], oneLine: boolean): void {
  const invisible = oneLine ? INVISIBLE_ON_ONE_LINE : INVISIBLE_ON_MANY;
  let from = 0;
  for (const match of text.matchAll(invisible)) {
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), kind, change, control: false });
    pieces.push({ text: symbolOf(match[0]), kind, change, control: true });
    from = match.index + 1;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), kind, change, control: false });
}

/** Pieces that follow one another and are new together are one mark; every other piece stands alone. */
export function marksOf(pieces: readonly Piece[]): Piece[][] {
  const marks: Piece[][] = [];
  for (const piece of pieces) {
    const last = marks[marks.length - 1];
    if (piece.change === "added" && last?.[0]!.change === "added") last.push(piece);
    else marks.push([piece]);
  }
  return marks;
}

/** The first `length` characters of a text, without half of a surrogate pair at the end. */
export function beginning(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}

/** A text as a label for screen readers: one line, not endless, nothing invisible. */
export function spokenText(text: string): string {
  return piecesOf(beginning(text, 200), [], [], true)
    .map((piece) => piece.text)
    .join("");
}
