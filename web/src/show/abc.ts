import { renderAbc, type TuneObject } from "abcjs";
import { withoutInlineStyles } from "./inline_styles.ts";
import type { Note } from "./player.ts";

/** Longer texts are no tune that a staff in a page can show. */
const LONGEST = 10_000;

export interface Tune {
  notes: Note[];
  /** What the parser didn't understand, in plain text. */
  warnings: string[];
}

/** The library takes any text for music; a tune has a key. */
const KEY = /^K:/m;

/** Draws a tune on staves inside `host`, which must be in the page. Null where the text is no tune with notes. */
export function drawTune(host: HTMLElement, abc: string): Tune | null {
  clear(host);
  if (abc.length > LONGEST || !KEY.test(abc)) return null;
  try {
    const [tune] = withoutInlineStyles(() =>
      renderAbc(host, abc, { responsive: "resize", staffwidth: 640, paddingtop: 4, paddingbottom: 4, ariaLabel: "Notes" }),
    );
    const notes = tune ? notesOf(tune) : [];
    if (notes.length > 0) return { notes, warnings: (tune!.warnings ?? []).map(plain) };
  } catch {
    // What the library cannot draw is shown as text by whoever asked.
  }
  clear(host);
  return null;
}

/** The library also sets the size of the element that it draws in. */
function clear(host: HTMLElement): void {
  host.replaceChildren();
  host.removeAttribute("style");
}

/** The notes as they sound, repeats and ties included, in seconds. */
function notesOf(tune: TuneObject): Note[] {
  const { tempo, tracks } = tune.setUpAudio({});
  // The tempo counts quarters a minute; times are in whole notes.
  const seconds = (4 * 60) / (tempo || 120);
  const notes: Note[] = [];
  for (const track of tracks) {
    for (const item of track) {
      if (item.cmd !== "note") continue;
      const { pitch, start, duration, volume } = item;
      notes.push({ pitch, start: start * seconds, duration: duration * seconds, loudness: volume / 127 });
    }
  }
  return notes.sort((a, b) => a.start - b.start);
}

/** The library writes warnings in HTML, and quotes the whole line: "Music Line:3:5: Unknown character ignored:  …". */
function plain(warning: string): string {
  const [, line, column, what] = /^Music Line:(\d+):(\d+): (.*?):  /s.exec(warning) ?? [];
  return what ? `Line ${line}, character ${column}: ${what}` : warning.replace(/<[^>]*>/g, "");
}
