// The one state of the page: the workspace with its history, kept in the address and, for reloads, in the tab.
import type { Output, PathPoint } from "../api/types.ts";
import { fragmentOf, withFragment } from "./address.ts";
import { History } from "./history.ts";
import { sessionOf, sessionText } from "./session.ts";
import {
  newWorkspace,
  outputPoint,
  placedWhereEmpty,
  samePoint,
  textPoint,
  toggledGallery,
  usedAs,
  withInputs,
  type Inputs,
  type Point,
  type Role,
  type View,
  type Workspace,
} from "./workspace.ts";

const KEY = "tvae.session";

class Page {
  #history = new History(newWorkspace());
  #address: ReturnType<typeof setTimeout> | undefined;
  #shownView: View | null = null;
  workspace = $state.raw<Workspace>(this.#history.state);
  canUndo = $state(false);
  canRedo = $state(false);
  /** The path that was last walked, for the map. */
  path = $state.raw<{ model: 0 | 1; points: readonly PathPoint[] }>({ model: 0, points: [] });
  /** Read aloud and shown for a moment: what a press of a button has done. */
  notice = $state("");

  /** Begins with what this tab had before a reload, and what its address shows. */
  start(): void {
    let before = newWorkspace();
    try {
      const kept = sessionStorage.getItem(KEY);
      if (kept !== null) before = sessionOf(kept);
    } catch {
      // What cannot be read is left; the page begins anew.
    }
    this.#history = new History(withFragment(before, location.hash.slice(1)));
    this.#show();
    addEventListener("popstate", () => {
      this.change((now) => withFragment(now, location.hash.slice(1)));
      this.#shownView = this.workspace.view; // it is in the browser's history already
    });
    addEventListener("pagehide", () => this.#keep());
  }

  /** Makes a change that can be undone; changes of one key in quick succession are undone as one. */
  change(make: (now: Workspace) => Workspace, key: string | null = null): void {
    this.#history.change(make(this.#history.state), key);
    this.#show();
  }

  set<V extends View>(view: V, change: Partial<Inputs[V]>, key: string | null = null): void {
    this.change((now) => withInputs(now, view, change), key === null ? null : `${view}.${key}`);
  }

  /** A change that is no step of its own for undo. */
  amend<V extends View>(view: V, change: Partial<Inputs[V]>): void {
    this.#history.amend(withInputs(this.#history.state, view, change));
    this.#show();
  }

  undo(): void {
    this.#history.undo();
    this.#show();
  }

  redo(): void {
    this.#history.redo();
    this.#show();
  }

  select(point: Point | null): void {
    this.change((now) => (samePoint(now.selected, point) ? now : { ...now, selected: point }), "select");
  }

  selectOutput(output: Output, origin: string, model: 0 | 1): void {
    this.select(outputPoint(output, origin, model));
  }

  /** A text of the examples: selected, and put where the present view lacks one. */
  take(text: string, origin: string): void {
    this.change((now) => ({ ...placedWhereEmpty(now, text), selected: textPoint(text, origin, now.model) }));
  }

  use(role: Role, text: string): void {
    this.change((now) => usedAs(now, role, text));
  }

  toggleStar(point: Point): void {
    this.change((now) => toggledGallery(now, point));
  }

  isStarred(text: string): boolean {
    return this.workspace.gallery.some((kept) => kept.text === text);
  }

  saved(): string {
    return sessionText(this.workspace);
  }

  /** Throws an Error that says what is wrong with the file. */
  loadSession(file: string): void {
    const loaded = sessionOf(file);
    this.change(() => loaded);
  }

  say(notice: string): void {
    this.notice = notice;
    setTimeout(() => {
      if (this.notice === notice) this.notice = "";
    }, 4000);
  }

  #show(): void {
    this.workspace = this.#history.state;
    this.canUndo = this.#history.canUndo;
    this.canRedo = this.#history.canRedo;
    // Browsers allow some hundred changes of the address in half a minute; a drag makes more.
    clearTimeout(this.#address);
    this.#address = setTimeout(() => this.#writeAddress(), 200);
  }

  #writeAddress(): void {
    const fragment = `#${fragmentOf(this.workspace)}`;
    const newView = this.#shownView !== null && this.#shownView !== this.workspace.view;
    this.#shownView = this.workspace.view;
    if (fragment !== location.hash) {
      if (newView) history.pushState(null, "", fragment);
      else history.replaceState(null, "", fragment);
    }
  }

  #keep(): void {
    try {
      sessionStorage.setItem(KEY, this.saved());
    } catch {
      // Too much for the tab's storage: after a reload only the address is left.
    }
  }
}

export const page = new Page();
