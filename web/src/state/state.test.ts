import { expect, test } from "vitest";
import { fragmentOf, withFragment } from "./address.ts";
import { History } from "./history.ts";
import { sessionOf, sessionText } from "./session.ts";
import {
  childTaken,
  fullFor,
  newWorkspace,
  outputPoint,
  placedWhereEmpty,
  steppedTo,
  textPoint,
  toggledGallery,
  usedAs,
  VIEWS,
  withInputs,
  type Workspace,
} from "./workspace.ts";

function filled(): Workspace {
  let state = newWorkspace();
  state = withInputs(state, "path", { places: ["x = 'a' & #1", "日本 + 🎵", "a\nb"], kind: "lerp", steps: 5, ratio: 1.25 });
  state = withInputs(state, "steer", { text: "x", moves: { return: 1.5, "a.b-c": -2 }, dimensions: { "0.12": 0.5 } });
  state = withInputs(state, "breed", { parents: ["a", "b"], weights: [1, 0.5], genes: [-1, 0, 1], by_token: true });
  state = withInputs(state, "map", { projection: "directions", x: "return", y: "import", hidden: ["a,b", "c"], seen: [-1.5, 2e-7, 3] });
  return { ...state, compare: true, model: 1, decode: { constrain: true, candidates: 8 }, selected: textPoint("s = 1", "typed", 1) };
}

test("an address gives back the view that it shows", () => {
  for (const view of VIEWS) {
    const state = { ...filled(), view };
    const back = withFragment(newWorkspace(), fragmentOf(state));
    expect(back.view).toBe(view);
    expect(back.inputs[view]).toEqual(state.inputs[view]);
    expect([back.model, back.compare, back.decode]).toEqual([state.model, state.compare, state.decode]);
    expect(back.selected?.text).toBe("s = 1");
  }
});

test("an address holds only what differs from the beginning", () => {
  expect(fragmentOf(newWorkspace())).toBe("view=path");
});

test("an address that was tampered with gives a state that can be", () => {
  const state = withFragment(newWorkspace(), "view=path&steps=1e9&ratio=abc&kind=zigzag&candidates=-3&places=a");
  expect(state.inputs.path).toEqual({ places: ["a", ""], kind: "slerp", steps: 101, ratio: 0.5 });
  expect(state.decode.candidates).toBe(1);
  expect(withFragment(state, "view=nowhere")).toBe(state);
});

test("a session holds everything", () => {
  let state = filled();
  const output = { text: "y", valid: true, searched: false, confidence: 0.9, log_density: -3, unlikeliness: 0, code: [[1, 2]] };
  state = toggledGallery(state, outputPoint(output, "sample", 0));
  state = childTaken(state, "child");
  state = {
    ...state,
    lassos: [[1, 2], [3]],
    directions: [
      { name: "d", method: "mean", label: null, positive: ["a"], negative: ["b"], positivePoints: [1], negativePoints: [] },
    ],
  };
  expect(sessionOf(sessionText(state))).toEqual(state);
});

test("what is no session is refused in words, and damaged parts are left out", () => {
  expect(() => sessionOf("nothing")).toThrow("no JSON");
  expect(() => sessionOf("{}")).toThrow("no session");
  expect(() => sessionOf('{"kind": "tvae session", "version": 9}')).toThrow("version 9");
  const damaged = sessionOf('{"kind": "tvae session", "version": 1, "gallery": [1, {"text": "a", "code": [[1], [2, 3]]}], "inputs": 3}');
  expect(damaged.gallery).toEqual([{ text: "a", origin: "from a session", model: 0, facts: null, code: null }]);
});

test("undo and redo; a drag is one step", () => {
  let time = 0;
  const history = new History("a", () => time);
  history.change("b");
  history.change("c1", "drag");
  time = 100;
  history.change("c2", "drag");
  time = 5000;
  history.change("d", "drag");
  history.undo();
  expect(history.state).toBe("c2");
  history.undo();
  expect(history.state).toBe("b");
  history.redo();
  expect(history.state).toBe("c2");
  history.change("e");
  expect(history.canRedo).toBe(false);
  history.undo();
  history.undo();
  history.undo();
  history.undo();
  expect([history.state, history.canUndo]).toEqual(["a", false]);
});

test("texts go where a view wants them", () => {
  let state = usedAs(newWorkspace(), "next", "one");
  state = usedAs(state, "next", "two");
  state = usedAs(state, "next", "three");
  expect(state.inputs.path.places).toEqual(["one", "two", "three"]);
  state = usedAs(state, "end", "last");
  expect(state.inputs.path.places).toEqual(["one", "two", "last"]);
  state = usedAs(usedAs(state, "parent", "p"), "parent", "q");
  expect(state.inputs.breed).toMatchObject({ parents: ["p", "q"], weights: [1, 1] });
  expect(state.view).toBe("breed");
  state = { ...state, view: "analogy" };
  for (const text of ["1", "2", "3", "4"]) state = placedWhereEmpty(state, text);
  expect(state.inputs.analogy).toMatchObject({ a: "1", b: "2", c: "3" });
});

test("a list without room says so, and keeps what it holds", () => {
  let state = newWorkspace();
  for (const text of ["a", "b", "c", "d"]) {
    expect(fullFor(state, "parent")).toBe("");
    state = usedAs(state, "parent", text);
  }
  expect(fullFor(state, "parent")).toMatch("four parents");
  expect(usedAs(state, "parent", "e").inputs.breed.parents).toEqual(["a", "b", "c", "d"]);
  expect(fullFor(state, "next")).toBe("");
});

test("what is searched on the map is not out of the picture", () => {
  const state = usedAs(withInputs(newWorkspace(), "map", { seen: [1, 2, 3] }), "search", "x");
  expect(state.inputs.map).toMatchObject({ search: "x", seen: [] });
});

test("a text or direction that a file names twice is there once", () => {
  const point = { text: "a", origin: "o" };
  const file = { kind: "tvae session", version: 1, gallery: [point, { ...point, origin: "p" }, { text: "b" }], directions: [{ name: "d" }, { name: "d" }] };
  const session = sessionOf(JSON.stringify(file));
  expect(session.gallery.map(({ text, origin }) => [text, origin])).toEqual([
    ["a", "o"],
    ["b", "from a session"],
  ]);
  expect(session.directions.length).toBe(1);
});

test("a family can be stepped back, and branches", () => {
  let state = withInputs(newWorkspace(), "breed", { parents: ["a", "b"], weights: [1, 2] });
  state = childTaken(state, "ab");
  state = childTaken(state, "abc");
  expect(state.inputs.breed.parents).toEqual(["abc"]);
  state = steppedTo(state, 2, "parents");
  expect(state.inputs.breed.parents).toEqual(["ab"]);
  state = childTaken(state, "other");
  expect(state.family.generations.map(({ id, from, child }) => [id, from, child])).toEqual([
    [1, null, "ab"],
    [2, 1, "abc"],
    [3, 1, "other"],
  ]);
  state = steppedTo(state, 1, "parents");
  expect(state.inputs.breed).toMatchObject({ parents: ["a", "b"], weights: [1, 2] });
});
