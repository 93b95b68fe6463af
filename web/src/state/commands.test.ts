// @ts-expect-error: the types of the page know no Node, which only this test needs.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { commandsFor, shellQuoted } from "./commands.ts";

const target = { folder: "python_lines", server: "http://127.0.0.1:8000", hasToken: false };

test("words survive a shell", () => {
  for (const word of ["x = 1", "it's", "", "$HOME `ls` \"q\" \\", "a\nb", "日本", "!history", "*", "~", "a=b"]) {
    const line = `printf '%s' ${shellQuoted(word)}`;
    expect(execFileSync("sh", ["-c", line], { encoding: "utf8" })).toBe(word);
  }
});

test("a path", () => {
  const body = {
    places: [{ text: "x = 1" }, { text: "it's" }, { text: "-y" }],
    steps: 5,
    path: "lerp" as const,
    decode: { candidates: 8, constrain: true },
  };
  const commands = commandsFor("/api/interpolate", body, target);
  expect(commands.shell).toBe(
    "tvae interpolate python_lines --from 'x = 1' --to 'it'\\''s' --steps 5 --path lerp --candidates 8 --constrain\n" +
      "tvae interpolate python_lines --from 'it'\\''s' --to=-y --steps 5 --path lerp --candidates 8 --constrain",
  );
  expect(commands.python).toBe(
    'import tvae\n\nmodel = tvae.load("python_lines")\n' +
      'model.interpolate("x = 1", "it\'s", steps=5, path="lerp", candidates=8, constrain=True)\n' +
      'model.interpolate("it\'s", "-y", steps=5, path="lerp", candidates=8, constrain=True)',
  );
  expect(commands.curl).toContain("curl -s http://127.0.0.1:8000/api/interpolate");
});

test("samples, near a text and from a prior, drawn and not", () => {
  expect(commandsFor("/api/sample", { count: 3, near: { text: "a b" }, radius: 2, seed: 7 }, target).shell).toBe(
    "tvae sample python_lines -n 3 --near 'a b' --radius 2 --seed 7",
  );
  const drawn = { count: 3, prior: "normal" as const, prior_scale: 0.5, decode: { sample: true, temperature: 0.8, top_p: 0.9 } };
  expect(commandsFor("/api/sample", drawn, target).shell).toBe(
    "tvae sample python_lines -n 3 --prior normal --prior-scale 0.5 --temperature 0.8 --top-p 0.9",
  );
  expect(commandsFor("/api/sample", drawn, target).python).toContain(
    'model.sample(3, prior="normal", prior_scale=0.5, temperature=0.8, top_p=0.9)',
  );
});

test("one direction is a verb, several are Python", () => {
  const one = { place: { text: "x" }, moves: [{ direction: "return", strength: -1.5 }] };
  expect(commandsFor("/api/steer", one, target).shell).toBe(
    "tvae direction python_lines apply --name return --text x --strength=-1.5",
  );
  const two = { ...one, dimensions: [{ token: 2, index: 5, add: 1 }] };
  expect(commandsFor("/api/steer", two, target).shell).toBeNull();
  expect(commandsFor("/api/steer", two, target).python).toContain(
    'code = model.encode("x")\ncode = code + -1.5 * model.direction("return").step\ncode[2, 5] += 1\nmodel.decode(code)',
  );
});

test("texts that look like lists stay as they are in Python", () => {
  const { python } = commandsFor("/api/mix", { places: [{ text: 'f(1,2) "," ' }, { text: "b" }], weights: [1, 0.5] }, target);
  expect(python).toContain('model.mix(["f(1,2) \\",\\" ", "b"], weights=[1, 0.5])');
});

test("a token is named, never shown", () => {
  const { curl } = commandsFor("/api/sample", {}, { ...target, hasToken: true });
  expect(curl).toContain("$TVAE_TOKEN");
});
