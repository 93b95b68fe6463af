// Positions, numbers and texts of the corpus's points. They are fetched once: the map is left and come back to.
import { getFloats, get } from "../api/client.ts";
import type { MapPoint, Projection } from "../api/types.ts";

const KEPT = 8;
const floats = new Map<string, Promise<Float32Array>>();
const texts = new Map<string, MapPoint>();

function remembered(key: string, load: () => Promise<Float32Array>): Promise<Float32Array> {
  const known = floats.get(key);
  if (known !== undefined) return known;
  const loading = load();
  floats.set(key, loading);
  loading.catch(() => floats.delete(key)); // so that it is asked for again
  if (floats.size > KEPT) floats.delete(floats.keys().next().value!);
  return loading;
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

export function pointsOf(model: number, plane: Plane, version: number): Promise<Float32Array> {
  const query = { model, ...plane };
  return remembered(JSON.stringify(["points", query, plane.projection === "directions" ? version : 0]), () =>
    getFloats("/api/map/points", query),
  );
}

export type Of = "label" | "length" | "log_density" | "valid" | "direction";

export function valuesOf(model: number, of: Of, direction: string, version: number): Promise<Float32Array> {
  const query = { model, of, direction: of === "direction" ? direction : undefined };
  return remembered(JSON.stringify(["values", query, of === "direction" ? version : 0]), () => getFloats("/api/map/values", query));
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
