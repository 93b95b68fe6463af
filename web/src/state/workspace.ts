// The whole state of the page, as plain immutable values: changed by making a new one, so that undo keeps the old one at
// no cost, and an address or a file can hold it. Answers of the server are not part of it; they follow from it.
import type { Code, Output } from "../api/types.ts";
import { admitted, choice, flag, initialOf, longText, named, number, numbers, text, texts, type Values } from "./fields.ts";

export const VIEWS = ["path", "map", "sample", "steer", "breed", "climb", "analogy", "health"] as const;
export type View = (typeof VIEWS)[number];

const seed = () => number(42, 0, Number.MAX_SAFE_INTEGER, true);
const name = () => text();

/** What each view can be told. Ranges are those of the server's schema, or narrower where sliders end. */
export const FIELDS = {
  path: {
    places: texts(2, 8),
    kind: choice(["slerp", "lerp", "token-slerp"], "slerp"),
    steps: number(9, 2, 101, true),
    ratio: number(0.5, 0, 7),
  },
  map: {
    projection: choice(["auto", "pca", "umap", "directions"], "auto"),
    x: name(),
    y: name(),
    colour: choice(["auto", "none", "label", "length", "log_density", "valid", "direction"], "auto"),
    direction: name(),
    hidden: texts(0, 256),
    search: text(),
    contours: flag(),
    seen: numbers([], -1e9, 1e9, 3), // the middle of the part that is seen, and how much larger; none: everything
  },
  sample: {
    count: number(12, 1, 256, true),
    from: choice(["prior", "near"], "prior"),
    prior: choice(["default", "fitted", "normal"], "default"),
    scale: number(1, 0, 3),
    near: text(),
    radius: number(1, 0, 10),
    novelty: flag(),
    draw: flag(),
    temperature: number(1, 0.01, 5),
    top_p: number(1, 0.001, 1),
    seed: seed(),
  },
  steer: {
    text: text(),
    moves: named(-100, 100),
    dimensions: named(-1000, 1000), // by "token.index"
    raw: flag(),
  },
  breed: {
    parents: texts(1, 4),
    weights: numbers([1], 0, 1_000_000, 4),
    by_token: flag(),
    genes: numbers([], -1, 3, 4096), // for each latent token the parent it comes from, -1: mixed by the weights
    count: number(8, 1, 64, true),
    spread: number(1, 0, 10),
    seed: seed(),
  },
  climb: {
    text: text(),
    by: choice(["direction", "property"], "direction"),
    direction: name(),
    table: longText(),
    steps: number(100, 1, 1000, true),
    step_size: number(0.1, 1e-6, 1_000_000),
    prior_weight: number(1, 0, 1_000_000),
    text_weight: number(0.3, 0, 1_000_000),
    downhill: flag(),
  },
  analogy: {
    a: text(),
    b: text(),
    c: text(),
    strength: number(1, -100, 100),
  },
  health: {},
} as const;

export const DECODE_FIELDS = { constrain: flag(), candidates: number(1, 1, 16, true) };

export type Inputs = { [V in View]: Values<(typeof FIELDS)[V]> };
export type DecodeSwitches = Values<typeof DECODE_FIELDS>;

/** What is known of a decoded code, beside its text. */
export type Facts = Pick<Output, "valid" | "searched" | "confidence" | "log_density" | "unlikeliness">;

/** A place of the latent space with its text. One that was typed or comes from the corpus has no facts and no code yet. */
export interface Point {
  text: string;
  origin: string; // in words: where it came from
  model: 0 | 1;
  facts: Facts | null;
  code: Code | null;
}

/** A direction that was made on this page, so that a session can make it again elsewhere. */
export interface MadeDirection {
  name: string;
  method: "mean" | "logistic";
  label: string | null;
  positive: string[];
  negative: string[];
  positivePoints: number[];
  negativePoints: number[];
}

/** One step of breeding: of these parents that child was taken. `from` is the step that gave the parents. */
export interface Generation {
  id: number;
  from: number | null;
  breed: Inputs["breed"];
  child: string;
}

export interface Workspace {
  view: View;
  model: 0 | 1;
  compare: boolean;
  decode: DecodeSwitches;
  selected: Point | null;
  inputs: Inputs;
  gallery: Point[];
  directions: MadeDirection[];
  family: { generations: Generation[]; current: number | null };
  /** Points of the corpus that were lassoed; a direction leads from the second list to the first. */
  lassos: [number[], number[]];
}

export function admittedInputs(value: unknown): Inputs {
  const given = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  return Object.fromEntries(VIEWS.map((view) => [view, admitted(FIELDS[view], given[view])])) as Inputs;
}

export function newWorkspace(): Workspace {
  return {
    view: "path",
    model: 0,
    compare: false,
    decode: initialOf(DECODE_FIELDS),
    selected: null,
    inputs: admittedInputs({}),
    gallery: [],
    directions: [],
    family: { generations: [], current: null },
    lassos: [[], []],
  };
}

export function textPoint(of: string, origin: string, model: 0 | 1 = 0): Point {
  return { text: of, origin, model, facts: null, code: null };
}

export function outputPoint(output: Output, origin: string, model: 0 | 1): Point {
  const { valid, searched, confidence, log_density, unlikeliness } = output;
  return {
    text: output.text,
    origin,
    model,
    facts: { valid, searched, confidence, log_density, unlikeliness },
    code: output.code ?? null,
  };
}

