// Undo and redo of immutable states. Changes with the same key that follow one another closely (a drag, typing) are one
// step.
const MOST = 200;
const PAUSE = 800; // milliseconds that end a run of changes

export class History<State> {
  #past: State[] = [];
  #future: State[] = [];
  #key: string | null = null;
  #time = 0;

  constructor(
    private present: State,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get state(): State {
    return this.present;
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  change(next: State, key: string | null = null): void {
    if (next === this.present) return;
    const time = this.now();
    const continues = key !== null && key === this.#key && time - this.#time < PAUSE;
    if (!continues) {
      this.#past.push(this.present);
      if (this.#past.length > MOST) this.#past.shift();
    }
    this.#future = [];
    this.#key = key;
    this.#time = time;
    this.present = next;
  }

  /** Adds to the present state what is no step of its own, such as where a map was moved to. */
  amend(next: State): void {
    this.present = next;
  }

  undo(): void {
    const before = this.#past.pop();
    if (before === undefined) return;
    this.#future.push(this.present);
    this.present = before;
    this.#key = null;
  }

  redo(): void {
    const after = this.#future.pop();
    if (after === undefined) return;
    this.#past.push(this.present);
    this.present = after;
    this.#key = null;
  }
}
