// Positions, numbers and texts of the corpus's points. They are fetched once: the map is left and come back to.
import { Kept } from "../api/cached.ts";
import { get, getFloats, type Query } from "../api/client.ts";
import type { MapPoint, Projection } from "../api/types.ts";
import { followed, type Asking } from "./asked.svelte.ts";
import { server } from "./server.svelte.ts";

export const NO_POINTS = new Float32Array(0);
const floats = new Kept<Float32Array>(8);
const texts = new Map<string, MapPoint>();

interface Floats {
  path: "/api/map/points" | "/api/map/values";
  query: Query;
  /** Positions and numbers by directions change when directions do. */
  version: number;
}

/** Only what has arrived is kept, so that a request that was given up, or never ends, is made again by the next visit. */
function followedFloats(wish: () => Floats | null): Asking<Floats, Float32Array> {
  return followed(
    async (wanted, signal) => {
      const found = await getFloats(wanted.path, wanted.query, signal);
      floats.set(JSON.stringify(wanted), found);
      return found;
    },
    wish,
    { known: (wanted) => floats.get(JSON.stringify(wanted)) },
  );
}

export interface Plane {
  projection: Projection;
  x?: string;
  y?: string;
}

/** What a map shows where nobody has chosen: neighbours together where there is UMAP, and the labels where there are some. */
export function shownOf<Layout extends Projection, Colour extends string>(
  chosen: { projection: Layout | "auto"; colour: Colour | "auto" },
  corpus: { projections: readonly string[]; labels: readonly string[] } | undefined,
): { projection: Layout | "pca" | "umap"; colour: Colour | "label" | "none" } {
  const { projection, colour } = chosen;
  return {
    projection: projection !== "auto" ? (projection as Layout) : corpus?.projections.includes("umap") ? "umap" : "pca",
    colour: colour !== "auto" ? (colour as Colour) : (corpus?.labels.length ?? 0) > 0 ? "label" : "none",
  };
}

export function planeOf(projection: Projection, x: string, y: string): Plane | null {
  if (projection !== "directions") return { projection };
  return x === "" || y === "" ? null : { projection, x, y };
}

export function pointsOn(plane: () => Plane | null, model: () => 0 | 1): Asking<Floats, Float32Array> {
  return followedFloats(() => {
    const on = plane();
    if (on === null) return null;
    return { path: "/api/map/points", query: { model: model(), ...on }, version: on.projection === "directions" ? server.version : 0 };
  });
}

export type Of = "label" | "length" | "log_density" | "valid" | "direction";

/** A number of each point; `of` is null where none is wanted, and `direction` counts only where that is what is wanted. */
export function valuesOf(of: () => Of | null, direction: () => string, model: () => 0 | 1): Asking<Floats, Float32Array> {
  return followedFloats(() => {
    const what = of();
    if (what === null || (what === "direction" && direction() === "")) return null;
    const query = { model: model(), of: what, ...(what === "direction" ? { direction: direction() } : {}) };
    return { path: "/api/map/values", query, version: what === "direction" ? server.version : 0 };
  });
}

/** Texts of points, in the order asked for; the server gives 256 at most at once. */
export async function textsOf(model: number, points: readonly number[], signal?: AbortSignal): Promise<MapPoint[]> {
  const missing = points.filter((point) => !texts.has(`${model} ${point}`));
  for (let i = 0; i < missing.length; i += 256) {
    const part = missing.slice(i, i + 256);
    const answer = await get("/api/map/texts", { model, points: part.join(",") }, signal);
    for (const point of answer.points) texts.set(`${model} ${point.point}`, point);
  }
  return points.flatMap((point) => texts.get(`${model} ${point}`) ?? []);
}
