// A session as one JSON file: everything that was typed, starred, made and bred.
import {
  admittedInputs,
  DECODE_FIELDS,
  newWorkspace,
  VIEWS,
  type Facts,
  type Generation,
  type MadeDirection,
  type Point,
  type Workspace,
} from "./workspace.ts";
import { admitted } from "./fields.ts";
import type { Code } from "../api/types.ts";

const KIND = "tvae session";
const VERSION = 1;

export function sessionText(workspace: Workspace): string {
  return JSON.stringify({ kind: KIND, version: VERSION, ...workspace }, null, 1) + "\n";
}

/** Throws an Error whose message says what is wrong with the file. */
export function sessionOf(text: string): Workspace {
  let given: Record<string, unknown>;
  try {
    given = record(JSON.parse(text));
  } catch {
    throw new Error("The file is no JSON, so it is no session of this page.");
  }
  if (given.kind !== KIND) throw new Error(`The file is no session of this page: it has no "kind": "${KIND}".`);
  if (given.version !== VERSION) {
    throw new Error(`The session is of version ${String(given.version)}; this page reads version ${VERSION}.`);
  }
  const fresh = newWorkspace();
  const family = record(given.family);
  const generations = list(family.generations, generationOf);
  return {
    view: VIEWS.find((view) => view === given.view) ?? fresh.view,
    model: modelOf(given.model),
    compare: given.compare === true,
    decode: admitted(DECODE_FIELDS, given.decode),
    selected: pointOf(given.selected),
    inputs: admittedInputs(given.inputs),
    gallery: firstOfEach(list(given.gallery, pointOf), (point) => point.text),
    directions: firstOfEach(list(given.directions, directionOf), (direction) => direction.name),
    family: {
      generations,
      current: generations.some((one) => one.id === family.current) ? (family.current as number) : null,
    },
    lassos: Array.isArray(given.lassos) ? [wholeNumbers(given.lassos[0]), wholeNumbers(given.lassos[1])] : [[], []],
  };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function list<T>(value: unknown, of: (entry: unknown) => T | null): T[] {
  return Array.isArray(value) ? value.map(of).filter((entry): entry is Awaited<T> & T => entry !== null) : [];
}

/** Lists of the page hold a name once; a file may not. */
function firstOfEach<T>(entries: T[], nameOf: (entry: T) => string): T[] {
  return [...new Map(entries.toReversed().map((entry) => [nameOf(entry), entry])).values()].toReversed();
}

function strings(value: unknown): string[] {
  return list(value, (entry) => (typeof entry === "string" ? entry : null));
}

function wholeNumbers(value: unknown): number[] {
  return list(value, (entry) => (Number.isInteger(entry) && (entry as number) >= 0 ? (entry as number) : null));
}

function modelOf(value: unknown): 0 | 1 {
  return value === 1 ? 1 : 0;
}

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function pointOf(value: unknown): Point | null {
  const given = record(value);
  if (typeof given.text !== "string") return null;
  return {
    text: given.text,
    origin: typeof given.origin === "string" ? given.origin : "from a session",
    model: modelOf(given.model),
    facts: given.facts === null || given.facts === undefined ? null : factsOf(record(given.facts)),
    code: codeOf(given.code),
  };
}

function factsOf(given: Record<string, unknown>): Facts {
  return {
    valid: typeof given.valid === "boolean" ? given.valid : null,
    searched: given.searched === true,
    confidence: numberOrNull(given.confidence),
    log_density: numberOrNull(given.log_density),
    unlikeliness: numberOrNull(given.unlikeliness) ?? 0,
  };
}

function codeOf(value: unknown): Code | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  const rows = value as unknown[];
  const width = Array.isArray(rows[0]) ? rows[0].length : 0;
  const whole = rows.every((row) => Array.isArray(row) && row.length === width && row.every(Number.isFinite));
  return width > 0 && whole ? (rows as Code) : null;
}

function directionOf(value: unknown): MadeDirection | null {
  const given = record(value);
  if (typeof given.name !== "string") return null;
  return {
    name: given.name,
    method: given.method === "logistic" ? "logistic" : "mean",
    label: typeof given.label === "string" ? given.label : null,
    positive: strings(given.positive),
    negative: strings(given.negative),
    positivePoints: wholeNumbers(given.positivePoints),
    negativePoints: wholeNumbers(given.negativePoints),
  };
}

function generationOf(value: unknown): Generation | null {
  const given = record(value);
  if (!Number.isInteger(given.id) || typeof given.child !== "string") return null;
  return {
    id: given.id as number,
    from: Number.isInteger(given.from) ? (given.from as number) : null,
    breed: admittedInputs({ breed: given.breed }).breed,
    child: given.child,
  };
}
