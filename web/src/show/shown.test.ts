import { fireEvent, render, waitFor } from "@testing-library/svelte";
import { beforeEach, describe, expect, it, vi } from "vitest";
import Shown from "./Shown.svelte";

beforeEach(() => {
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
  Object.assign(SVGElement.prototype, { getBBox: () => ({ x: 0, y: 0, width: 10, height: 10 }) });
});

const KINDS = ["text", "python", "smiles", "abc", "image"] as const;

describe("shown", () => {
  it.each(KINDS)("takes any text as text: %s", async (show) => {
    const texts = [
      "<img src=x onerror=alert(1)><script>alert(2)</script>",
      "",
      "\u0000\u0007\u001b[31m\u202e",
      "a".repeat(100_000),
    ];
    for (const text of texts) {
      for (const compact of [false, true]) {
        const { container, unmount } = render(Shown, { text, show, compact });
        await new Promise((resolve) => setTimeout(resolve));
        expect(container.querySelector("img, script")).toBeNull();
        expect(container.innerHTML.length).toBeLessThan(50_000);
        expect(container.innerHTML).not.toContain("\u0007");
        if (text.startsWith("<img")) expect(container.textContent).toContain("<img src=x onerror=alert(1)>");
        unmount();
      }
    }
  });

  it("adds nothing to the text", () => {
    const text = "  def f(x):\n\treturn x  ";
    const { container } = render(Shown, { text, show: "python" });
    expect(container.querySelector(".words")!.textContent).toBe(text);
  });

  it("marks what changed", () => {
    const { container } = render(Shown, { text: "the red fox", before: "the brown fox", show: "text" });
    expect(container.querySelector("ins")!.textContent).toBe("red");
    expect(container.querySelector("del")!.textContent).toBe("brown");
  });

  it("colours Python, the changed parts too", async () => {
    const { container, rerender } = render(Shown, { text: "return 1", before: "return 2", show: "python" });
    await waitFor(() => expect(container.querySelector(".keyword")!.textContent).toBe("return"));
    expect(container.querySelector("ins .number")!.textContent).toBe("1");
    await rerender({ text: "pass", before: undefined });
    await waitFor(() => expect(container.querySelector(".keyword")!.textContent).toBe("pass"));
    expect(container.querySelector("ins")).toBeNull();
  });

  it("shows all of a long text when asked", async () => {
    const text = "word ".repeat(10_000);
    const { container, getByRole } = render(Shown, { text, show: "text" });
    expect(container.querySelector(".words")!.textContent!.length).toBe(20_000);
    await fireEvent.click(getByRole("button"));
    expect(container.querySelector(".words")!.textContent).toBe(text);
  });

  it("draws molecules, and says where it cannot", async () => {
    const { container, rerender } = render(Shown, { text: "CCO", show: "smiles" });
    await waitFor(() => expect(container.querySelector("svg")).not.toBeNull());
    expect(container.querySelector("[role=img]")!.getAttribute("aria-label")).toBe("Molecule CCO");
    await rerender({ text: "CC(" });
    await waitFor(() => expect(container.textContent).toContain("not drawable"));
    expect(container.querySelector("svg")).toBeNull();
    expect(container.textContent).toContain("CC(");
  });

  it("draws tunes with a button to play them", async () => {
    const { container, findByRole, rerender } = render(Shown, { text: "X:1\nK:C\nCDE|", show: "abc" });
    expect((await findByRole("button")).textContent).toContain("Play");
    expect(container.querySelector("svg")).not.toBeNull();
    await rerender({ text: "no tune" });
    await waitFor(() => expect(container.textContent).toContain("no notes to draw"));
  });

  it("draws images with a sentence for those who don't see them", () => {
    const { container } = render(Shown, { text: "00 down ! a\n01 down a !", show: "image" });
    expect(container.querySelector("[role=img]")!.getAttribute("aria-label")).toContain("2 by 2");
    const wrong = render(Shown, { text: "00 down ! a", show: "image" });
    expect(wrong.container.textContent).toContain("not an image");
  });
});
