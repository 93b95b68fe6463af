// Asks the server for what is wanted at the moment. A newer wish replaces an older one in one of two ways: it aborts
// the request that is out (typing), or, while something is dragged, it waits for its answer, so that at most one request
// is out and the picture keeps moving; of wishes that wait only the newest is asked. No wish is lost: one that waits is
// asked when the answer before it comes, when that request fails, or when it has taken too long and is given up.
import { isAborted } from "../api/client.ts";

export interface Asked<Wish, Answer> {
  answer: Answer | null;
  /** What the answer answers. */
  of: Wish | null;
  busy: boolean;
  stopped: boolean;
  error: unknown;
}

export interface Options<Wish, Answer> {
  /** Milliseconds without a newer wish before one is asked. */
  delay?: number;
  /** A newer wish waits for the answer to the one before. */
  drag?: boolean;
  /** What is known already needs no request; undefined where it is not. */
  known?: (wish: Wish) => Answer | undefined;
}

/** So many milliseconds a request may take while a newer wish waits for its end. */
export const PATIENCE = 3000;

export class Asker<Wish, Answer> {
  state: Asked<Wish, Answer> = { answer: null, of: null, busy: false, stopped: false, error: null };
  #wanted: Wish | null = null;
  #wantedKey = "";
  #out: AbortController | null = null;
  #sent = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly ask: (wish: Wish, signal: AbortSignal) => Promise<Answer>,
    private readonly show: (state: Asked<Wish, Answer>) => void,
    private readonly options: Options<Wish, Answer> = {},
  ) {}

  /** Wants the answer to this, or, with null, nothing any more. */
  want(wish: Wish | null): void {
    const key = JSON.stringify(wish);
    if (key === this.#wantedKey) return;
    this.#wanted = wish;
    this.#wantedKey = key;
    clearTimeout(this.#timer);
    if (wish === null) {
      this.#giveUp();
      this.#set({ answer: null, of: null, busy: false, stopped: false, error: null });
      return;
    }
    const known = this.options.known?.(wish);
    if (known !== undefined) {
      this.#giveUp();
      this.#set({ answer: known, of: wish, busy: false, stopped: false, error: null });
      return;
    }
    this.#set({ busy: true, stopped: false });
    if (this.options.drag === true && this.#out !== null) {
      this.#timer = setTimeout(() => this.#sendAnew(wish), Math.max(0, this.#sent + PATIENCE - performance.now()));
      return;
    }
    this.#giveUp();
    // What has nothing to show yet is asked at once; later wishes wait for the end of the typing.
    const waits = this.options.drag !== true && this.options.delay !== undefined && this.state.of !== null;
    if (waits) this.#timer = setTimeout(() => void this.#send(wish), this.options.delay);
    else void this.#send(wish);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#giveUp();
    this.#set({ busy: false, stopped: true });
  }

  /** Asks anew for what is wanted, after a stop or an error. */
  again(): void {
    if (this.#wanted === null) return;
    clearTimeout(this.#timer);
    this.#set({ busy: true, stopped: false });
    this.#sendAnew(this.#wanted);
  }

  /** Nobody looks any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#giveUp();
    this.#wantedKey = "";
  }

  #giveUp(): void {
    this.#out?.abort();
    this.#out = null;
  }

  #sendAnew(wish: Wish): void {
    this.#giveUp();
    void this.#send(wish);
  }

  async #send(wish: Wish): Promise<void> {
    const out = new AbortController();
    this.#out = out;
    this.#sent = performance.now();
    try {
      const answer = await this.ask(wish, out.signal);
      if (this.#out === out) this.#set({ answer, of: wish, error: null });
    } catch (error) {
      if (this.#out === out && !isAborted(error)) this.#set({ error });
    }
    if (this.#out !== out) return; // a newer request, or a stop, has taken over
    this.#out = null;
    clearTimeout(this.#timer);
    if (this.#wanted !== null && JSON.stringify(wish) !== this.#wantedKey) await this.#send(this.#wanted);
    else this.#set({ busy: false });
  }

  #set(change: Partial<Asked<Wish, Answer>>): void {
    this.state = { ...this.state, ...change };
    this.show(this.state);
  }
}
