#!/usr/bin/env python3
"""Ablations of the recipe at equal compute: trains, fits a prior, evaluates, and prints one table (see README.md)."""

import argparse
import fcntl
import json
import math
import pathlib
import statistics
import subprocess
import sys

# What every row starts from: `lines_small` with a budget of --steps optimizer steps.
BASE = {
    "train.warmup_steps": 50,
    "train.eval_steps": 0,
    "train.previews": "false",
    "train.save_steps": 100,
    "loss.kl.target": 80,
    "loss.kl.free_bits": 0,
    "loss.encoder_token_mask": 0.1,
    "loss.decoder_token_mask": 0.2,
    "loss.decoder_token_mask_end": 1,
    "train.ema_decay": 0.99,
}
MMD = {"loss.regularizer": "mmd", "loss.regularizer_schedule": "linear", "loss.kl.target": 0}
DETERMINISTIC = {"model.posterior": "deterministic", "model.inject_latent": "false", "loss.kl.target": 0,
                 "loss.encoder_token_mask": 0, "loss.decoder_token_mask": 0}
PUBLISHED_MMD = {"loss.regularizer": "mmd_published", "loss.regularizer_schedule": "sigmoid",
                 "loss.schedule.k": 0.0025, "loss.schedule.b": 6.25}

# Row -> (what it says in the table, keys that differ from BASE). "steps" scales the budget of a row whose model costs
# more or less a token than the others'.
ROWS = {
    "base": ("rate-controlled VAE, 80 nats, 8 codes of 32; encoder inputs masked at .1, decoder inputs at .2", {}),
    "rate_60": ("target 60 nats", {"loss.kl.target": 60}),
    "rate_110": ("target 110 nats", {"loss.kl.target": 110}),
    "rate_150": ("target 150 nats", {"loss.kl.target": 150}),
    "mmd_std_03": ("MMD recipe, σ .3", {**MMD, "loss.mmd.posterior_std_final": 0.3}),
    "mmd_std_07": ("MMD recipe, σ .3 → .7", MMD),
    "mmd_std_10": ("MMD recipe, σ .3 → 1", {**MMD, "loss.mmd.posterior_std_final": 1.0}),
    "codes_8x16": ("8 codes of 16", {"model.latent_size": 16}),
    "codes_4x64": ("4 codes of 64", {"model.latent_tokens": 4, "model.latent_size": 64}),
    "codes_16x16": ("16 codes of 16", {"model.latent_tokens": 16, "model.latent_size": 16, "steps": 0.9}),
    "codes_1x256": ("1 code of 256", {"model.latent_tokens": 1, "model.latent_size": 256, "steps": 1.1}),
    "no_masks": ("no masking of encoder and decoder inputs",
                 {"loss.encoder_token_mask": 0, "loss.decoder_token_mask": 0}),
    "no_masks_8x16": ("no masking, 8 codes of 16",
                      {"loss.encoder_token_mask": 0, "loss.decoder_token_mask": 0, "model.latent_size": 16}),
    "encoder_mask_20": ("encoder inputs masked at .2, decoder inputs not",
                        {"loss.encoder_token_mask": 0.2, "loss.decoder_token_mask": 0}),
    "encoder_mask_30": ("encoder inputs masked at .3, decoder inputs not",
                        {"loss.encoder_token_mask": 0.3, "loss.decoder_token_mask": 0}),
    "no_decoder_mask": ("encoder inputs masked at .1, decoder inputs not", {"loss.decoder_token_mask": 0}),
    "free_bits": ("encoder inputs masked at .1, decoder inputs not, free bits of .05 nats",
                  {"loss.decoder_token_mask": 0, "loss.kl.free_bits": 0.05}),
    "latent_mix": ("structured noise: codes moved up to .25 of the way to another's, second half",
                   {"loss.latent_mix": 0.25}),
    "latent_layers": ("2 self-attention layers between code and decoder",
                      {"model.queries_bottleneck.latent_layers": 2, "steps": 0.9}),
    "latent_dropout": ("dropout .1 on the code", {"loss.latent_dropout": 0.1}),
    "decoder_2": ("2 decoder layers", {"model.decoder_layers": 2, "steps": 1.15}),
    "decoder_5": ("5 decoder layers", {"model.decoder_layers": 5, "steps": 0.75}),
    "no_inject": ("code only as cross-attention memory", {"model.inject_latent": "false"}),
    "bag_of_words": ("bag-of-words head, decayed", {"model.bag_of_words": "true", "loss.bag_of_words.weight": 1.0}),
    "adamw_1e3": ("AdamW 1e-3", {"train.optimizer": "adamw", "train.learning_rate": 1e-3}),
    "adamw_2e3": ("AdamW 2e-3", {"train.optimizer": "adamw", "train.learning_rate": 2e-3}),
    "adamw_4e3": ("AdamW 4e-3", {"train.optimizer": "adamw", "train.learning_rate": 4e-3}),
    "adamw_8e3": ("AdamW 8e-3", {"train.optimizer": "adamw", "train.learning_rate": 8e-3}),
    "muon_04": ("Muon .04", {"train.muon.learning_rate": 0.04}),
    "muon_01": ("Muon .01", {"train.muon.learning_rate": 0.01}),
    "batch_1536": ("1,536 tokens a step", {"train.batch_tokens": 1536, "steps": 2}),
    # The published systems with our stacks, tokenizer and optimizer, so that only their idea of a code is compared.
    "t5_vae_2020": ("T5-VAE (2020): one tanh code of 256 from all states",
                    {**DETERMINISTIC, **PUBLISHED_MMD, "model.bottleneck": "fc", "model.latent_tokens": 1,
                     "model.latent_size": 256, "loss.mmd.scaling": "2020", "data.max_tokens": 64,
                     "steps": 0.4}),  # it pads every sequence to the longest
    "syntax_2021": ("Transformer-VAE (2021): tanh codes of the first 5 states, 77 each",
                    {**DETERMINISTIC, **PUBLISHED_MMD, "model.bottleneck": "tokens", "model.latent_tokens": 5,
                     "model.latent_size": 77, "loss.mmd.scaling": "2021"}),
    "t5_vae_flax": ("T5-VAE Flax (2021): codes of the first 8 states, 32 each",
                    {**DETERMINISTIC, **PUBLISHED_MMD, "model.bottleneck": "flax", "model.latent_tokens": 8,
                     "model.latent_size": 32, "loss.mmd.scaling": "2020"}),
}


