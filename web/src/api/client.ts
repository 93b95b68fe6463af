// The server's HTTP API, typed by its contract. Every call takes an AbortSignal: a request that nobody waits for any
// more is aborted, and the server then stops the work.
import type { GetAnswer, GetPath, Job, PostAnswer, PostPath, Problem, RequestBody } from "./types.ts";
import { token } from "./token.ts";

/** What the server says is wrong (RFC 9457), or what kept the page from reaching it. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = "ApiError";
  }
}

export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Whatever was thrown, as one line for a person. */
export function lineOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function problem(status: number, title: string, detail: string): Problem {
  return { type: "about:blank", status, title, detail };
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const found = (await response.json()) as Partial<Problem>;
    if (typeof found.detail === "string") return found as Problem;
  } catch {
    // Not a problem document: what lies between this page and the server has answered.
  }
  return problem(response.status, response.statusText, `The server answered ${response.status} ${response.statusText}.`);
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  const secret = token();
  if (secret !== null) headers.set("Authorization", `Bearer ${secret}`);
  for (let attempt = 1; ; attempt++) {
    let response: Response;
    try {
      response = await fetch(`.${path}`, { ...init, headers, cache: "no-store" });
    } catch (error) {
      if (isAborted(error)) throw error;
      throw new ApiError(problem(599, "Unreachable", "The server does not answer. Is tvae serve still running?"));
    }
    if (response.ok) return response;
    const seconds = Number(response.headers.get("Retry-After") ?? NaN);
    if (response.status !== 503 || attempt === ATTEMPTS || !(seconds <= LONGEST_WAIT)) throw new ApiError(await problemOf(response));
    await pause(seconds, init.signal ?? null);
  }
}

// A server with too much to do says when to come again.
const ATTEMPTS = 3;
const LONGEST_WAIT = 10; // seconds

function pause(seconds: number, signal: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    });
  });
}

export type Query = Record<string, string | number | undefined>;

function withQuery(path: string, query: Query): string {
  const entries = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries)}`;
}

export async function get<P extends GetPath>(path: P, query: Query = {}, signal?: AbortSignal): Promise<GetAnswer<P>> {
  return (await send(withQuery(path, query), { signal: signal ?? null })).json() as Promise<GetAnswer<P>>;
}

export async function post<P extends PostPath>(path: P, body: RequestBody<P>, signal?: AbortSignal): Promise<PostAnswer<P>> {
  const response = await send(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
  return response.json() as Promise<PostAnswer<P>>;
}

/** Numbers of the map, which come as little-endian float32: a hundred thousand points are too many for JSON. */
export async function getFloats(
  path: "/api/map/points" | "/api/map/values",
  query: Query,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const buffer = await (await send(withQuery(path, query), { signal: signal ?? null })).arrayBuffer();
  return new Float32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
}

export async function deleteDirection(name: string, model: number): Promise<void> {
  await send(withQuery(`/api/directions/${encodeURIComponent(name)}`, { model }), { method: "DELETE" });
}

export async function getJob(id: string, signal?: AbortSignal): Promise<Job> {
  return (await send(`/api/jobs/${encodeURIComponent(id)}`, { signal: signal ?? null })).json() as Promise<Job>;
}

export async function cancelJob(id: string): Promise<Job> {
  return (await send(`/api/jobs/${encodeURIComponent(id)}`, { method: "DELETE" })).json() as Promise<Job>;
}

/** Follows a job until its end. EventSource cannot send a token, so the events are read from a fetched stream. */
export async function followJob(id: string, onProgress: (job: Job) => void, signal?: AbortSignal): Promise<Job> {
  const response = await send(`/api/jobs/${encodeURIComponent(id)}/events`, { signal: signal ?? null });
  if (response.body !== null) {
    for await (const event of events(response.body)) {
      const job = JSON.parse(event.data) as Job;
      onProgress(job);
      if (event.name === "end") return job;
    }
  }
  return getJob(id, signal);
}

export interface ServerEvent {
  name: string;
  data: string;
}

/** The events of a text/event-stream. */
export async function* events(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true }).replaceAll("\r", "");
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const event = eventOf(text.slice(0, end));
        text = text.slice(end + 2);
        if (event !== null) yield event;
      }
    }
  } finally {
    void reader.cancel().catch(() => {}); // a stream that nobody reads would hold one of the browser's few connections
  }
}

function eventOf(block: string): ServerEvent | null {
  let name = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return data.length === 0 ? null : { name, data: data.join("\n") };
}
