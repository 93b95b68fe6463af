// An answer of the server that follows what a component wants, for as long as the component is there.
import { untrack } from "svelte";
import { postCached } from "../api/cached.ts";
import type { PostAnswer, PostPath, RequestBody } from "../api/types.ts";
import { Asker, type Asked } from "./asker.ts";
import { server } from "./server.svelte.ts";

export interface Asking<Wish, Answer> extends Readonly<Asked<Wish, Answer>> {
  stop(): void;
  again(): void;
}

/** Milliseconds without a key that end a run of typing. */
export const TYPING = 350;

export function asked<P extends PostPath>(
  path: P,
  wish: () => RequestBody<P> | null,
  options: { delay?: number; drag?: boolean } = {},
): Asking<RequestBody<P>, PostAnswer<P>> {
  let state = $state.raw<Asked<RequestBody<P>, PostAnswer<P>>>({
    answer: null,
    of: null,
    busy: false,
    stopped: false,
    error: null,
  });
  const asker = new Asker<RequestBody<P>, PostAnswer<P>>(
    (body, signal) => postCached(path, body, signal),
    (next) => (state = next),
    options,
  );
  $effect(() => {
    const body = wish();
    untrack(() => asker.want(body));
  });
  $effect(() => {
    if (server.version > 0) untrack(() => state.of !== null && asker.again());
  });
  $effect(() => () => asker.close());
  return {
    get answer() {
      return state.answer;
    },
    get of() {
      return state.of;
    },
    get busy() {
      return state.busy;
    },
    get stopped() {
      return state.stopped;
    },
    get error() {
      return state.error;
    },
    stop: () => asker.stop(),
    again: () => asker.again(),
  };
}