PUBLISHED = {"t5_vae_2020", "syntax_2021", "t5_vae_flax"}


def run(command, log):
    with open(log, "a", encoding="utf-8") as file:
        file.write("$ " + " ".join(map(str, command)) + "\n")
        file.flush()
        result = subprocess.run(list(map(str, command)), stdout=file, stderr=subprocess.STDOUT, check=False)
    if result.returncode != 0:
        sys.exit(f"{command[0]} {command[1]} ended with {result.returncode}; see {log}")


def settings(row, seed, options):
    """--set arguments of a row."""
    given = dict(pair.split("=", 1) for pair in options.set)
    keys = {**BASE, **given, **ROWS[row][1]}
    steps = max(1, round(options.steps * keys.pop("steps", 1)))
    keys = {"data.tokenizer": options.out / "tokenizer", "train.steps": steps, "train.seed": seed, **keys}
    return [part for key, value in keys.items() for part in ("--set", f"{key}={value}")]


def make(row, seed, options):
    """Trains and evaluates one row with one seed, going on where an earlier call was interrupted; the model's folder."""
    folder = options.out / f"{row}-{seed}"
    if (folder / "eval" / "report.json").exists():
        return folder
    threads = ["--threads", options.threads]
    log = options.out / f"{row}-{seed}.log"
    if not (folder / "latent" / "prior.safetensors").exists():
        run([options.tvae, "train", "lines_small", "--train", options.train, "--valid", options.valid, "--out", folder,
             "--resume", *threads, *settings(row, seed, options)], log)
        run([options.tvae, "prior", "fit", folder, *threads], log)
    run([options.tvae, "eval", folder, "--candidates", 8, "--samples", options.samples, *threads,
         "--only", "reconstruction,interpolation,prior,shape"], log)
    return folder


def budget_of(options):
    """What all rows of a folder, and of a file of figures, were given alike."""
    return {"steps": options.steps, "samples": options.samples, "vocab_size": options.vocab_size, "set": options.set}


