import { expect, test } from "vitest";
import { densityAt, healthOf } from "./report.ts";

test("a report of some sections, and none", () => {
  const health = healthOf({
    reconstruction: { exact_match: 0.93, exact_match_95: [0.92, 0.95], bleu: 1 },
    shape: { active_units: 5, latent_dims: 6, dimensions: { mean: [0, 1], std: [1, 1], skew: [0, 0], kurtosis: [3, 3] } },
    skipped: { probe: "no labels" },
  });
  expect(health.groups.map((group) => group.title)).toEqual(["Reading back"]);
  expect(health.groups[0]!.figures[0]).toMatchObject({ value: 0.93, interval: [0.92, 0.95], share: true });
  expect(health.moments?.mean).toEqual([0, 1]);
  expect(health.skipped).toEqual([["probe", "no labels"]]);
  expect(healthOf(null)).toMatchObject({ groups: [], moments: null, holes: [] });
});

test("the density of four moments is a density", () => {
  expect(densityAt(0, 0, 1)).toBeCloseTo(0.39894, 4);
  let area = 0;
  for (let x = -8; x < 8; x += 0.01) area += densityAt(x, 0.3, 1.2, 0.3, 3.4) * 0.01;
  expect(area).toBeCloseTo(1, 2);
});
