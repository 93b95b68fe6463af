// Asks the server for what is wanted at the moment. A newer wish replaces an older one in one of two ways: it aborts
// the request that is out (typing), or, while something is dragged, it waits for its answer, so that at most one request
// is out and the picture keeps moving; of wishes that wait only the newest is asked.
import { isAborted } from "../api/client.ts";

export interface Asked<Wish, Answer> {
  answer: Answer | null;
  /** What the answer answers. */
  of: Wish | null;
  busy: boolean;
  stopped: boolean;
  error: unknown;
}

export class Asker<Wish, Answer> {
  state: Asked<Wish, Answer> = { answer: null, of: null, busy: false, stopped: false, error: null };
  #wanted: Wish | null = null;
  #wantedKey = "";
  #out: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly ask: (wish: Wish, signal: AbortSignal) => Promise<Answer>,
    private readonly show: (state: Asked<Wish, Answer>) => void,
    private readonly options: { delay?: number; drag?: boolean } = {},
  ) {}

  /** Wants the answer to this, or, with null, nothing any more. */
  want(wish: Wish | null): void {
    const key = JSON.stringify(wish);
    if (key === this.#wantedKey) return;
    this.#wanted = wish;
    this.#wantedKey = key;
    clearTimeout(this.#timer);
    if (wish === null) {
      this.#out?.abort();
      this.#out = null;
      this.#set({ answer: null, of: null, busy: false, stopped: false, error: null });
      return;
    }
    this.#set({ busy: true, stopped: false });
    if (this.options.drag === true) {
      if (this.#out === null) void this.#send(wish);
      return;
    }
    this.#out?.abort();
    this.#out = null;
    // What has nothing to show yet is asked at once; later wishes wait for the end of the typing.
    if (this.state.of === null || this.options.delay === undefined) void this.#send(wish);
    else this.#timer = setTimeout(() => void this.#send(wish), this.options.delay);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#out?.abort();
    this.#out = null;
    this.#set({ busy: false, stopped: true });
  }

  /** Asks anew for what is wanted, after a stop or an error. */
  again(): void {
    if (this.#wanted === null) return;
    this.#out?.abort();
    this.#set({ busy: true, stopped: false });
    void this.#send(this.#wanted);
  }

  /** Nobody looks any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#out?.abort();
    this.#out = null;
    this.#wantedKey = "";
  }

  async #send(wish: Wish): Promise<void> {
    const out = new AbortController();
    this.#out = out;
    try {
      const answer = await this.ask(wish, out.signal);
      if (this.#out === out) this.#set({ answer, of: wish, error: null });
    } catch (error) {
      if (this.#out === out && !isAborted(error)) this.#set({ error });
    }
    if (this.#out !== out) return; // a newer request, or a stop, has taken over
    this.#out = null;
    const newest = this.#wanted;
    if (newest !== null && newest !== wish && JSON.stringify(wish) !== this.#wantedKey) await this.#send(newest);
    else this.#set({ busy: false });
  }

  #set(change: Partial<Asked<Wish, Answer>>): void {
    this.state = { ...this.state, ...change };
    this.show(this.state);
  }
}