/** The same place, whether or not more is known of it. */
export function samePoint(a: Point | null, b: Point | null): boolean {
  if (a === null || b === null) return a === b;
  return a.text === b.text && a.model === b.model && (a.code === b.code || JSON.stringify(a.code) === JSON.stringify(b.code));
}

export function withInputs<V extends View>(workspace: Workspace, view: V, change: Partial<Inputs[V]>): Workspace {
  return { ...workspace, inputs: { ...workspace.inputs, [view]: { ...workspace.inputs[view], ...change } } };
}

/** Starts or unstars a text. */
export function toggledGallery(workspace: Workspace, point: Point): Workspace {
  const there = workspace.gallery.some((kept) => kept.text === point.text);
  const gallery = there ? workspace.gallery.filter((kept) => kept.text !== point.text) : [...workspace.gallery, point];
  return { ...workspace, gallery };
}

export type Role = "start" | "end" | "next" | "parent" | "a" | "b" | "c" | "steer" | "climb" | "near" | "search";

/** Puts a text where a view wants one, and shows that view. */
export function usedAs(workspace: Workspace, role: Role, of: string): Workspace {
  const { path, breed } = workspace.inputs;
  switch (role) {
    case "start":
      return { ...withInputs(workspace, "path", { places: [of, ...path.places.slice(1)] }), view: "path" };
    case "end":
      return { ...withInputs(workspace, "path", { places: [...path.places.slice(0, -1), of] }), view: "path" };
    case "next":
      return { ...withInputs(workspace, "path", { places: withPlace(path.places, of, MOST_PLACES) }), view: "path" };
    case "parent":
      return { ...withParent(workspace, of), view: "breed" };
    case "a":
    case "b":
    case "c":
      return { ...withInputs(workspace, "analogy", { [role]: of }), view: "analogy" };
    case "steer":
    case "climb":
      return { ...withInputs(workspace, role, { text: of }), view: role };
    case "near":
      return { ...withInputs(workspace, "sample", { from: "near", near: of }), view: "sample" };
    case "search":
      return { ...withInputs(workspace, "map", { search: of, seen: [] }), view: "map" }; // it may lie anywhere
  }

  function withParent(state: Workspace, parent: string): Workspace {
    const parents = withPlace(breed.parents, parent, MOST_PARENTS);
    return withInputs(state, "breed", { parents, weights: parents.map((_, i) => breed.weights[i] ?? 1), genes: [] });
  }
}

export const MOST_PLACES = 8;
export const MOST_PARENTS = 4;

/** The text in the first empty place, else behind the last one; where there is no room it is left out. */
function withPlace(places: string[], of: string, most: number): string[] {
  const empty = places.indexOf("");
  if (empty >= 0) return places.with(empty, of);
  return places.length < most ? [...places, of] : places;
}

/** Why a text cannot be added where a view takes several; "" where it can. */
export function fullFor(workspace: Workspace, role: Role): string {
  const { path, breed } = workspace.inputs;
  const full = (places: string[], most: number) => places.length >= most && !places.includes("");
  if (role === "parent" && full(breed.parents, MOST_PARENTS)) return "There are four parents already; remove one first";
  if (role === "next" && full(path.places, MOST_PLACES)) return "The path has eight places already; remove one first";
  return "";
}

/** A text where the present view first lacks one: what a click on an example does beside selecting it. */
export function placedWhereEmpty(workspace: Workspace, of: string): Workspace {
  const { inputs } = workspace;
  switch (workspace.view) {
    case "path":
      return inputs.path.places.includes("") ? usedAs(workspace, "next", of) : workspace;
    case "breed":
      return inputs.breed.parents.includes("") || inputs.breed.parents.length < 2 ? usedAs(workspace, "parent", of) : workspace;
    case "analogy": {
      const role = (["a", "b", "c"] as const).find((one) => inputs.analogy[one] === "");
      return role === undefined ? workspace : usedAs(workspace, role, of);
    }
    case "steer":
    case "climb":
      return inputs[workspace.view].text === "" ? usedAs(workspace, workspace.view, of) : workspace;
    case "sample":
      return inputs.sample.from === "near" && inputs.sample.near === "" ? usedAs(workspace, "near", of) : workspace;
    default:
      return workspace;
  }
}

/** A child becomes the only parent, and the step is remembered. */
export function childTaken(workspace: Workspace, child: string): Workspace {
  const { generations, current } = workspace.family;
  const id = 1 + Math.max(0, ...generations.map((generation) => generation.id));
  const { breed } = workspace.inputs;
  return {
    ...withInputs(workspace, "breed", { parents: [child], weights: [1], genes: [], by_token: false }),
    family: { generations: [...generations, { id, from: current, breed, child }], current: id },
  };
}

/** Back to the parents that a step of the family tree started from, or on to the child it took. */
export function steppedTo(workspace: Workspace, id: number, end: "parents" | "child"): Workspace {
  const generation = workspace.family.generations.find((one) => one.id === id);
  if (generation === undefined) return workspace;
  const { generations } = workspace.family;
  if (end === "parents") {
    return { ...withInputs(workspace, "breed", generation.breed), family: { generations, current: generation.from } };
  }
  const alone = { parents: [generation.child], weights: [1], genes: [], by_token: false };
  return { ...withInputs(workspace, "breed", alone), family: { generations, current: id } };
}
