// What the page shows of report.json. A report may be of some sections only, so everything is looked for.

type Json = Record<string, unknown>;

export interface Figure {
  name: string;
  /** What the figure means, in a few words. */
  means: string;
  value: number;
  interval: [number, number] | null;
  /** The same at length, in plain words; "" where the few say it. */
  more: string;
  /** How it is written: a share as a percentage, else a number. */
  share: boolean;
}

export interface FigureGroup {
  title: string;
  figures: Figure[];
}

export interface HolePoint {
  radius: number;
  valid?: number;
  valid_95?: [number, number];
  unchanged?: number;
  unchanged_95?: [number, number];
}

export interface Moments {
  mean: number[];
  std: number[];
  skew: number[];
  kurtosis: number[];
}

export interface Health {
  groups: FigureGroup[];
  verdict: string[];
  activeUnits: number | null;
  dims: number | null;
  holes: HolePoint[];
  holeUnit: string;
  moments: Moments | null;
  texts: number | null;
  /** The file that they are of; empty where the report does not say. */
  file: string;
  skipped: [section: string, reason: string][];
}

function json(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.filter((entry): entry is number => typeof entry === "number") : [];
}

/** Names of figures and sections that not everybody knows, in plain words. */
const MEANINGS: Record<string, string> = {
  active_units: "Numbers of the code that change with the text; the others are noise and could be left out",
  mmd2: "Maximum mean discrepancy, squared: how different drawn codes are from what the prior draws. 0 is no difference",
  mmd2_sampled: "Maximum mean discrepancy, squared: how different drawn codes are from what the prior draws. 0 is no difference",
  elbo: "Evidence lower bound: what a text costs at most, reading its code and then writing it, in nats. Less is better",
  rec: "What it costs to write the text once its code is known, in nats",
  kl: "What it costs to say the code, in nats: how far codes lie from the prior",
  posterior_std: "How exactly a text's code is known: near 0 a text has one point, at 1 its code could be anywhere the prior is",
  rate_nats: "How much a code says of its text; 1 nat is 1.44 bits",
  probe: "How well labels can be told from codes, by a simple classifier trained on some of them",
};

export function meaningOf(name: string): string {
  return MEANINGS[name] ?? "";
}

type Wanted = readonly [key: string, name: string, means: string, share: boolean];

const RECONSTRUCTION: Wanted[] = [
  ["exact_match", "exact", "of texts come back exactly", true],
  ["searched_exact_match", "exact, with search", "of texts come back exactly, best of several", true],
  ["exact_match_short", "exact, short", "of texts of at most 15 tokens", true],
  ["exact_match_long", "exact, long", "of longer texts", true],
  ["token_accuracy", "tokens", "of tokens are right", true],
  ["edit_similarity", "similarity", "by edits of characters", true],
];
const INTERPOLATION: Wanted[] = [
  ["valid", "valid on paths", "of texts between two texts", true],
  ["searched_valid", "valid on paths, with search", "best of several", true],
  ["midpoint_valid", "valid midway", "of texts at the middle of paths", true],
  ["distinct_per_path", "different texts a path", "of eleven", false],
  ["smoothness", "smoothness", "1: every step changes equally much", false],
  ["largest_step", "largest step", "of a path's whole change", true],
];
const SAMPLES: Wanted[] = [
  ["valid", "valid", "of texts", true],
  ["searched_valid", "valid, with search", "best of several", true],
  ["novel", "novel", "not among the training texts", true],
  ["unique", "unique", "of texts are different", true],
];
const SHAPE: Wanted[] = [
  ["rate_nats", "rate", "nats that a code tells of its text", false],
  ["posterior_std", "posterior deviation", "1 would be the prior's", false],
  ["effective_rank", "effective rank", "directions that codes really use", false],
  ["cycle_cosine", "cycle cosine", "between a code and that of its text", false],
  ["mmd2_sampled", "distance to the prior", "MMD² of sampled codes", false],
];
const LANGUAGE: Wanted[] = [
  ["elbo", "cost", "nats a text (negative ELBO)", false],
  ["rec", "reconstruction", "nats a text", false],
  ["kl", "KL", "nats a text", false],
  ["ppl", "perplexity", "a token, by importance sampling", false],
];

function figures(section: unknown, wanted: Wanted[]): Figure[] {
  const given = json(section);
  return wanted.flatMap(([key, name, means, share]) => {
    const value = number(given[key]);
    if (value === null) return [];
    const [low, high] = numbers(given[`${key}_95`]);
    return [{ name, means, more: meaningOf(key), value, share, interval: low === undefined || high === undefined ? null : [low, high] }];
  });
}

export function healthOf(report: unknown): Health {
  const all = json(report);
  const shape = json(all.shape);
  const prior = json(all.prior);
  const dimensions = json(shape.dimensions);
  const moments: Moments = {
    mean: numbers(dimensions.mean),
    std: numbers(dimensions.std),
    skew: numbers(dimensions.skew),
    kurtosis: numbers(dimensions.kurtosis),
  };
  const groups: FigureGroup[] = [
    { title: "Reading back", figures: figures(all.reconstruction, RECONSTRUCTION) },
    { title: "Between two texts", figures: figures(all.interpolation, INTERPOLATION) },
    { title: "Drawn from the fitted prior", figures: figures(prior.fitted, SAMPLES) },
    { title: "Drawn from N(0, 1)", figures: figures(prior.normal, SAMPLES) },
    { title: "Shape of the space", figures: figures(shape, SHAPE) },
    { title: "As a language model", figures: figures(all.language_model, LANGUAGE) },
  ];
  return {
    groups: groups.filter((group) => group.figures.length > 0),
    verdict: Array.isArray(all.verdict) ? all.verdict.filter((line): line is string => typeof line === "string") : [],
    activeUnits: number(shape.active_units),
    dims: number(shape.latent_dims),
    holes: Array.isArray(shape.hole_curve) ? (shape.hole_curve as HolePoint[]).filter((point) => number(point.radius) !== null) : [],
    holeUnit: typeof shape.hole_curve_unit === "string" ? shape.hole_curve_unit : "",
    moments: moments.mean.length > 0 && moments.std.length === moments.mean.length ? moments : null,
    texts: number(json(all.data).n),
    file: typeof json(all.data).path === "string" ? (json(all.data).path as string) : "",
    skipped: Object.entries(json(all.skipped)).map(([section, reason]) => [section, String(reason)]),
  };
}

/**
 * A density with these first four moments, at x: the Gram-Charlier series, cut at 0 where it would be negative.
 * Kurtosis is that of a normal distribution at 3.
 */
export function densityAt(x: number, mean: number, std: number, skew = 0, kurtosis = 3): number {
  const z = (x - mean) / std;
  const bell = Math.exp((-z * z) / 2) / (std * Math.sqrt(2 * Math.PI));
  const third = (skew / 6) * (z ** 3 - 3 * z);
  const fourth = ((kurtosis - 3) / 24) * (z ** 4 - 6 * z * z + 3);
  return Math.max(0, bell * (1 + third + fourth));
}
