import { expect, test } from "vitest";
import type { Model } from "../api/types.ts";
import {
  analogyRequest,
  breedRequest,
  climbRequest,
  pathRequest,
  ratioRequest,
  sampleRequest,
  steerRequest,
  wantsCodes,
} from "./requests.ts";
import { newWorkspace, withInputs } from "./workspace.ts";

const model = { latent_tokens: 3, latent_size: 4, corpus: { state: "ready" } } as Model;
const fresh = newWorkspace();

test("what is not complete asks nothing", () => {
  expect(pathRequest(fresh, 0, model)).toBeNull();
  expect(ratioRequest(fresh, 0)).toBeNull();
  expect(steerRequest(fresh, 0)).toBeNull();
  expect(breedRequest(fresh, 0, model)).toBeNull();
  expect(climbRequest(withInputs(fresh, "climb", { text: "a" }), 0)).toBeNull();
  expect(analogyRequest(withInputs(fresh, "analogy", { a: "a", b: "b" }), 0, [1])).toBeNull();
  expect(sampleRequest(withInputs(fresh, "sample", { from: "near" }), 0, model)).toBeNull();
  expect(breedRequest(withInputs(fresh, "breed", { parents: ["a", "b"], weights: [0, 0] }), 0, model)).toBeNull();
});

test("a path says only what is not usual", () => {
  const state = withInputs(fresh, "path", { places: ["a", "b"], ratio: 5 });
  expect(pathRequest(state, 0, model)).toEqual({ places: [{ text: "a" }, { text: "b" }], steps: 9, codes: true });
  const other = { ...withInputs(state, "path", { kind: "lerp" }), decode: { constrain: true, candidates: 8 } };
  expect(pathRequest(other, 1, model)).toMatchObject({ model: 1, path: "lerp", decode: { candidates: 8, constrain: true } });
  expect(ratioRequest(state, 0)?.ratios).toEqual([1]); // the path ends at 1
});

test("drawn tokens do not go with search", () => {
  const state = { ...withInputs(fresh, "sample", { draw: true, temperature: 0.7 }), decode: { constrain: true, candidates: 8 } };
  expect(sampleRequest(state, 0, model)?.decode).toEqual({ constrain: true, sample: true, temperature: 0.7, top_p: 1 });
});

test("novelty is asked for only where there is a corpus", () => {
  const state = withInputs(fresh, "sample", { novelty: true });
  expect(sampleRequest(state, 0, model)?.novelty).toBe(true);
  expect(sampleRequest(state, 0, undefined)?.novelty).toBeUndefined();
});

test("latent tokens come from a parent or are mixed by the weights", () => {
  const state = withInputs(fresh, "breed", { parents: ["a", "b"], weights: [1, 0.5], by_token: true, genes: [1, -1, 7] });
  expect(breedRequest(state, 0, model)).toMatchObject({
    token_weights: [
      [0, 1],
      [1, 0.5],
      [1, 0.5],
    ],
  });
});

test("moves of zero are left out", () => {
  const state = withInputs(fresh, "steer", { text: "a", moves: { up: 0, down: -1 }, dimensions: { "2.3": 0.5, "0.0": 0 } });
  expect(steerRequest(state, 0)).toMatchObject({
    moves: [{ direction: "down", strength: -1 }],
    dimensions: [{ token: 2, index: 3, add: 0.5 }],
  });
});

test("a property is the pasted table", () => {
  const rows = Array.from({ length: 20 }, (_, i) => `x${i}\t${i}`);
  const climb = (table: string) => climbRequest(withInputs(fresh, "climb", { text: "a", by: "property", table }), 0);
  expect(climb(["text\tvalue", ...rows].join("\n"))?.property).toEqual({
    texts: rows.map((row) => row.split("\t")[0]),
    values: rows.map((_, i) => i),
  });
  expect(climb(rows.slice(1).join("\n"))).toBeNull(); // too few to learn a property from
});

test("codes of large answers stay on the server", () => {
  const large = { latent_tokens: 512, latent_size: 512 } as Model;
  expect([wantsCodes(model, 256), wantsCodes(large, 1), wantsCodes(large, 2)]).toEqual([true, true, false]);
});
