#!/usr/bin/env python3
"""Trains the small models of tests/models (see its README.md), with data that packages bring along or this file makes.

    pip install rdkit scikit-learn
    tools/make_domain_models.py [--tvae build/tvae] [--minutes 8] [--work FOLDER] [molecules tunes digits]
"""

import argparse
import csv
import json
import pathlib
import random
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
SIZES = ["model.d_model=96", "model.d_kv=32", "model.num_heads=3", "model.d_ff=256", "model.encoder_layers=2", "model.decoder_layers=2"]
KEPT = ["config.json", "model.safetensors", "run.json", "spiece.model", "special_tokens_map.json", "tokenizer.json",
        "tokenizer_config.json", "README.md"]
ON_THE_MAP = 400


def molecules():
    """The molecules of up to 40 characters that RDKit brings along; the label says what rings they have."""
    from rdkit import Chem, RDConfig, RDLogger

    RDLogger.DisableLog("rdApp.*")
    data = pathlib.Path(RDConfig.RDDataDir)
    with open(data / "Pains" / "test_data" / "wehi_mols.csv", encoding="utf-8") as file:
        given = [row[0] for row in csv.reader(file) if row]
    given += [line.split()[0] for line in (data / "NCI" / "first_5K.smi").read_text().splitlines() if line.strip()]
    rows = {}
    for text in given:
        molecule = Chem.MolFromSmiles(text)
        smiles = Chem.MolToSmiles(molecule) if molecule else ""
        if 0 < len(smiles) <= 40 and "." not in smiles:
            rings = molecule.GetRingInfo().NumRings()
            aromatic = any(atom.GetIsAromatic() for atom in molecule.GetAtoms())
            rows[smiles] = "aromatic" if aromatic else "other rings" if rings else "no ring"
    return rows


METERS = {"4/4": ["2222", "221111", "112112", "1111112", "3122", "3131"], "3/4": ["222", "2112", "411", "11112", "312"],
          "6/8": ["111111", "2121", "2111", "321", "33"]}
SCALES = {"C": "C D E F G A B c d e f g a b", "G": "D E F G A B c d e f g a b c'", "D": "D E F G A B c d e f g a b c'",
          "Am": "C D E F G A B c d e f g a b", "Em": "D E F G A B c d e f g a b c'"}  # the notes of each key


def tunes(count=6000):
    """Random tunes of four bars, the third like the first, which end on the tonic; the label is the meter."""
    rng = random.Random(1)
    rows = {}
    while len(rows) < count:
        meter, key = rng.choice(list(METERS)), rng.choice(list(SCALES))
        scale = SCALES[key].split()
        place = rng.randrange(3, len(scale) - 3)

        def bar(rhythm):
            nonlocal place
            written = ""
            for length in rhythm:
                place = min(max(place + rng.choice([-2, -1, -1, 1, 1, 2]), 0), len(scale) - 1)
                written += scale[place] + (length if length != "1" else "")
            return written

        rhythms = rng.sample(METERS[meter], 2)
        first, second = bar(rhythms[0]), bar(rhythms[1])
        last = rng.choice([key[0], key[0].lower()]) + ("8" if meter == "4/4" else "6")
        rows[f"X:1\nM:{meter}\nL:1/8\nK:{key}\n{first}|{second}|{first}|{last}|]"] = meter
    return rows


def digits():
    """Scikit-learn's handwritten digits of 8 by 8 pixels in five greys, each also a pixel aside; the label is the digit."""
    import numpy as np
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    rows = {}
    for image, label in zip(images.reshape(-1, 8, 8), labels):
        for aside in (-1, 0, 1):
            grey = np.roll(image, aside, axis=1).astype(int) // 4 * 16
            lines = [" ".join([f"{row:02d} down", *(chr(ord("!") + level) for level in line)]) for row, line in enumerate(grey)]
            rows["\n".join(lines)] = str(label)
    return rows


def make(name, rows, options):
    work = pathlib.Path(options.work or tempfile.mkdtemp()) / name
    work.mkdir(parents=True, exist_ok=True)
    shuffled = list(rows.items())
    random.Random(1).shuffle(shuffled)
    (work / "rows.jsonl").write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in shuffled))

    def tvae(*arguments):
        program = pathlib.Path(options.tvae).absolute()
        subprocess.run(list(map(str, [program, "--threads", 1, *arguments])), check=True, cwd=work)

    settings = [word for size in [*SIZES, "data.vocab_size=320"] for word in ("--set", size)]
    tvae("train", "--train", "rows.jsonl", "--out", "run", "--overwrite", "--minutes", options.minutes, *settings)
    tvae("quantize", "run", "--out", "model", "--overwrite")
    tvae("eval", "model", "--samples", 200)
    to = ROOT / "tests" / "models" / name
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    for kept in KEPT:
        shutil.copy(work / "model" / kept, to)
    (to / "eval").mkdir()
    shutil.copy(work / "model" / "eval" / "report.json", to / "eval")
    corpus = (work / "run" / "held_out.jsonl").read_text().splitlines(keepends=True)
    (to / "corpus.jsonl").write_text("".join(corpus[:ON_THE_MAP]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = {"molecules": molecules, "tunes": tunes, "digits": digits}
    parser.add_argument("names", nargs="*", default=list(known), help=", ".join(known))
    parser.add_argument("--tvae", default=ROOT / "build" / "tvae")
    parser.add_argument("--minutes", default="8")
    parser.add_argument("--work", help="keeps data and runs")
    options = parser.parse_args()
    for name in options.names:
        make(name, known[name](), options)


if __name__ == "__main__":
    main()
