import { beforeEach, describe, expect, it, vi } from "vitest";
import widget, { floatsOf, nextEnds, type Model, type Shared } from "./widget.ts";

function floats(...numbers: number[]): DataView {
  return new DataView(new Float32Array(numbers).buffer);
}

class FakeModel implements Model {
  values: Shared = {
    start: "",
    end: "",
    steps: 9,
    path: "slerp",
    projection: "umap",
    place: [],
    _height: 300,
    _projections: ["umap", "pca"],
    _positions: floats(0, 0, 1, 0, 0, 1),
    _texts: ["x = 1", "import os", "return x"],
    _label_names: ["assign", "import"],
    _label_of: floats(0, 1, 0),
    _chosen: [],
    _stops: [],
    _here: {},
    _problem: "",
    _key: "k1",
  };
  saved = 0;
  listeners = new Map<string, Set<() => void>>();

  get<Name extends keyof Shared>(name: Name) {
    return this.values[name];
  }
  set<Name extends keyof Shared>(name: Name, value: Shared[Name]) {
    this.values[name] = value;
    this.listeners.get(`change:${name}`)?.forEach((listener) => listener());
  }
  on(event: string, callback: () => void) {
    this.listeners.set(event, (this.listeners.get(event) ?? new Set()).add(callback));
  }
  off(event: string, callback: () => void) {
    this.listeners.get(event)?.delete(callback);
  }
  save_changes() {
    this.saved++;
  }
}

describe("nextEnds", () => {
  it("takes the start, then the end, then begins anew", () => {
    expect(nextEnds("", "", "a")).toEqual({ start: "a", end: "" });
    expect(nextEnds("a", "", "b")).toEqual({ start: "a", end: "b" });
    expect(nextEnds("a", "b", "c")).toEqual({ start: "c", end: "" });
    expect(nextEnds("", "b", "c")).toEqual({ start: "c", end: "b" });
  });
});

describe("floatsOf", () => {
  it("reads numbers that begin at any byte", () => {
    const bytes = new Uint8Array(13);
    bytes.set(new Uint8Array(new Float32Array([1.5, -2]).buffer), 3);
    expect([...floatsOf(new DataView(bytes.buffer, 3, 8))]).toEqual([1.5, -2]);
  });
});

describe("the widget", () => {
  let model: FakeModel;
  let el: HTMLElement;
  let remove: () => void;

  beforeEach(() => {
    vi.stubGlobal("ResizeObserver", class { observe() {} disconnect() {} });
    vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(null);
    model = new FakeModel();
    el = document.createElement("div");
    document.body.replaceChildren(el);
    remove = widget.render({ model, el });
  });

  it("tells Python what is typed, and shows what Python sets", () => {
    const [start, end] = el.querySelectorAll<HTMLInputElement>(".tvae-ends input");
    start!.value = "x = 2";
    start!.dispatchEvent(new Event("change"));
    expect(model.values.start).toBe("x = 2");
    expect(model.saved).toBe(1);
    model.set("end", "import os");
    expect(end!.value).toBe("import os");
  });

  it("hides its own picture and no other", () => {
    expect(el.querySelector("style")!.textContent).toContain(".tvae-picture-k1 ");
  });

  it("keeps keys to itself", () => {
    const heard = vi.fn();
    document.body.addEventListener("keydown", heard);
    for (const part of ["input", "select", ".tvae-map-stage"]) {
      el.querySelector(part)!.dispatchEvent(new KeyboardEvent("keydown", { key: "x", bubbles: true }));
    }
    expect(heard).not.toHaveBeenCalled();
  });

  it("lists the texts of the path as they are, and marks those that fail the check", () => {
    model.set("_stops", [
      { x: 0, y: 0, text: "<b>x</b>", valid: true },
      { x: 1, y: 1, text: "x = (", valid: false },
    ]);
    const items = [...el.querySelectorAll(".tvae-stops li")].map((item) => item.textContent);
    expect(items).toEqual(["<b>x</b>", "x = ( ✗"]);
  });

  it("offers the text of a place as an end of the path", () => {
    model.set("_here", { x: 0.5, y: 0.5, text: "y = 3", valid: null });
    const [from, to] = el.querySelectorAll<HTMLButtonElement>(".tvae-here button");
    from!.click();
    expect(model.values.start).toBe("y = 3");
    to!.click();
    expect(model.values.end).toBe("y = 3");
  });

  it("shows the legend and what went wrong", () => {
    expect(el.querySelector(".tvae-legend")!.textContent).toBe("assign 2import 1");
    model.set("_problem", "a text too long");
    expect(el.querySelector("[role=alert]")!.textContent).toBe("a text too long");
  });

  it("leaves nothing behind", () => {
    remove();
    expect(el.childElementCount).toBe(0);
    expect([...model.listeners.values()].every((listeners) => listeners.size === 0)).toBe(true);
  });
});
