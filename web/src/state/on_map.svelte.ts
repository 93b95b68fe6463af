// Where the selected place and the last path lie on a plane of the map.
import type { Position } from "../map/camera.ts";
import { asked, type Going } from "./asked.svelte.ts";
import type { Plane } from "./corpus.svelte.ts";
import { page } from "./page.svelte.ts";
import { few } from "./words.ts";

export function selectedOnMap(plane: () => Plane | null, model: () => 0 | 1): { readonly going: Going; readonly at: Position | null } {
  const asking = asked("/api/map/project", () => {
    const on = plane();
    const point = page.workspace.selected;
    if (on === null || point === null) return null;
    // A code is a place of its own model only; the other model reads the text.
    const place = point.code !== null && point.model === model() ? { code: point.code } : { text: point.text };
    return { model: model(), ...on, places: [place] };
  });
  return {
    going: asking,
    get at() {
      const position = asking.answer?.positions[0];
      return position === undefined ? null : { x: position[0]!, y: position[1]! };
    },
  };
}

const MOST_STOPS = 256; // that the server takes at once

export function pathOnMap(plane: () => Plane | null, model: () => 0 | 1) {
  const points = $derived(page.path.model === model() ? page.path.points.filter((one) => one.code !== undefined).slice(0, MOST_STOPS) : []);
  const asking = asked("/api/map/project", () => {
    const on = plane();
    return on === null || points.length === 0 ? null : { model: model(), ...on, places: points.map((one) => ({ code: one.code! })) };
  });
  const stops = $derived(
    asking.answer === null || asking.answer.positions.length !== points.length
      ? []
      : asking.answer.positions.map(([x, y], i) => ({ x: x!, y: y!, text: points[i]!.text })),
  );
  return {
    going: asking,
    get stops() {
      return stops;
    },
    select(stop: number): void {
      const at = points[stop];
      if (at !== undefined) page.selectOutput(at, `ratio ${few(at.ratio)} of a path`, model());
    },
  };
}