def require_budget(found, options, where):
    if found != (wanted := budget_of(options)):
        sys.exit(f"{where} was made with {found}, now {wanted}: take another")


def require_same_budget(options):
    file = options.out / "budget.json"
    if not file.exists():
        file.write_text(json.dumps(budget_of(options)) + "\n", encoding="utf-8")
    require_budget(json.loads(file.read_text(encoding="utf-8")), options, f"--out {options.out}")


class Figures:
    """The file of what was measured: the budget, which all rows share, of each row a list of its figures, each with the
    seeds that they are the mean of, and the figures of further models. A second call, on another machine too, goes on
    with it."""

    def __init__(self, file, options):
        self.file, self.options = file, options
        self.read()

    def read(self):
        self.rows, self.models = {}, {}
        if self.file.exists():
            saved = json.loads(self.file.read_text(encoding="utf-8"))
            require_budget(saved["budget"], self.options, f"--figures {self.file}")
            self.rows, self.models = saved["rows"], saved.get("models", {})

    def add(self, row, seed, figures):
        self.change(lambda: self.rows.setdefault(row, []).append({"seeds": [seed], **figures}))

    def add_model(self, name, figures):
        self.change(lambda: self.models.update({name: figures}))

    def change(self, apply):
        """Keeps what other calls have added in the meantime."""
        with open(self.file.with_suffix(".lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.read()
            apply()
            unfinished = self.file.with_suffix(".tmp")
            unfinished.write_text(self.text(), encoding="utf-8")
            unfinished.replace(self.file)

    def text(self):
        """JSON with a line for each measurement."""
        rows = ",\n".join(f"    {json.dumps(row)}: [\n      " + ",\n      ".join(map(json.dumps, measured)) + "\n    ]"
                          for row, measured in self.rows.items())
        models = ",\n".join(f"    {json.dumps(name)}: {json.dumps(figures)}" for name, figures in self.models.items())
        models = f',\n  "models": {{\n{models}\n  }}' if models else ""
        return f'{{\n  "budget": {json.dumps(budget_of(self.options))},\n  "rows": {{\n{rows}\n  }}{models}\n}}\n'

    def seeds(self, row):
        return [seed for measured in self.rows.get(row, []) for seed in measured["seeds"]]

    def mean(self, row, name):
        return statistics.fmean(value for value, seeds in self.values(row, name) for _ in seeds)

    def deviation(self, row, name):
        """Of single seeds; None where there are fewer than two or only their mean is known."""
        values = self.values(row, name)
        known = len(values) > 1 and all(len(seeds) == 1 and not math.isnan(value) for value, seeds in values)
        return statistics.stdev(value for value, _ in values) if known else None

    def values(self, row, name):
        return [(math.nan if measured[name] is None else measured[name], measured["seeds"]) for measured in self.rows[row]]


def read_figures(folder):
    """Of an evaluated model."""
    report = json.loads((folder / "eval" / "report.json").read_text(encoding="utf-8"))
    metrics = [json.loads(line) for line in (folder / "logs" / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    seconds = max(line.get("seconds", 0) for line in metrics)
    reconstruction, interpolation = report["reconstruction"], report["interpolation"]
    prior, shape = report["prior"], report["shape"]
    found = {
        "exact": reconstruction["exact_match"],
        "short": reconstruction["exact_match_short"],
        "long": reconstruction["exact_match_long"],
        "interior": interpolation["valid"],
        "interior_search": interpolation["searched_valid"],
        "midpoint": interpolation["midpoint_valid"],
        "normal": prior["normal"]["valid"],
        "fitted": prior["fitted"]["valid"],
        "fitted_search": prior["fitted"]["searched_valid"],
        "rate": shape.get("rate_nats"),
        "active": shape["active_units"] / shape["latent_dims"],
        "minutes": seconds / 60,
    }
    return {name: None if value is None else round(value, 4) for name, value in found.items()}


COLUMNS = [("exact", "exact"), ("short", "≤ 15"), ("long", "> 15"), ("interior", "interior"), ("midpoint", "midpoint"),
           ("interior_search", "interior, search"), ("normal", "N(0, I)"), ("fitted", "fitted"),
           ("fitted_search", "fitted, search"), ("active", "active"), ("rate", "nats"), ("minutes", "min")]


def show(name, value):
    return "–" if math.isnan(value) else f"{value:.0f}" if name in ("rate", "minutes") else f"{value:.3f}".lstrip("0") \
        if value < 1 else "1"


def table(figures):
    print("| row | seeds | " + " | ".join(title for _, title in COLUMNS) + " |")
    print("|---|---|" + "---|" * len(COLUMNS))
    for row, (title, _) in ROWS.items():
        if not (seeds := figures.seeds(row)):
            continue
        cells = []
        for name, _ in COLUMNS:
            cell = show(name, figures.mean(row, name))
            deviation = figures.deviation(row, name)
            if deviation is not None and name not in ("rate", "minutes"):
                cell += f" ± {show(name, deviation)}"
            cells.append(cell)
        print(f"| {title} | {len(seeds)} | " + " | ".join(cells) + " |")


def plot(figures, options):
    """The frontier: exact match against validity between lines, one point a row (its seeds' mean)."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "tvae"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.6), sharex=True)
    names = ("exact", "interior", "fitted")
    points = [(row, {name: figures.mean(row, name) for name in names}) for row in ROWS if figures.seeds(row)]
    points += figures.models.items()
    for axis, (name, title) in zip(axes, (("interior", "valid on paths"), ("fitted", "valid from the fitted prior"))):
        named = []  # labels that are there: on a point's right, or, where one is in the way, on its left
        for row, point in sorted(points, key=lambda item: -item[1][name]):
            x, y = point["exact"], point[name]
            color = "tab:red" if row in PUBLISHED else "tab:blue" if row in ROWS else "black"
            axis.plot(x, y, "o", color=color)
            crowded = any(abs(x - other_x) < 0.3 and abs(y - other_y) < 0.012 for other_x, other_y in named)
            if not crowded:
                named.append((x, y))
            axis.annotate(row, (x, y), textcoords="offset points", xytext=(-5 if crowded else 5, -2), fontsize=6,
                          ha="right" if crowded else "left")
        axis.set_xlabel("exact match")
        axis.set_ylabel(title)
        axis.margins(x=0.25)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(options.plot, metadata={"Date": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tvae", default="build/tvae", help="the program")
    parser.add_argument("--train", required=True, help="training lines")
    parser.add_argument("--valid", required=True, help="held-out lines")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the runs; a second call goes on there")
    parser.add_argument("--steps", type=int, default=1200, help="optimizer steps of 3,072 tokens a row")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="for all rows, as a smaller model")
    parser.add_argument("--vocab-size", type=int, default=4096, help="pieces of the tokenizer")
    parser.add_argument("--samples", type=int, default=1000, help="sequences, pairs and draws of an evaluation")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42])
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS), metavar="ROW",
                        help="of: " + ", ".join(ROWS))
    parser.add_argument("--threads", default="1", help="of the program; one run is slower on two, two runs are not")
    parser.add_argument("--figures", type=pathlib.Path, help="file of what was measured, extended (default: OUT/figures.json)")
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    parser.add_argument("--plot", type=pathlib.Path, help="also draw exact match against validity (needs matplotlib)")
    parser.add_argument("--also", type=pathlib.Path, nargs="+", default=[],
                        help="further evaluated models, kept with the figures for the plot")
    options = parser.parse_args()
    if options.plot:
        import matplotlib  # noqa: F401  before hours of training, not after
    file = options.figures or options.out / "figures.json"
    if options.table and not file.exists():
        sys.exit(f"no {file}: nothing was measured there")
    figures = Figures(file, options)
    if not options.table:
        options.out.mkdir(parents=True, exist_ok=True)
        require_same_budget(options)
        if not (options.out / "tokenizer" / "tokenizer_config.json").exists():
            run([options.tvae, "tokenizer", "train", "--kind", "unigram", "--vocab-size", options.vocab_size, "--out",
                 options.out / "tokenizer", options.train], options.out / "tokenizer.log")
        for seed in options.seeds:
            for row in options.rows:
                if seed not in figures.seeds(row):
                    figures.add(row, seed, read_figures(make(row, seed, options)))
    for folder in options.also:
        figures.add_model(folder.name, read_figures(folder))
    table(figures)
    if options.plot:
        plot(figures, options)


if __name__ == "__main__":
    main()
