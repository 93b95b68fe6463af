"""What a notebook shows of a model: its figures, a small map of held-out texts, and its card."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from . import messages
from .report import Report

if TYPE_CHECKING:
    from .model import Model

_FIGURES = (("exact match", "reconstruction", "exact_match"), ("edit similarity", "reconstruction", "edit_similarity"),
            ("valid between texts", "interpolation", "valid"), ("valid from the prior", "prior", "valid"))
_MOST_POINTS, _WIDTH, _HEIGHT = 400, 360, 240
_COLOURS = ("#4c6ef5", "#f08c00", "#2f9e44", "#e03131", "#9c36b5", "#0c8599", "#868e96")


def html_of(model: Model) -> str:
    report = _read_json(model, "eval/report.json")
    sections = {name: part for name, part in report.items() if isinstance(part, dict)}
    found = [(name, sections.get(section, {}).get(key)) for name, section, key in _FIGURES]
    figures = " · ".join(f"{name} <b>{value:.3f}</b>" for name, value in found if isinstance(value, float))
    verdict = html.escape(" ".join(Report(report).verdict))
    card = "\n".join(line for line in model.card.splitlines() if not line.startswith("<!--")).strip()
    parts = [f"<b>{html.escape(repr(model))}</b>", figures, verdict, _map(model),
             f"<details><summary>card</summary><pre style='white-space:pre-wrap;font-size:12px'>{html.escape(card)}</pre>"
             "</details>" if card else ""]
    return "".join(f"<div>{part}</div>" for part in parts if part)


def _read_json(model: Model, name: str) -> dict[str, Any]:
    """Empty where it is not there, or is no object: it is only shown."""
    try:
        read = json.loads((model.path / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _map(model: Model) -> str:
    """Held-out texts of the model's run in the plane of their codes' first two principal components, an SVG; "" where
    the run kept none."""
    try:
        with open(model.path / "held_out.jsonl", encoding="utf-8") as file:
            rows = [json.loads(line) for line, _ in zip(file, range(_MOST_POINTS))]
        texts = [row["text"] for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if len(texts) < 3:
        return ""
    with messages.silenced():  # a picture is no place to warn of texts that are cut
        codes = model.encode(texts, progress=False).reshape(len(texts), -1)
    left, scale, _ = np.linalg.svd(codes - codes.mean(0), full_matrices=False)
    points = left[:, :2] * scale[:2]
    points = (points - points.min(0)) / np.maximum(np.ptp(points, axis=0), 1e-9)
    labels = [str(row.get("label") or "") for row in rows]
    kinds = sorted(set(labels), key=lambda label: -labels.count(label))
    colours = {label: _COLOURS[min(place, len(_COLOURS) - 1)] for place, label in enumerate(kinds)}
    circles = "".join(
        f"<circle cx='{8 + x * (_WIDTH - 16):.1f}' cy='{8 + y * (_HEIGHT - 16):.1f}' r='3' fill='{colours[label]}' "
        f"fill-opacity='.6'><title>{html.escape(f'{label}: {text}' if label else text)}</title></circle>"
        for (x, y), text, label in zip(points, texts, labels))
    return (f"<svg width='{_WIDTH}' height='{_HEIGHT}' viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' "
            f"aria-label='map of {len(texts)} held-out texts'>{circles}</svg>")
