import { expect, test } from "vitest";
import { deviations, distance, few, invalidMeaning, validMeaning } from "./words.ts";

test("few digits, of which a distance has no power of ten", () => {
  expect([0.84, 12.34, -1234, 6e-8].map(few)).toEqual(["0.84", "12.3", "−1,234", "6.0e−8"]);
  expect([6e-8, 0, 0.5, 12.34].map(distance)).toEqual(["0.00", "0.00", "0.50", "12.3"]);
});

test("deviations below typical draws are said where there are some", () => {
  expect([0, 0.001, 1.5].map(deviations)).toEqual(["", "", "1.50 deviations below typical draws"]);
});

test("what a check means is said in words, for checks that are not known too", () => {
  expect(invalidMeaning("python")).toMatch("not a complete Python statement");
  expect(validMeaning("smiles")).toMatch("molecule");
  expect([validMeaning("none"), invalidMeaning(undefined)]).toEqual(["the text passes the model's check", "fails the model's check"]);
});
