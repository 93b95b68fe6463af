import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MapView, type MapOptions } from "./map_view.ts";

// What jsdom lacks: layout, and pictures. The pictures have tests of their own and are looked at in a browser.
beforeEach(() => {
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(800);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(400);
});

afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));

/** Points at the corners and in the middle of a square. On the screen they are at 220 and 580, 20 and 380. */
const XY = Float32Array.from([-1, -1, 1, -1, -1, 1, 1, 1, 0, 0]);

function mapOf(options: MapOptions = {}) {
  const map = new MapView(document.body, options);
  map.setPoints(XY);
  const stage = document.querySelector<HTMLElement>(".tvae-map-stage")!;
  const pointer = (type: string, x: number, y: number, more: PointerEventInit = {}) =>
    stage.dispatchEvent(
      new PointerEvent(type, { clientX: x, clientY: y, pointerId: 1, pointerType: "mouse", bubbles: true, ...more }),
    );
  const click = (x: number, y: number) => {
    pointer("pointerdown", x, y);
    pointer("pointerup", x, y);
  };
  const key = (name: string, more: KeyboardEventInit = {}) =>
    stage.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...more }));
  return { map, stage, pointer, click, key };
}

describe("map", () => {
  it("says what it shows", () => {
    const { map, stage } = mapOf({ label: "Lines of Python" });
    expect(stage.getAttribute("role")).toBe("application");
    expect(stage.getAttribute("aria-label")).toBe("Lines of Python: 5 points.");
    map.setFilter(Uint8Array.from([1, 0, 0, 0, 1]));
    expect(map.visibleCount).toBe(2);
    expect(stage.getAttribute("aria-label")).toBe("Lines of Python: 2 of 5 points visible.");
    map.setAxes({ x: "exception", y: "length" });
    expect(stage.getAttribute("aria-label")).toContain("Across: exception; upwards: length.");
    for (const button of document.querySelectorAll("button")) expect(button.getAttribute("aria-label")).toBeTruthy();
  });

  it("tells the point and the place under the pointer", async () => {
    const onHover = vi.fn();
    const { pointer } = mapOf({ onHover });
    pointer("pointermove", 582, 21);
    await frame();
    expect(onHover).toHaveBeenLastCalledWith(3, expect.objectContaining({ left: 582, top: 21 }));
    pointer("pointermove", 500, 100);
    await frame();
    expect(onHover).toHaveBeenLastCalledWith(null, expect.objectContaining({ left: 500 }));
    pointer("pointerleave", 0, 0);
    await frame();
    expect(onHover).toHaveBeenLastCalledWith(null, null);
  });

  it("selects the point that is clicked, and else the place", () => {
    const onSelectPoint = vi.fn();
    const onSelectPosition = vi.fn();
    const { click } = mapOf({ onSelectPoint, onSelectPosition });
    click(402, 203);
    expect(onSelectPoint).toHaveBeenCalledWith(4);
    click(490, 200);
    expect(onSelectPosition.mock.calls[0]![0].x).toBeCloseTo(0.5);
    expect(onSelectPosition.mock.calls[0]![0].y).toBeCloseTo(0);
    expect(onSelectPoint).toHaveBeenCalledTimes(1);
  });

  it("takes a double click for one click, and zooms", () => {
    vi.stubGlobal("matchMedia", (query: string) => ({ matches: query.includes("reduce"), addEventListener() {} }));
    const onSelectPosition = vi.fn();
    const { map, click, pointer } = mapOf({ onSelectPosition });
    click(490, 200);
    click(490, 200);
    pointer("dblclick", 490, 200);
    expect(onSelectPosition).toHaveBeenCalledTimes(1);
    expect(map.view.zoom).toBeCloseTo(2.56);
  });

  it("passes over points that the filter or the legend hides", () => {
    const onSelectPoint = vi.fn();
    const { map, click } = mapOf({ onSelectPoint });
    map.setFilter(Uint8Array.from([1, 1, 1, 1, 0]));
    click(400, 200);
    map.setColor({ kind: "label", values: Float32Array.from([0, 0, 0, 1, 1]), labels: ["a", "b"] });
    map.setHiddenEntries([map.legend().entries.find(({ label }) => label === "a")!.slot]);
    click(220, 380);
    expect(onSelectPoint).not.toHaveBeenCalled();
    click(580, 20);
    expect(onSelectPoint).toHaveBeenCalledWith(3);
  });

  it("moves with a drag, and doesn't take it for a click", () => {
    const onSelectPosition = vi.fn();
    const { pointer, click } = mapOf({ onSelectPosition });
    pointer("pointerdown", 300, 100);
    pointer("pointermove", 350, 100);
    pointer("pointermove", 390, 110);
    pointer("pointerup", 390, 110);
    expect(onSelectPosition).not.toHaveBeenCalled();
    click(490, 110);
    expect(onSelectPosition.mock.calls[0]![0].x).toBeCloseTo(0);
    expect(onSelectPosition.mock.calls[0]![0].y).toBeCloseTo(0.5555, 3);
  });

  it("zooms with two fingers around their middle", () => {
    const onSelectPosition = vi.fn();
    const { pointer, click } = mapOf({ onSelectPosition });
    pointer("pointerdown", 350, 100, { pointerId: 1 });
    pointer("pointerdown", 450, 100, { pointerId: 2 });
    pointer("pointermove", 300, 100, { pointerId: 1 });
    pointer("pointermove", 500, 100, { pointerId: 2 });
    pointer("pointerup", 300, 100, { pointerId: 1 });
    pointer("pointerup", 500, 100, { pointerId: 2 });
    expect(onSelectPosition).not.toHaveBeenCalled();
    click(490, 100);
    expect(onSelectPosition.mock.calls[0]![0].x).toBeCloseTo(0.25);
    expect(onSelectPosition.mock.calls[0]![0].y).toBeCloseTo(0.5555, 3);
  });

  it.each(["shift", "mode"])("lists the points in a lasso drawn by %s", (way) => {
    const onLasso = vi.fn();
    const { map, pointer } = mapOf({ onLasso });
    if (way === "mode") document.querySelector<HTMLButtonElement>("[aria-label='Select by outline']")!.click();
    const shift = { shiftKey: way === "shift" };
    pointer("pointerdown", 150, 5, shift);
    for (const [x, y] of [[450, 5], [450, 300], [150, 300]] as const) pointer("pointermove", x, y, shift);
    pointer("pointerup", 150, 300, shift);
    expect(onLasso).toHaveBeenCalledWith([2, 4]);
    map.setLassoMode(false);
    expect(document.querySelector("[aria-pressed]")!.getAttribute("aria-pressed")).toBe("false");
  });

  it("keeps the outline until nothing is marked any more, and Escape ends it", () => {
    const onLasso = vi.fn();
    const { map, pointer, key } = mapOf({ onLasso });
    pointer("pointerdown", 150, 5, { shiftKey: true });
    for (const [x, y] of [[450, 5], [450, 300], [150, 300]] as const) pointer("pointermove", x, y, { shiftKey: true });
    pointer("pointerup", 150, 300, { shiftKey: true });
    map.setMarked(onLasso.mock.calls[0]![0]);
    expect(key("Escape")).toBe(false);
    expect(onLasso).toHaveBeenLastCalledWith([]);
    map.setMarked([]);
    expect(key("Escape")).toBe(true); // there is nothing left to end
  });

  it("is walked by arrow keys, from the middle to the neighbours, and read aloud", async () => {
    const onHover = vi.fn();
    const onSelectPoint = vi.fn();
    const { key } = mapOf({ onHover, onSelectPoint, describe: async (point) => `the text of ${point}` });
    key("ArrowUp");
    expect(onHover).toHaveBeenLastCalledWith(4, expect.objectContaining({ left: 400, top: 200 }));
    key("ArrowRight");
    await frame();
    key("Enter");
    expect(onSelectPoint).toHaveBeenCalledTimes(1);
    const reached = onSelectPoint.mock.calls[0]![0];
    expect([1, 3]).toContain(reached);
    expect(document.querySelector("[aria-live]")!.textContent).toBe(`the text of ${reached}`);
    key("Escape");
    expect(onHover).toHaveBeenLastCalledWith(null, null);
  });

  it("zooms and goes back by keys and buttons", async () => {
    vi.stubGlobal("matchMedia", (query: string) => ({ matches: query.includes("reduce"), addEventListener() {} }));
    const onSelectPosition = vi.fn();
    const { key, click } = mapOf({ onSelectPosition });
    let row = 100;
    const look = () => click(490, (row += 40));
    const places = () => onSelectPosition.mock.calls.map(([at]) => Number(at.x.toFixed(3)));
    key("+");
    look();
    key("-");
    look();
    key("ArrowLeft", { shiftKey: true });
    look();
    document.querySelector<HTMLButtonElement>("[aria-label='Show everything']")!.click();
    look();
    expect(places()).toEqual([0.313, 0.5, 0.056, 0.5]);
    expect(key("a")).toBe(true);
    expect(key("0")).toBe(false);
  });

  it("says which part is seen, and shows a part that it is told", async () => {
    const onView = vi.fn();
    const { map, click, key } = mapOf({ onView });
    map.setView({ x: 1, y: 1, zoom: 4 });
    expect(map.view).toEqual({ x: 1, y: 1, zoom: 4 });
    click(400, 200);
    expect(onView).not.toHaveBeenCalled();
    key("+");
    await vi.waitFor(() => expect(onView).toHaveBeenCalledTimes(1));
    expect(onView.mock.calls[0]![0].zoom).toBeCloseTo(6.4);
  });

  it("tells which stop of the path is clicked", () => {
    const onSelectStop = vi.fn();
    const { map, click } = mapOf({ onSelectStop });
    map.setPath([
      { x: 0.5, y: 0, text: "a" },
      { x: 0.5, y: 0.5, text: "b" },
    ]);
    click(491, 108);
    expect(onSelectStop).toHaveBeenCalledWith(1);
  });

  it("keeps filter and colours for another projection of the same points", () => {
    const { map } = mapOf();
    map.setColor({ kind: "label", values: Float32Array.from([0, 0, 0, 1, 1]), labels: ["a", "b"] });
    map.setFilter(Uint8Array.from([1, 0, 0, 0, 1]));
    map.setPoints(XY.map((value) => 3 * value));
    expect(map.visibleCount).toBe(2);
    expect(map.legend().entries.map(({ label }) => label)).toEqual(["a", "b"]);
    map.setPoints(new Float32Array(4));
    expect(map.visibleCount).toBe(2);
    map.setPoints(new Float32Array(0));
    expect(map.visibleCount).toBe(0);
  });

  it("leaves nothing behind", async () => {
    const onHover = vi.fn();
    const { map, stage, pointer } = mapOf({ onHover });
    pointer("pointermove", 400, 200);
    map.destroy();
    await frame();
    expect(document.body.children.length).toBe(0);
    stage.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp" }));
    expect(onHover).not.toHaveBeenCalled();
  });
});
