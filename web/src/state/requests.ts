// What each view asks the server, as a function of the page's state. Null where something is still missing.
import type { DecodeOptions, Model, RequestBody } from "../api/types.ts";
import { parsedTable } from "./table.ts";
import type { Workspace } from "./workspace.ts";

/** Codes come with the texts, for the map and for files, as long as they are not more than these numbers. */
const MOST_NUMBERS = 300_000;

export function wantsCodes(model: Model | undefined, count: number): boolean {
  return model !== undefined && model.latent_tokens * model.latent_size * count <= MOST_NUMBERS;
}

/** How codes become texts, as far as it is not the usual. */
export function decodeOf({ decode }: Workspace): { decode?: DecodeOptions } {
  const options: DecodeOptions = {
    ...(decode.candidates > 1 ? { candidates: decode.candidates } : {}),
    ...(decode.constrain ? { constrain: true } : {}),
  };
  return Object.keys(options).length === 0 ? {} : { decode: options };
}

function numbered(model: 0 | 1): { model?: 0 | 1 } {
  return model === 0 ? {} : { model };
}

function codesOf(model: Model | undefined, count: number): { codes?: true } {
  return wantsCodes(model, count) ? { codes: true } : {};
}

export function pathRequest(now: Workspace, number: 0 | 1, model: Model | undefined): RequestBody<"/api/interpolate"> | null {
  const { places, kind, steps } = now.inputs.path;
  if (places.includes("")) return null;
  return {
    ...numbered(number),
    places: places.map((text) => ({ text })),
    steps,
    ...(kind === "slerp" ? {} : { path: kind }),
    ...decodeOf(now),
    ...codesOf(model, steps * (places.length - 1)),
  };
}

/** Only the text at the ratio that is dragged. */
export function ratioRequest(now: Workspace, number: 0 | 1): RequestBody<"/api/interpolate"> | null {
  const { places, kind, ratio } = now.inputs.path;
  if (places.includes("")) return null;
  return {
    ...numbered(number),
    places: places.map((text) => ({ text })),
    ratios: [Math.min(ratio, places.length - 1)],
    ...(kind === "slerp" ? {} : { path: kind }),
    ...decodeOf(now),
    codes: true,
  };
}

export function sampleRequest(now: Workspace, number: 0 | 1, model: Model | undefined): RequestBody<"/api/sample"> | null {
  const { count, from, prior, scale, near, radius, novelty, draw, temperature, top_p, seed } = now.inputs.sample;
  if (from === "near" && near === "") return null;
  const drawn = { ...(now.decode.constrain ? { constrain: true } : {}), sample: true, temperature, top_p };
  return {
    ...numbered(number),
    count,
    ...(from === "near"
      ? { near: { text: near }, radius }
      : { ...(prior === "default" ? {} : { prior }), ...(scale === 1 ? {} : { prior_scale: scale }) }),
    ...(novelty && model?.corpus.state === "ready" ? { novelty } : {}),
    ...(draw ? { decode: drawn } : decodeOf(now)), // search takes the likeliest tokens, so it does not go with drawn ones
    seed,
    ...codesOf(model, count),
  };
}

export function steerRequest(now: Workspace, number: 0 | 1): RequestBody<"/api/steer"> | null {
  const { text, moves, dimensions } = now.inputs.steer;
  if (text === "") return null;
  return {
    ...numbered(number),
    place: { text },
    moves: Object.entries(moves)
      .filter(([, strength]) => strength !== 0)
      .map(([direction, strength]) => ({ direction, strength })),
    dimensions: Object.entries(dimensions)
      .filter(([, add]) => add !== 0)
      .map(([name, add]) => {
        const [token = 0, index = 0] = name.split(".").map(Number);
        return { token, index, add };
      }),
    ...decodeOf(now),
    codes: true,
  };
}

export function breedRequest(now: Workspace, number: 0 | 1, model: Model | undefined): RequestBody<"/api/mix"> | null {
  const { parents, weights, by_token, genes, count, spread, seed } = now.inputs.breed;
  const mixed = parents.map((_, i) => weights[i] ?? 1);
  if (parents.includes("") || mixed.every((weight) => weight === 0)) return null;
  const tokens = model?.latent_tokens ?? 0;
  const rows = Array.from({ length: tokens }, (_, token) => {
    const parent = genes[token] ?? -1;
    return parent < 0 || parent >= parents.length ? mixed : parents.map((_, i) => (i === parent ? 1 : 0));
  });
  return {
    ...numbered(number),
    places: parents.map((text) => ({ text })),
    ...(by_token && tokens > 0 ? { token_weights: rows } : { weights: mixed }),
    count,
    spread,
    ...decodeOf(now),
    seed,
    ...codesOf(model, count),
  };
}

/** A property is learned from so many texts at least, and the server takes so many at most. */
export const FEWEST_TEXTS = 20;
export const MOST_TEXTS = 5000;

export function climbRequest(now: Workspace, number: 0 | 1): RequestBody<"/api/optimize"> | null {
  const { text, by, direction, table, steps, step_size, prior_weight, text_weight, downhill } = now.inputs.climb;
  if (text === "") return null;
  let on: { direction: string } | { property: { texts: string[]; values: number[] } };
  if (by === "direction") {
    if (direction === "") return null;
    on = { direction };
  } else {
    const { texts, values } = parsedTable(table);
    if (texts.length < FEWEST_TEXTS) return null;
    on = { property: { texts: texts.slice(0, MOST_TEXTS), values: values.slice(0, MOST_TEXTS) } };
  }
  return {
    ...numbered(number),
    place: { text },
    ...on,
    steps,
    step_size,
    prior_weight,
    text_weight,
    ...(downhill ? { downhill } : {}),
    ...decodeOf(now),
    codes: true,
  };
}

export const STRENGTHS = [0, 0.5, 1, 1.5, 2];

export function analogyRequest(now: Workspace, number: 0 | 1, strengths: number[]): RequestBody<"/api/analogy"> | null {
  const { a, b, c } = now.inputs.analogy;
  if (a === "" || b === "" || c === "") return null;
  return {
    ...numbered(number),
    a: { text: a },
    b: { text: b },
    c: { text: c },
    strengths,
    ...decodeOf(now),
    codes: true,
  };
}
