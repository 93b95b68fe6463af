// An answer of the server that follows what a component wants, for as long as the component is there.
import { untrack } from "svelte";
import { isAborted } from "../api/client.ts";
import { knownAnswer, postKept } from "../api/cached.ts";
import type { PostAnswer, PostPath, RequestBody } from "../api/types.ts";
import { Asker, type Asked, type Options } from "./asker.ts";
import { server } from "./server.svelte.ts";

/** How a request goes, and what can be done about it. */
export interface Going {
  readonly busy: boolean;
  readonly stopped: boolean;
  readonly error: unknown;
  stop(): void;
  again(): void;
}

export interface Asking<Wish, Answer> extends Going, Readonly<Asked<Wish, Answer>> {}

/** Milliseconds without a key that end a run of typing. */
export const TYPING = 350;

/** Asks in any way for what is wished; null wishes nothing. */
export function followed<Wish, Answer>(
  ask: (wish: Wish, signal: AbortSignal) => Promise<Answer>,
  wish: () => Wish | null,
  options: Options<Wish, Answer> = {},
): Asking<Wish, Answer> {
  let state = $state.raw<Asked<Wish, Answer>>({ answer: null, of: null, busy: false, stopped: false, error: null });
  const asker = new Asker<Wish, Answer>(ask, (next) => (state = next), options);
  $effect(() => {
    const wanted = wish();
    untrack(() => asker.want(wanted));
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

export function asked<P extends PostPath>(
  path: P,
  wish: () => RequestBody<P> | null,
  options: { delay?: number; drag?: boolean } = {},
): Asking<RequestBody<P>, PostAnswer<P>> {
  const asking = followed<RequestBody<P>, PostAnswer<P>>((body, signal) => postKept(path, body, signal), wish, {
    ...options,
    known: (body) => knownAnswer(path, body),
  });
  $effect(() => {
    if (server.version > 0) untrack(() => asking.of !== null && asking.again());
  });
  return asking;
}

/** What a click asks for. A newer click gives up the older one; what failed can be tried again. */
export function attempts(): Going & { run(action: (signal: AbortSignal) => Promise<void>): void } {
  let out = $state.raw<AbortController | null>(null);
  let error = $state.raw<unknown>(null);
  let last: (signal: AbortSignal) => Promise<void> = async () => {};

  async function run(action: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const working = new AbortController();
    out?.abort();
    out = working;
    last = action;
    error = null;
    try {
      await action(working.signal);
    } catch (failure) {
      if (out === working && !isAborted(failure)) error = failure;
    } finally {
      if (out === working) out = null;
    }
  }
  return {
    get busy() {
      return out !== null;
    },
    stopped: false,
    get error() {
      return error;
    },
    stop: () => out?.abort(),
    again: () => void run(last),
    run: (action) => void run(action),
  };
}

/** Several requests as one: what is wrong with any of them is said, and all that failed are asked again. */
export function together(...askings: readonly Going[]): Going {
  return {
    get busy() {
      return askings.some((asking) => asking.busy);
    },
    get stopped() {
      return askings.some((asking) => asking.stopped);
    },
    get error() {
      return askings.find((asking) => asking.error !== null)?.error ?? null;
    },
    stop: () => askings.forEach((asking) => asking.busy && asking.stop()),
    again: () => askings.forEach((asking) => (asking.stopped || asking.error !== null) && asking.again()),
  };
}
