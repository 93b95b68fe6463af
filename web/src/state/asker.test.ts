import { expect, test, vi } from "vitest";
import { Asker, PATIENCE } from "./asker.ts";

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

test("what is known is shown at once, without a request", async () => {
  const { asked, ask } = server();
  const asker = new Asker(ask, () => {}, { known: (wish) => (wish === "a" ? "A" : undefined) });
  asker.want("a");
  expect(asker.state).toMatchObject({ answer: "A", of: "a", busy: false });
  asker.want("b");
  asker.want("a");
  expect(asked[0]!.signal.aborted).toBe(true);
  await settled();
  expect(asker.state).toMatchObject({ answer: "A", of: "a", busy: false, error: null });
});

test("a wish that waits is asked when the request before it fails, or never ends", async () => {
  vi.useFakeTimers();
  const { asked, ask } = server();
  const asker = new Asker(ask, () => {}, { drag: true });
  asker.want("a");
  asker.want("b");
  asked[0]!.fail(new Error("broken"));
  await vi.advanceTimersByTimeAsync(1);
  expect(asked.map((one) => one.wish)).toEqual(["a", "b"]);
  asker.want("c");
  asker.want("d");
  await vi.advanceTimersByTimeAsync(PATIENCE);
  expect(asked.map((one) => one.wish)).toEqual(["a", "b", "d"]);
  expect(asked[1]!.signal.aborted).toBe(true);
  asked[2]!.answer("D");
  await vi.advanceTimersByTimeAsync(PATIENCE);
  expect(asker.state).toMatchObject({ answer: "D", of: "d", busy: false, error: null });
  expect(asked.length).toBe(3);
  vi.useRealTimers();
});

test("however wishes, answers, failures, stops and new attempts follow one another, the newest wish is answered", async () => {
  vi.useFakeTimers();
  let state = 7;
  const random = (below: number) => (state = (state * 48271) % 2147483647) % below;
  for (const options of [{}, { drag: true }, { delay: 20 }]) {
    for (let round = 0; round < 100; round++) {
      const { asked, ask } = server();
      const asker = new Asker(ask, () => {}, options);
      let newest = "";
      for (let step = 0; step < 30; step++) {
        const one = asked[random(asked.length + 1)];
        const deed = random(8);
        if (deed < 4) asker.want((newest = `wish ${random(4)}`));
        else if (deed === 4) one?.answer(one.wish);
        else if (deed === 5) one?.fail(new Error("broken"));
        else if (deed === 6) asker.stop();
        else asker.again();
        await vi.advanceTimersByTimeAsync(random(3) * 15);
      }
      if (newest === "") asker.want((newest = "wish"));
      if (asker.state.stopped || asker.state.error !== null) asker.again();
      for (let turn = 0; turn < 3; turn++) {
        await vi.advanceTimersByTimeAsync(30);
        asked.forEach((one) => one.answer(one.wish));
      }
      await vi.advanceTimersByTimeAsync(30);
      expect(asker.state).toMatchObject({ answer: newest, of: newest, busy: false, stopped: false });
    }
  }
  vi.useRealTimers();
});
