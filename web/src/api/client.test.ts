import { afterEach, expect, test, vi } from "vitest";
import { forgetAnswers, Kept, knownAnswer, postKept } from "./cached.ts";
import { ApiError, events, get, post } from "./client.ts";
import { takeTokenFromAddress, token } from "./token.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  sessionStorage.clear();
  forgetAnswers();
});

function serve(answer: () => Response) {
  const fetched = vi.fn(async (_address: string, _init: RequestInit) => answer());
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

test("a problem document becomes an error with its one line", async () => {
  const document = { type: "about:blank", title: "Unprocessable", status: 422, detail: "places: got 1, expected 2 to 8" };
  serve(() => new Response(JSON.stringify(document), { status: 422 }));
  const error = await post("/api/interpolate", { places: [{ text: "a" }] }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect((error as ApiError).message).toBe("places: got 1, expected 2 to 8");
});

test("an answer that is no problem document, and no answer, say so in words", async () => {
  serve(() => new Response("<html>", { status: 502, statusText: "Bad Gateway" }));
  await expect(get("/api/models")).rejects.toThrow("502 Bad Gateway");
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(get("/api/models")).rejects.toThrow("does not answer");
});

test("a server that is busy is asked again when it says", async () => {
  let times = 0;
  const busy = () => new Response('{"detail": "busy"}', { status: 503, headers: { "Retry-After": "0" } });
  const fetched = serve(() => (++times < 3 ? busy() : new Response('{"models": []}')));
  expect(await get("/api/models")).toEqual({ models: [] });
  expect(fetched).toHaveBeenCalledTimes(3);
  vi.stubGlobal("fetch", async () => busy());
  await expect(get("/api/models")).rejects.toThrow("busy");
});

test("the token leaves the address and goes with every request", async () => {
  history.replaceState(null, "", "/#view=map&token=s3cret");
  takeTokenFromAddress();
  expect(location.hash).toBe("#view=map");
  expect(token()).toBe("s3cret");
  const fetched = serve(() => new Response('{"models": []}'));
  await get("/api/models");
  expect((fetched.mock.calls[0]![1].headers as Headers).get("Authorization")).toBe("Bearer s3cret");
});

test("what was answered is known, until it is forgotten", async () => {
  serve(() => new Response('{"outputs": []}'));
  await postKept("/api/sample", { count: 3 });
  expect(knownAnswer("/api/sample", { count: 3 })).toEqual({ outputs: [] });
  expect(knownAnswer("/api/sample", { count: 4 })).toBeUndefined();
  forgetAnswers();
  expect(knownAnswer("/api/sample", { count: 3 })).toBeUndefined();
});

test("what was not used for longest is forgotten first", () => {
  const kept = new Kept<number>(2);
  kept.set("a", 1);
  kept.set("b", 2);
  kept.get("a");
  kept.set("c", 3);
  expect([kept.get("a"), kept.get("b"), kept.get("c")]).toEqual([1, undefined, 3]);
});

test("events are put together from pieces", async () => {
  const pieces = ["event: progress\r\ndata: {\"a\":", "1}\r\n\r\n: comment\n\nevent: end\nda", "ta: {}\n\n"];
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      controller.close();
    },
  });
  const found = [];
  for await (const event of events(stream)) found.push(event);
  expect(found).toEqual([
    { name: "progress", data: '{"a":1}' },
    { name: "end", data: "{}" },
  ]);
});
