import { describe, expect, it } from "vitest";
import { shownOf } from "./corpus.svelte.ts";

const corpus = { projections: ["pca", "umap"], labels: ["a", "b"] };

describe("shownOf", () => {
  it("takes neighbours and labels where there are some", () => {
    expect(shownOf({ projection: "auto", colour: "auto" }, corpus)).toEqual({ projection: "umap", colour: "label" });
    expect(shownOf({ projection: "auto", colour: "auto" }, { projections: ["pca"], labels: [] })).toEqual({ projection: "pca", colour: "none" });
    expect(shownOf({ projection: "auto", colour: "auto" }, undefined)).toEqual({ projection: "pca", colour: "none" });
  });
  it("keeps what was chosen", () => {
    expect(shownOf({ projection: "directions", colour: "length" }, corpus)).toEqual({ projection: "directions", colour: "length" });
  });
});
