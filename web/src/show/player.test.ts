import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { play } from "./player.ts";

interface Tone {
  frequency: number;
  start: number;
  stop: number;
}

let tones: Tone[];
let contexts: FakeAudio[];

class FakeAudio {
  currentTime = 0;
  destination = {};
  closed = false;
  constructor() {
    contexts.push(this);
  }
  createOscillator() {
    const tone: Tone = { frequency: 0, start: 0, stop: 0 };
    const frequency = {
      set value(value: number) {
        tone.frequency = value;
      },
    };
    return {
      frequency,
      connect: (to: unknown) => to,
      start: (time: number) => (tone.start = time),
      stop: (time: number) => {
        tone.stop = time;
        tones.push(tone);
      },
    };
  }
  createGain() {
    return { gain: { setValueAtTime() {}, linearRampToValueAtTime() {} }, connect: (to: unknown) => to };
  }
  async close() {
    this.closed = true;
  }
}

beforeEach(() => {
  tones = [];
  contexts = [];
  vi.stubGlobal("AudioContext", FakeAudio);
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Lets time pass for timers and sound alike. */
function pass(seconds: number): void {
  for (let k = 0; k < seconds * 4; k++) {
    for (const context of contexts) context.currentTime += 0.25;
    vi.advanceTimersByTime(250);
  }
}

const SCALE = Array.from({ length: 8 }, (_, k) => ({ pitch: 69 + k, start: k, duration: 1, loudness: 0.8 }));

describe("player", () => {
  it("makes tones shortly before they sound, and ends by itself", () => {
    const ended = vi.fn();
    play(SCALE, ended);
    expect(tones.length).toBeLessThan(4);
    expect(tones[0]).toMatchObject({ frequency: 440 });
    pass(20);
    expect(tones.length).toBe(8);
    for (const { start, stop } of tones) expect(stop - start).toBeCloseTo(1);
    expect(ended).toHaveBeenCalledTimes(1);
    expect(contexts[0]!.closed).toBe(true);
  });

  it("stops when asked, once", () => {
    const ended = vi.fn();
    const stop = play(SCALE, ended);
    pass(2);
    stop();
    stop();
    pass(20);
    expect(tones.length).toBeLessThan(8);
    expect(ended).toHaveBeenCalledTimes(1);
  });

  it("plays one tune at a time", () => {
    const first = vi.fn();
    play(SCALE, first);
    play(SCALE, vi.fn());
    expect(first).toHaveBeenCalledTimes(1);
    expect(contexts.map(({ closed }) => closed)).toEqual([true, false]);
  });
});
