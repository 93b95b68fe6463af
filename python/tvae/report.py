"""What measuring a model found: the dict of report.json, which shows itself."""

from __future__ import annotations

import base64
import html
import io
import json
import math
import numbers
from collections.abc import Mapping
from typing import Any

from . import _core
from ._arrays import short_path


class Report(dict[str, Any]):
    """The figures of an evaluation, by section: ``report["reconstruction"]["exact_match"]``.

    A dict, as in report.json. Prints as the table of ``tvae eval``, and shows as one in a notebook; ``plot()`` draws it.
    """

    @property
    def verdict(self) -> list[str]:
        """What the figures mean, in sentences."""
        sentences = self.get("verdict")
        return [str(sentence) for sentence in sentences] if isinstance(sentences, (list, tuple)) else []

    @property
    def table(self) -> str:
        """The table of ``tvae eval``."""
        report = _plain(self)
        if isinstance(report.get("model"), str):
            report["model"] = short_path(report["model"])
        return "\n".join(_core.report_table(json.dumps(report)))

    def __str__(self) -> str:
        return self.table

    def _repr_html_(self) -> str:
        sentences = html.escape(" ".join(self.verdict))
        return (f"<p>{sentences}</p><pre style='font-size:12px;line-height:1.35'>{html.escape(self.table)}</pre>"
                f"{self._picture()}")

    def _picture(self) -> str:
        """The plot inside of the page; "" without matplotlib."""
        try:
            import matplotlib.pyplot as plt
        except ImportError:
            return ""
        figure, picture = self.plot(), io.BytesIO()
        figure.savefig(picture, format="png", dpi=80)
        plt.close(figure)  # else a notebook shows it once more
        return f"<img alt='plots' src='data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}'>"

    def plot(self) -> Any:
        """Draws shares and, where it was measured, how the decoder leaves the space of texts (holes). Needs
        matplotlib.

        Returns:
            the matplotlib Figure.
        """
        import matplotlib.pyplot as plt

        shares: dict[str, float] = {}
        for section, names in _SHARES.items():
            figures = _section(self, *section.split())
            shares |= {f"{section} {name}": float(figures[name]) for name in names if _is_figure(figures.get(name))}
        curve_of = _section(self, "shape").get("hole_curve")
        holes = [point for point in curve_of if isinstance(point, dict) and _is_figure(point.get("radius"))] if isinstance(
            curve_of, list) else []
        figure, axes = plt.subplots(1, 2 if holes else 1, figsize=(11 if holes else 6, 0.35 * len(shares) + 1.6),
                                    squeeze=False)
        bars = axes[0][0]
        bars.barh(list(shares), list(shares.values()), color="#4c6ef5")
        bars.invert_yaxis()
        bars.set_xlim(0, 1)
        bars.set_xlabel("share")
        for row, value in enumerate(shares.values()):
            inside = value > 0.85  # where no room is left beside the bar
            bars.text(value - 0.01 if inside else value + 0.01, row, f"{value:.2f}", va="center", fontsize=8,
                      ha="right" if inside else "left", color="white" if inside else "black")
        if holes:
            curve = axes[0][1]
            for name in sorted({key for point in holes for key in point if key != "radius" and not key.endswith("_95")}):
                points = [(point["radius"], point[name]) for point in holes if _is_figure(point.get(name))]
                curve.plot([x for x, _ in points], [y for _, y in points], marker="o", label=name)
            curve.set_xlabel("radius")
            curve.legend(fontsize=8)
        figure.tight_layout()
        return figure


def _section(report: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Empty where it was not measured, or is none."""
    for name in names:
        part = report.get(name)
        report = part if isinstance(part, Mapping) else {}
    return report


def _is_figure(value: Any) -> bool:
    return isinstance(value, numbers.Real) and math.isfinite(value)


def _plain(value: Any) -> Any:
    """As JSON has it: NumPy's numbers as Python's, and null for those that are not finite."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


_SHARES = {
    "reconstruction": ("exact_match", "token_accuracy", "edit_similarity"),
    "interpolation": ("valid", "distinct", "smoothness"),
    "prior fitted": ("valid", "unique", "novel"),
    "prior normal": ("valid", "unique", "novel"),
}
