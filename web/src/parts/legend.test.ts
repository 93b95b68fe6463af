import { expect, test } from "vitest";
import { hiddenSlots, namesOf } from "./legend.ts";

test("a label that is called other stays apart from the rest", () => {
  const entries = ["if", "other", "other"].map((label, slot) => ({ label, slot, color: "", count: 1 }));
  const legend = { kind: "label" as const, name: "", entries, ramp: null };
  expect(namesOf(legend)).toEqual(["if", "other", "other (rest)"]);
  expect(hiddenSlots(legend, ["other"])).toEqual([1]);
  expect(hiddenSlots(legend, ["other (rest)", "if"])).toEqual([0, 2]);
});
