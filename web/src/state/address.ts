// The present view as the part of the address behind #, which stays in the browser and has no limit of length that
// matters. Texts stand there, codes do not: a code is read from its text again.
import { readFields, writeFields } from "./fields.ts";
import { DECODE_FIELDS, FIELDS, VIEWS, textPoint, type View, type Workspace } from "./workspace.ts";

export function fragmentOf(workspace: Workspace): string {
  const words = new URLSearchParams({ view: workspace.view });
  if (workspace.model !== 0) words.set("model", String(workspace.model));
  if (workspace.compare) words.set("compare", "1");
  writeFields(DECODE_FIELDS, workspace.decode, words);
  writeFields<any>(FIELDS[workspace.view], workspace.inputs[workspace.view], words);
  if (workspace.selected !== null) words.set("selected", workspace.selected.text);
  return String(words);
}

/** The workspace with the view that an address shows; unchanged where it shows none. */
export function withFragment(workspace: Workspace, fragment: string): Workspace {
  const words = new URLSearchParams(fragment);
  const view = VIEWS.find((one) => one === words.get("view"));
  if (view === undefined) return workspace;
  const model = words.get("model") === "1" ? 1 : 0;
  const selected = words.get("selected");
  return {
    ...workspace,
    view,
    model,
    compare: words.get("compare") === "1",
    decode: readFields(DECODE_FIELDS, words),
    inputs: { ...workspace.inputs, [view as View]: readFields<any>(FIELDS[view], words) },
    selected:
      selected === null
        ? null
        : workspace.selected?.text === selected
          ? workspace.selected
          : textPoint(selected, "from the address", model),
  };
}
