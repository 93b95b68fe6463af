"""What measuring a model found: the dict of report.json, which shows itself."""

from __future__ import annotations

import html
import json
from typing import Any

from . import _core


class Report(dict[str, Any]):
    """The figures of an evaluation, by section: ``report["reconstruction"]["exact_match"]``.

    A dict, as in report.json. Prints as the table of ``tvae eval``, and shows as one in a notebook; ``plot()`` draws it.
    """

    @property
    def verdict(self) -> list[str]:
        """What the figures mean, in sentences."""
        return list(self.get("verdict", []))

    @property
    def table(self) -> str:
        """The table of ``tvae eval``."""
        return "\n".join(_core.report_table(json.dumps(self)))

    def __str__(self) -> str:
        return self.table

    def _repr_html_(self) -> str:
        sentences = html.escape(" ".join(self.verdict))
        return (f"<p>{sentences}</p><pre style='font-size:12px;line-height:1.35'>{html.escape(self.table)}</pre>")

    def plot(self) -> Any:
        """Draws shares and, where it was measured, how the decoder leaves the space of texts (holes). Needs
        matplotlib.

        Returns:
            the matplotlib Figure.
        """
        import matplotlib.pyplot as plt

        shares = {f"{section} {name}": value for section, names in _SHARES.items() for name in names
                  if isinstance(value := self.get(section, {}).get(name), (int, float))}
        holes = self.get("shape", {}).get("hole_curve", [])
        figure, axes = plt.subplots(1, 2 if holes else 1, figsize=(11 if holes else 6, 0.35 * len(shares) + 1.6),
                                    squeeze=False)
        bars = axes[0][0]
        bars.barh(list(shares), list(shares.values()), color="#4c6ef5")
        bars.invert_yaxis()
        bars.set_xlim(0, 1)
        bars.set_xlabel("share")
        for row, value in enumerate(shares.values()):
            bars.text(min(value + 0.01, 0.9), row, f"{value:.2f}", va="center", fontsize=8)
        if holes:
            curve = axes[0][1]
            for name in sorted({key for point in holes for key in point if key != "radius"}):
                points = [(point["radius"], point[name]) for point in holes if name in point]
                curve.plot([x for x, _ in points], [y for _, y in points], marker="o", label=name)
            curve.set_xlabel("radius")
            curve.legend(fontsize=8)
        figure.tight_layout()
        return figure


_SHARES = {
    "reconstruction": ("exact_match", "token_accuracy", "edit_similarity", "valid"),
    "interpolation": ("valid", "distinct", "smoothness"),
    "prior": ("valid", "unique", "novel"),
    "fluency": (),
}
