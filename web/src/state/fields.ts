// What a view can be told is a table of fields. A field knows its initial value, which values it admits, and how it
// stands in an address: one description for the page's state, for links and for session files.

export interface Field<T> {
  initial: T;
  /** The value if it can be, or what comes nearest to it: addresses and files may hold anything. */
  admit(value: unknown): T;
  /** As words of an address; `read` of them gives what `admit` makes the value of again. */
  write(value: T): string[];
  read(words: string[]): unknown;
}

export type Values<Table> = { -readonly [Name in keyof Table]: Table[Name] extends Field<infer T> ? T : never };

export const MAX_TEXT = 20_000; // characters, as the server's schema has it

const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

export function text(initial = ""): Field<string> {
  return {
    initial,
    admit: (value) => (isText(value) ? value.slice(0, MAX_TEXT) : initial),
    write: (value) => [value],
    read: (words) => words[0],
  };
}

/** A text that is too long for an address: pasted tables and lists. It is kept in the session only. */
export function longText(): Field<string> {
  return {
    initial: "",
    admit: (value) => (isText(value) ? value.slice(0, 4_000_000) : ""),
    write: (value) => (value.length <= 1000 ? [value] : []),
    read: (words) => words[0],
  };
}

export function number(initial: number, low: number, high: number, whole = false): Field<number> {
  const admit = (value: unknown): number => {
    if (!isNumber(value)) return initial;
    return Math.min(high, Math.max(low, whole ? Math.round(value) : value));
  };
  return { initial, admit, write: (value) => [String(value)], read: (words) => (words[0] === "" ? NaN : Number(words[0])) };
}

export function flag(initial = false): Field<boolean> {
  return {
    initial,
    admit: (value) => (typeof value === "boolean" ? value : initial),
    write: (value) => [value ? "1" : "0"],
    read: (words) => words[0] === "1",
  };
}

export function choice<const T extends string>(options: readonly T[], initial: NoInfer<T>): Field<T> {
  return {
    initial,
    admit: (value) => options.find((option) => option === value) ?? initial,
    write: (value) => [value],
    read: (words) => words[0],
  };
}

/** Several texts, at least `least` and at most `most`. */
export function texts(least: number, most: number): Field<string[]> {
  const admit = (value: unknown): string[] => {
    const given = Array.isArray(value) ? value.filter(isText).slice(0, most) : [];
    while (given.length < least) given.push("");
    return given.map((entry) => entry.slice(0, MAX_TEXT));
  };
  return { initial: admit([]), admit, write: (value) => value, read: (words) => words };
}

export function numbers(initial: number[], low: number, high: number, most: number): Field<number[]> {
  return {
    initial,
    admit: (value) =>
      Array.isArray(value)
        ? value.filter(isNumber).slice(0, most).map((entry) => Math.min(high, Math.max(low, entry)))
        : initial,
    write: (value) => (value.length === 0 ? [] : [value.join(",")]),
    read: (words) => (words[0] === undefined || words[0] === "" ? [] : words[0].split(",").map(Number)),
  };
}

/** Numbers by name. */
export function named(low: number, high: number): Field<Record<string, number>> {
  return {
    initial: {},
    admit: (value) =>
      typeof value !== "object" || value === null
        ? {}
        : Object.fromEntries(
            Object.entries(value)
              .filter((entry): entry is [string, number] => isNumber(entry[1]))
              .slice(0, 256)
              .map(([name, entry]) => [name, Math.min(high, Math.max(low, entry))]),
          ),
    write: (value) => Object.entries(value).map(([name, entry]) => `${name}:${entry}`),
    read: (words) =>
      Object.fromEntries(
        words.map((word) => {
          const colon = word.lastIndexOf(":");
          return [word.slice(0, colon), Number(word.slice(colon + 1))];
        }),
      ),
  };
}

type Table = Readonly<Record<string, Field<any>>>;

export function initialOf<T extends Table>(table: T): Values<T> {
  return Object.fromEntries(Object.entries(table).map(([name, field]) => [name, field.initial])) as Values<T>;
}

export function admitted<T extends Table>(table: T, value: unknown): Values<T> {
  const given = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  return Object.fromEntries(Object.entries(table).map(([name, field]) => [name, field.admit(given[name])])) as Values<T>;
}

/** Writes what is not initial into the words of an address. */
export function writeFields<T extends Table>(table: T, values: Values<T>, into: URLSearchParams): void {
  for (const [name, field] of Object.entries(table)) {
    const value = values[name as keyof Values<T>];
    if (JSON.stringify(value) === JSON.stringify(field.initial)) continue;
    for (const word of field.write(value)) into.append(name, word);
  }
}

export function readFields<T extends Table>(table: T, from: URLSearchParams): Values<T> {
  return Object.fromEntries(
    Object.entries(table).map(([name, field]) => [
      name,
      from.has(name) ? field.admit(field.read(from.getAll(name))) : field.initial,
    ]),
  ) as Values<T>;
}
