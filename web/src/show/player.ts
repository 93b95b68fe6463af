/** A note that sounds. */
export interface Note {
  /** As in MIDI: 69 is a' with 440 Hz, 12 are an octave. */
  pitch: number;
  /** In seconds from the beginning. */
  start: number;
  duration: number;
  /** From 0 to 1. */
  loudness: number;
}

/** Oscillators are made this long before they sound, so that a long tune doesn't make thousands at once. */
const AHEAD_SECONDS = 1;
const TICK_MILLISECONDS = 250;
const ATTACK_SECONDS = 0.015;
const RELEASE_SECONDS = 0.06;
const LOUDNESS = 0.2;

/** One tune at a time: who begins to play stops the one before. */
let current: { stop(): void } | null = null;

/** Plays notes with the browser's own oscillators. The result stops them; `ended` is called once, however it ends. */
export function play(notes: readonly Note[], ended: () => void): () => void {
  current?.stop();
  const audio = new AudioContext();
  const begin = audio.currentTime + 0.1;
  const last = notes.reduce((end, note) => Math.max(end, note.start + note.duration), 0);
  let next = 0;
  const schedule = () => {
    const now = audio.currentTime - begin;
    for (; next < notes.length && notes[next]!.start < now + AHEAD_SECONDS; next++) sound(audio, notes[next]!, begin);
    if (now > last + RELEASE_SECONDS) playing.stop();
  };
  const timer = window.setInterval(schedule, TICK_MILLISECONDS);
  let stopped = false;
  const playing = {
    stop() {
      if (stopped) return;
      stopped = true;
      window.clearInterval(timer);
      if (current === playing) current = null;
      // Closing the context silences all that is scheduled.
      void audio.close();
      ended();
    },
  };
  current = playing;
  schedule();
  return () => playing.stop();
}

function sound(audio: AudioContext, note: Note, begin: number): void {
  const start = begin + note.start;
  const end = start + Math.max(note.duration, ATTACK_SECONDS + RELEASE_SECONDS);
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.type = "triangle";
  oscillator.frequency.value = 440 * 2 ** ((note.pitch - 69) / 12);
  // Without ramps each note would begin and end with a click.
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(LOUDNESS * note.loudness, start + ATTACK_SECONDS);
  gain.gain.setValueAtTime(LOUDNESS * note.loudness, end - RELEASE_SECONDS);
  gain.gain.linearRampToValueAtTime(0, end);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(end);
}
