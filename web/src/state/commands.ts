// The same as a command: what a request of this page is in a shell, in Python, and as HTTP.
import type { DecodeOptions, PostPath, RequestBody } from "../api/types.ts";

export interface Commands {
  /** Null where no verb of the program does it. */
  shell: string | null;
  python: string | null;
  curl: string;
  /** What the lines need or leave out, a sentence each. */
  notes: string[];
}

export interface Target {
  /** The model's folder, as far as the server tells it. */
  folder: string;
  /** The server's address, such as http://127.0.0.1:8000 */
  server: string;
  hasToken: boolean;
}

/** Quoted for a POSIX shell; left bare where nothing in it has a meaning there. */
export function shellQuoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A flag with its value; a value that begins like a flag has to hang on its own. */
function flag(name: string, value: string | number): string {
  const word = shellQuoted(String(value));
  return String(value).startsWith("-") ? `${name}=${word}` : `${name} ${word}`;
}

/** A Python literal. JSON's strings and numbers are Python's too. */
function literal(value: string | number | readonly (string | number)[]): string {
  return Array.isArray(value) ? `[${value.map(literal).join(", ")}]` : JSON.stringify(value);
}

const SEED = 42;

function decodeFlags(options: DecodeOptions | undefined, seed: number | undefined): string[] {
  const { candidates = 1, search_radius = 1, constrain = false, sample = false, temperature = 1, top_k = 0, top_p = 1 } =
    options ?? {};
  return [
    ...(candidates > 1 ? [flag("--candidates", candidates)] : []),
    ...(candidates > 1 && search_radius !== 1 ? [flag("--search-radius", search_radius)] : []),
    ...(constrain ? ["--constrain"] : []),
    ...(sample ? [flag("--temperature", temperature)] : []),
    ...(sample && top_k > 0 ? [flag("--top-k", top_k)] : []),
    ...(sample && top_p < 1 ? [flag("--top-p", top_p)] : []),
    ...(seed !== undefined && seed !== SEED ? [flag("--seed", seed)] : []),
  ];
}

function decodeArguments(options: DecodeOptions | undefined, seed: number | undefined): string[] {
  const { candidates = 1, search_radius = 1, constrain = false, sample = false, temperature = 1, top_k = 0, top_p = 1 } =
    options ?? {};
  return [
    ...(candidates > 1 ? [`candidates=${candidates}`] : []),
    ...(candidates > 1 && search_radius !== 1 ? [`search_radius=${search_radius}`] : []),
    ...(constrain ? ["constrain=True"] : []),
    ...(sample ? [`temperature=${temperature}`] : []),
    ...(sample && top_k > 0 ? [`top_k=${top_k}`] : []),
    ...(sample && top_p < 1 ? [`top_p=${top_p}`] : []),
    ...(seed !== undefined && seed !== SEED ? [`seed=${seed}`] : []),
  ];
}

function textOf(place: { text?: string } | undefined): string {
  return place?.text ?? "";
}

type Lines = Omit<Commands, "curl">;

