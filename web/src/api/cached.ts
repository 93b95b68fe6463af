// Answers of the last requests. The same request gives the same answer (everything random has a seed), so going back,
// undoing and changing the view show at once what was there before.
import { post } from "./client.ts";
import type { PostAnswer, PostPath, RequestBody } from "./types.ts";

const KEPT = 100;
const answers = new Map<string, unknown>();

export async function postCached<P extends PostPath>(
  path: P,
  body: RequestBody<P>,
  signal?: AbortSignal,
): Promise<PostAnswer<P>> {
  const key = path + JSON.stringify(body);
  if (answers.has(key)) {
    const known = answers.get(key) as PostAnswer<P>;
    answers.delete(key); // and in again, as the youngest
    answers.set(key, known);
    return known;
  }
  const answer = await post(path, body, signal);
  answers.set(key, answer);
  if (answers.size > KEPT) answers.delete(answers.keys().next().value!);
  return answer;
}

/** What was answered before is no longer so: a direction or the corpus has changed. */
export function forgetAnswers(): void {
  answers.clear();
}
