import { expect, test, vi } from "vitest";
import { Asker } from "./asker.ts";

function server() {
  const asked: { wish: string; answer: (value: string) => void; fail: (error: Error) => void; signal: AbortSignal }[] = [];
  const ask = (wish: string, signal: AbortSignal) =>
    new Promise<string>((answer, fail) => {
      asked.push({ wish, answer, fail, signal });
      signal.addEventListener("abort", () => fail(new DOMException("aborted", "AbortError")));
    });
  return { asked, ask };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

test("while dragging at most one request is out, and the newest wish wins", async () => {
  const { asked, ask } = server();
  const asker = new Asker(ask, () => {}, { drag: true });
  for (const wish of ["a", "b", "c"]) asker.want(wish);
  expect(asked.map((one) => one.wish)).toEqual(["a"]);
  asked[0]!.answer("A");
  await settled();
  expect(asker.state).toMatchObject({ answer: "A", of: "a", busy: true });
  expect(asked.map((one) => one.wish)).toEqual(["a", "c"]);
  asked[1]!.answer("C");
  await settled();
  expect(asker.state).toMatchObject({ answer: "C", of: "c", busy: false });
});

test("typing aborts what is out and waits for its end", async () => {
  vi.useFakeTimers();
  const { asked, ask } = server();
  const asker = new Asker(ask, () => {}, { delay: 300 });
  asker.want("a");
  asked[0]!.answer("A");
  await vi.advanceTimersByTimeAsync(1);
  asker.want("ab");
  asker.want("abc");
  await vi.advanceTimersByTimeAsync(299);
  expect(asked.length).toBe(1);
  await vi.advanceTimersByTimeAsync(2);
  expect(asked.map((one) => one.wish)).toEqual(["a", "abc"]);
  asker.want("abcd");
  expect(asked[1]!.signal.aborted).toBe(true);
  expect(asker.state).toMatchObject({ answer: "A", busy: true });
  vi.useRealTimers();
});

test("a stop is no error, and the same can be asked again", async () => {
  const { asked, ask } = server();
  const asker = new Asker(ask, () => {});
  asker.want("a");
  asker.stop();
  await settled();
  expect(asker.state).toMatchObject({ busy: false, stopped: true, error: null });
  asker.again();
  asked[1]!.fail(new Error("broken"));
  await settled();
  expect(asker.state.error).toEqual(new Error("broken"));
  asker.want(null);
  expect(asker.state).toMatchObject({ answer: null, error: null, busy: false });
});
