// Answers of the last requests. The same request gives the same answer (everything random has a seed), so going back,
// undoing and changing the view show at once what was there before.
import { post } from "./client.ts";
import type { PostAnswer, PostPath, RequestBody } from "./types.ts";

/** The last things that were asked for, of which the one that was not used for longest goes first. */
export class Kept<Value> {
  readonly #values = new Map<string, Value>();

  constructor(private readonly most: number) {}

  get(key: string): Value | undefined {
    const known = this.#values.get(key);
    if (known !== undefined) this.set(key, known); // as the youngest
    return known;
  }

  set(key: string, value: Value): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.most) this.#values.delete(this.#values.keys().next().value!);
  }

  clear(): void {
    this.#values.clear();
  }
}

const answers = new Kept<unknown>(100);

/** The answer to a request that was made before. */
export function knownAnswer<P extends PostPath>(path: P, body: RequestBody<P>): PostAnswer<P> | undefined {
  return answers.get(path + JSON.stringify(body)) as PostAnswer<P> | undefined;
}

export async function postKept<P extends PostPath>(path: P, body: RequestBody<P>, signal?: AbortSignal): Promise<PostAnswer<P>> {
  const answer = await post(path, body, signal);
  answers.set(path + JSON.stringify(body), answer);
  return answer;
}

/** What was answered before is no longer so: a direction or the corpus has changed. */
export function forgetAnswers(): void {
  answers.clear();
}
