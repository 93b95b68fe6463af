"""What a notebook shows of a model: its figures, a small map of held-out texts, and its card."""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Any

from . import messages
from .report import Report

if TYPE_CHECKING:
    from .model import Model

_FIGURES = (("exact match", "reconstruction", "exact_match"), ("edit similarity", "reconstruction", "edit_similarity"),
            ("valid between texts", "interpolation", "valid"), ("valid from the prior", "prior", "valid"))
_MOST_POINTS, _WIDTH, _HEIGHT = 400, 360, 240


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
    """Held-out texts of the model's run in the plane of their codes' first two principal components; "" where the run
    kept none."""
    try:
        with open(model.path / "held_out.jsonl", encoding="utf-8") as file:
            rows = [json.loads(line) for line, _ in zip(file, range(_MOST_POINTS))]
        texts, labels = [row["text"] for row in rows], [str(row.get("label") or "") for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if len(set(texts)) < 3:
        return ""
    with messages.silenced():  # a picture is no place to warn of texts that are cut
        made = model.map(texts, labels if any(labels) else None, umap=False, save=False, progress=False)
    return made._svg(width=_WIDTH, height=_HEIGHT, legend=False)