/** What writes the lines of each address; one that is missing has only its curl line. */
const WRITERS: { [P in PostPath]?: (body: RequestBody<P>, folder: string) => Lines } = {
  "/api/interpolate": ({ places, steps = 11, path = "slerp", decode, seed }, folder) => {
    const pairs = places.slice(1).map((place, i) => [textOf(places[i]), textOf(place)] as const);
    const flags = [
      flag("--steps", steps),
      ...(path === "slerp" ? [] : [flag("--path", path)]),
      ...decodeFlags(decode, seed),
    ].join(" ");
    const shell = pairs.map(([from, to]) => `tvae interpolate ${folder} ${flag("--from", from)} ${flag("--to", to)} ${flags}`);
    const rest = [`steps=${steps}`, ...(path === "slerp" ? [] : [`path=${literal(path)}`]), ...decodeArguments(decode, seed)];
    const python = pairs.map(([from, to]) => `model.interpolate(${[literal(from), literal(to), ...rest].join(", ")})`);
    return { shell: shell.join("\n"), python: python.join("\n"), notes: [] };
  },

  "/api/sample": ({ count = 20, prior, prior_scale = 1, near, radius = 1, novelty, decode, seed }, folder) => {
    const flags = [
      flag("-n", count),
      ...(near !== undefined
        ? [flag("--near", textOf(near)), flag("--radius", radius)]
        : [
            ...(prior !== undefined ? [flag("--prior", prior)] : []),
            ...(prior_scale !== 1 ? [flag("--prior-scale", prior_scale)] : []),
          ]),
      ...decodeFlags(decode, seed),
    ];
    const given = [
      String(count),
      ...(near !== undefined
        ? [`near=${literal(textOf(near))}`, `radius=${radius}`]
        : [
            ...(prior !== undefined ? [`prior=${literal(prior)}`] : []),
            ...(prior_scale !== 1 ? [`prior_scale=${prior_scale}`] : []),
          ]),
      ...decodeArguments(decode, seed),
    ];
    return {
      shell: `tvae sample ${folder} ${flags.join(" ")}`,
      python: `model.sample(${given.join(", ")})`,
      notes: novelty === true ? ["The nearest texts of the corpus: tvae neighbors."] : [],
    };
  },

  "/api/analogy": ({ a, b, c, strengths = [1], decode, seed }, folder) => {
    const texts = [a, b, c].map(textOf);
    const flags = [flag("--strength", strengths.join(",")), ...decodeFlags(decode, seed)].join(" ");
    const given = [...texts.map((text) => literal(text)), `strength=${literal(strengths)}`, ...decodeArguments(decode, seed)];
    const dashes = texts.some((text) => text.startsWith("-")) ? "-- " : "";
    return {
      shell: `tvae analogy ${flags} ${folder} ${dashes}${texts.map(shellQuoted).join(" ")}`,
      python: `model.analogy(${given.join(", ")})`,
      notes: [],
    };
  },

  "/api/mix": ({ places, weights, token_weights, count = 1, decode, seed }, _folder) => {
    const notes = count > 1 ? ["The first child, the mix itself; those with noise come over HTTP only."] : [];
    if (token_weights !== undefined) return { shell: null, python: mixedByToken(), notes };
    const given = [
      literal(places.map(textOf)),
      ...(weights === undefined ? [] : [`weights=${literal(weights)}`]),
      ...decodeArguments(decode, seed),
    ];
    return { shell: null, python: `model.mix(${given.join(", ")})`, notes };

    function mixedByToken(): string {
      const rows = token_weights!.map((row) => literal(row)).join(", ");
      return [
        "import numpy as np",
        `codes = model.encode(${literal(places.map(textOf))})          # [parents, latent tokens, latent size]`,
        `weights = np.array([${rows}], "float32")`,
        "weights /= weights.sum(1, keepdims=True)",
        `model.decode(${['np.einsum("kp,pkd->kd", weights, codes)', ...decodeArguments(decode, seed)].join(", ")})`,
      ].join("\n");
    }
  },

  "/api/steer": ({ place, moves = [], dimensions = [], decode, seed }, folder) => {
    const only = moves.length === 1 && dimensions.length === 0 ? moves[0]! : null;
    const given = decodeArguments(decode, seed);
    const python = [
      `code = model.encode(${literal(textOf(place))})`,
      ...moves.map((move) => `code = code + ${move.strength} * model.direction(${literal(move.direction)}).step`),
      ...dimensions.map((one) => `code[${one.token}, ${one.index}] += ${one.add}`),
      `model.decode(${["code", ...given].join(", ")})`,
    ];
    const flags = only === null ? [] : [flag("--name", only.direction), flag("--text", textOf(place)), flag("--strength", only.strength)];
    return {
      shell: only === null ? null : `tvae direction ${folder} apply ${[...flags, ...decodeFlags(decode, seed)].join(" ")}`,
      python: python.join("\n"),
      notes: [],
    };
  },

  "/api/optimize": (body, folder) => {
    const { place, direction, property, steps = 100, step_size = 0.1, prior_weight = 1, text_weight = 0.3 } = body;
    const flags = [
      flag("--text", textOf(place)),
      direction !== undefined ? flag("--direction", direction) : flag("--property", "property.tsv"),
      ...(steps !== 100 ? [flag("--steps", steps)] : []),
      ...(step_size !== 0.1 ? [flag("--step-size", step_size)] : []),
      ...(prior_weight !== 1 ? [flag("--prior-weight", prior_weight)] : []),
      ...(text_weight !== 0.3 ? [flag("--text-weight", text_weight)] : []),
      ...(body.downhill === true ? ["--downhill"] : []),
      ...decodeFlags(body.decode, body.seed),
    ];
    const given = [
      literal(textOf(place)),
      direction !== undefined ? `model.direction(${literal(direction)})` : "(texts, values)",
      ...(steps !== 100 ? [`steps=${steps}`] : []),
      ...(step_size !== 0.1 ? [`step_size=${step_size}`] : []),
      ...(prior_weight !== 1 ? [`prior_weight=${prior_weight}`] : []),
      ...(text_weight !== 0.3 ? [`text_weight=${text_weight}`] : []),
      ...(body.downhill === true ? ["downhill=True"] : []),
      ...decodeArguments(body.decode, body.seed),
    ];
    return {
      shell: `tvae optimize ${folder} ${flags.join(" ")}`,
      python: `model.optimize(${given.join(", ")})`,
      notes:
        property === undefined
          ? []
          : ["property.tsv holds the table: a text, a tab and a number a line. texts and values are its columns."],
    };
  },

  "/api/neighbors": ({ places, count = 10 }, folder) => ({
    shell: places
      .map((place) => `tvae neighbors ${folder} ${flag("--corpus", "corpus.txt")} -n ${count} -- ${shellQuoted(textOf(place))}`)
      .join("\n"),
    python: `index = model.index(open("corpus.txt").read().splitlines())\nindex.query(${literal(places.map(textOf))}, n=${count})`,
    notes: ["corpus.txt is the file that tvae serve was given with --corpus."],
  }),

  "/api/reconstruct": ({ texts, decode, seed }, folder) => ({
    shell: `printf '%s\\n' ${texts.map(shellQuoted).join(" ")} | tvae reconstruct ${[folder, ...decodeFlags(decode, seed)].join(" ")}`,
    python: `model.reconstruct(${[literal(texts), ...decodeArguments(decode, seed)].join(", ")})`,
    notes: [],
  }),

  "/api/jobs": ({ samples = 500, sections = [] }, folder) => ({
    shell: `tvae eval ${folder} --samples ${samples}${sections.length > 0 ? ` --only ${sections.join(",")}` : ""}`,
    python: `model.evaluate(samples=${samples}${sections.length > 0 ? `, only=${literal(sections)}` : ""})`,
    notes: [],
  }),

  "/api/directions": ({ name, method = "mean", label }, folder) => ({
    shell: `tvae direction ${folder} fit ${flag("--name", name)} --positive positive.txt --negative negative.txt${method === "mean" ? "" : ` --method ${method}`}`,
    python: `model.fit_direction(${literal(name)}, positive, negative${method === "mean" ? "" : `, method=${literal(method)}`})`,
    notes: [
      label === undefined
        ? "positive.txt and negative.txt hold the two lists, a text a line."
        : `positive.txt holds the texts with the label ${label}, negative.txt the others.`,
    ],
  }),
};

export function commandsFor<P extends PostPath>(path: P, body: RequestBody<P>, target: Target): Commands {
  const write = WRITERS[path];
  const lines: Lines =
    write === undefined ? { shell: null, python: null, notes: [] } : write(body, shellQuoted(target.folder));
  const code = JSON.stringify(body).includes('"code":['); // codes can be sent over HTTP only
  return {
    shell: code ? null : lines.shell,
    python: lines.python === null || code ? null : `import tvae\n\nmodel = tvae.load(${literal(target.folder)})\n${lines.python}`,
    curl: curlLine(path, body, target),
    notes: lines.notes,
  };
}

function curlLine(path: string, body: unknown, target: Target): string {
  const secret = target.hasToken ? ` \\\n  -H "Authorization: Bearer $TVAE_TOKEN"` : "";
  const json = shellQuoted(JSON.stringify(body));
  return `curl -s ${shellQuoted(target.server + path)}${secret} \\\n  -H 'Content-Type: application/json' \\\n  -d ${json}`;
}
