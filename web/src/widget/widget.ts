import { MapView } from "../map/map_view.ts";
import type { Coloring } from "../map/scales.ts";
import { brief } from "../state/words.ts";
import "./widget.css";

/** What the widget of the Python package and this page of it share (python/tvae/explorer.py). */
export interface Shared {
  start: string;
  end: string;
  steps: number;
  path: string;
  projection: string;
  place: number[];
  _height: number;
  _projections: string[];
  _positions: DataView;
  _texts: string[];
  _label_names: string[];
  _label_of: DataView;
  _chosen: number[];
  _stops: Stop[];
  _here: Partial<Stop>;
  _problem: string;
  _key: string;
}

export interface Stop {
  x: number;
  y: number;
  text: string;
  /** null where the model has no check. */
  valid: boolean | null;
}

/** The part of anywidget's model that is used. */
export interface Model {
  get<Name extends keyof Shared>(name: Name): Shared[Name];
  set<Name extends keyof Shared>(name: Name, value: Shared[Name]): void;
  on(event: string, callback: () => void): void;
  off(event: string, callback: () => void): void;
  save_changes(): void;
}

const PATHS = ["slerp", "lerp", "token-slerp"];

/** Names of projections as people write them. */
const PLANES: Record<string, string> = { umap: "UMAP", pca: "principal components" };

export function floatsOf(view: DataView): Float32Array {
  // A copy, since the bytes may begin at any place of a message.
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + 4 * Math.floor(view.byteLength / 4)));
}

/** Of two clicks the first is the start and the second the end; a third begins anew. What was written is kept. */
export function nextEnds(start: string, end: string, picked: string): { start: string; end: string } {
  if (start === "") return { start: picked, end };
  return end === "" ? { start, end: picked } : { start: picked, end: "" };
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const ending: (() => void)[] = [];
  /** Runs `show` now, and whenever one of the values changes. */
  function follow(names: (keyof Shared)[], show: () => void) {
    show();
    for (const name of names) {
      model.on(`change:${name}`, show);
      ending.push(() => model.off(`change:${name}`, show));
    }
  }
  function change(values: Partial<Shared>) {
    for (const [name, value] of Object.entries(values)) model.set(name as keyof Shared, value as never);
    model.save_changes();
  }

  const field = (name: "start" | "end", label: string) => {
    const input = element("input", { type: "text", spellcheck: false, autocomplete: "off", placeholder: "a text, or a click on the map" });
    input.addEventListener("change", () => change({ [name]: input.value }));
    follow([name], () => (input.value = model.get(name)));
    return element("label", { className: "tvae-end" }, label, input);
  };
  const choice = (name: "path" | "projection", label: string, values: string[], shown: Record<string, string> = {}) => {
    const select = element("select", {}, ...values.map((value) => element("option", { value }, shown[value] ?? value)));
    select.addEventListener("change", () => change({ [name]: select.value }));
    follow([name], () => (select.value = model.get(name)));
    return element("label", {}, label, select);
  };
  const steps = element("input", { type: "range", min: "2", max: "25" });
  const count = element("output");
  steps.addEventListener("input", () => (count.value = steps.value));
  steps.addEventListener("change", () => change({ steps: Number(steps.value) }));
  follow(["steps"], () => {
    steps.value = String(model.get("steps"));
    count.value = String(model.get("steps"));
  });

  const planes = model.get("_projections");
  const ends = element("div", { className: "tvae-ends" }, field("start", "from"), field("end", "to"));
  const how = element(
    "div",
    { className: "tvae-how" },
    element("label", {}, "steps", steps, count),
    choice("path", "path", PATHS),
    ...(planes.length > 1 ? [choice("projection", "map", planes, PLANES)] : []),
  );
  const host = element("div", { className: "tvae-host" });
  host.style.height = `${model.get("_height")}px`;
  const hover = element("div", { className: "tvae-hover", hidden: true });
  hover.setAttribute("aria-hidden", "true");
  const legend = element("div", { className: "tvae-legend" });
  const here = element("div", { className: "tvae-here" });
  const problem = element("div", { className: "tvae-problem" });
  problem.setAttribute("role", "alert");
  const list = element("ol", { className: "tvae-stops", start: 0 });
  list.setAttribute("aria-label", "texts of the path");
  const root = element("div", { className: "tvae-explorer" }, ends, how, element("div", { className: "tvae-frame" }, host, hover), legend, here, problem, list);
  // A notebook takes keys for its own, unless they stop here.
  root.addEventListener("keydown", (event) => event.stopPropagation());
  // The picture that stands for this widget where it does not live (python/tvae/explorer.py).
  const hiding = element("style", { textContent: `.tvae-picture-${model.get("_key")} { display: none; }` });
  el.append(hiding, root);

  let labels: Float32Array = new Float32Array(0);
  const textOf = (point: number) => model.get("_texts")[point] ?? "";
  const labelOf = (point: number) => {
    const place = labels[point];
    return place === undefined ? "" : (model.get("_label_names")[place] ?? "");
  };
  const described = (point: number) => (labelOf(point) === "" ? textOf(point) : `${textOf(point)} (${labelOf(point)})`);
  const pick = (text: string) => change(nextEnds(model.get("start"), model.get("end"), text));

  const map: MapView = new MapView(host, {
    label: "Map of texts",
    describe: described,
    onHover: (point, at) => {
      hover.hidden = point === null || at === null;
      if (point === null || at === null) return;
      hover.textContent = brief(described(point), 160);
      hover.style.left = `${at.left}px`;
      hover.style.top = `${at.top}px`;
      hover.classList.toggle("tvae-below", at.top < 90);
    },
    onSelectPoint: (point) => {
      map.setSelected(point);
      pick(textOf(point));
    },
    onSelectPosition: (at) => change({ place: [at.x, at.y] }),
    onSelectStop: (stop) => selectStop(stop),
    onLasso: (points) => change({ _chosen: points }),
    onTheme: () => showLegend(),
  });
  ending.push(() => map.destroy());
  follow(["_chosen"], () => map.setMarked(model.get("_chosen")));

  function showLegend() {
    legend.replaceChildren(
      ...map.legend().entries.map((entry) => {
        const dot = element("span", { className: "tvae-dot" });
        dot.style.background = entry.color;
        return element("span", {}, dot, `${entry.label} ${entry.count.toLocaleString()}`);
      }),
    );
  }

  // Its colours are those of the notebook, which are known once it is part of one, and may change later.
  const themed = () => {
    map.refreshTheme();
    showLegend();
  };
  const shown = new ResizeObserver(themed);
  shown.observe(root);
  const notebook = new MutationObserver(themed);
  notebook.observe(document.body, { attributes: true, attributeFilter: ["class", "data-jp-theme-light"] });
  ending.push(() => shown.disconnect(), () => notebook.disconnect());

  follow(["_positions"], () => {
    map.setPoints(floatsOf(model.get("_positions")));
    map.setSelected(null); // a place of the plane before
  });
  follow(["_label_of"], () => {
    labels = floatsOf(model.get("_label_of"));
    const coloring: Coloring = labels.length === 0 ? { kind: "none" } : { kind: "label", values: labels, labels: model.get("_label_names") };
    map.setColor(coloring);
    showLegend();
  });
  follow(["_stops"], () => {
    const stops = model.get("_stops");
    map.setPath(stops);
    list.replaceChildren(
      ...stops.map((stop, number) => {
        const button = element("button", { type: "button", className: "tvae-text", textContent: stop.text });
        button.addEventListener("click", () => selectStop(number));
        return element("li", {}, button, ...checked(stop.valid));
      }),
    );
  });
  follow(["_here"], () => {
    const { x, y, text, valid } = model.get("_here");
    if (text === undefined) {
      here.replaceChildren();
      map.setSelected(null);
      return;
    }
    map.setSelected({ x: x!, y: y! });
    const from = element("button", { type: "button" }, "from here");
    from.addEventListener("click", () => change({ start: text }));
    const to = element("button", { type: "button" }, "to here");
    to.addEventListener("click", () => change({ end: text }));
    here.replaceChildren("there: ", element("code", { className: "tvae-text" }, text), ...checked(valid ?? null), " ", from, " ", to);
  });
  follow(["_problem"], () => (problem.textContent = model.get("_problem")));

  function selectStop(number: number) {
    const stop = model.get("_stops")[number];
    if (!stop) return;
    map.setSelected({ x: stop.x, y: stop.y });
    map.reveal({ x: stop.x, y: stop.y });
    [...list.children].forEach((item, place) => item.classList.toggle("tvae-selected", place === number));
  }

  return () => {
    for (const end of ending) end();
    root.remove();
    hiding.remove();
  };
}

/** Marks what fails the model's check. */
function checked(valid: boolean | null): HTMLElement[] {
  return valid === false ? [element("span", { className: "tvae-cross", title: "fails the model's check" }, " ✗")] : [];
}

export default { render };
