"""Pictures of maps, as SVG: for what shows them where nothing runs, such as a notebook's page on the web."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

# Those of the explorer's labels on a light ground (web/src/map/palette.ts).
COLOURS = ("#0051b5", "#c6a403", "#7d4824", "#3ba8ff", "#1d965a", "#9851e9", "#b41d7b", "#582265", "#f763d6", "#e2500f")
OTHER = "#989898"  # of labels beyond these
_PLAIN = "#1f63c4"
_ACCENT = "#d0006f"
_MOST_POINTS = 1500
_LONGEST = 60


# What XML 1.0 has no way to write.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _escaped(text: str) -> str:
    return html.escape(_UNWRITABLE.sub("\ufffd", text))


def colours_of(labels: Sequence[str] | None, names: Sequence[str]) -> dict[str, str]:
    """Of each label, the most frequent first; "" where there are none."""
    if not labels:
        return {"": _PLAIN}
    return {name: COLOURS[place] if place < len(COLOURS) else OTHER for place, name in enumerate(names)}


def map_svg(positions: npt.NDArray[np.float32], texts: Sequence[str], labels: Sequence[str] | None, names: Sequence[str],
            path: Sequence[tuple[float, float, str]] = (), width: int = 640, height: int = 400, legend: bool = True) -> str:
    """Points, coloured by label, some of them where there are many, and a path with its texts.

    Args:
        positions: [N, 2].
        labels: of each text, or None.
        names: the different labels, the most frequent first.
        path: (x, y, text) of each stop.
    """
    low, high = positions.min(0), positions.max(0)
    scale = np.array([width - 16, height - 16], dtype=np.float64) / np.maximum(high - low, 1e-9)

    def place(x: float, y: float) -> tuple[float, float]:  # upwards is up
        return 8 + (x - float(low[0])) * float(scale[0]), height - 8 - (y - float(low[1])) * float(scale[1])

    colours = colours_of(labels, names)
    step = max(1, -(-len(texts) // _MOST_POINTS))
    shapes = []
    for row in range(0, len(texts), step):
        x, y = place(*positions[row])
        label = labels[row] if labels else ""
        title = _escaped(f"{label}: {texts[row]}" if label else texts[row])
        shapes.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.5' fill='{colours.get(label, OTHER)}' fill-opacity='.55'>"
                      f"<title>{title}</title></circle>")
    stops = [(*place(x, y), text) for x, y, text in path]
    if stops:
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in stops)
        shapes.append(f"<polyline points='{line}' fill='none' stroke='{_ACCENT}' stroke-width='2'/>")
    for number, (x, y, text) in enumerate(stops):
        shapes.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='{_ACCENT}' stroke='white'/>")
        if number in (0, len(stops) - 1):
            shown = text if len(text) <= _LONGEST else text[:_LONGEST - 1] + "…"
            right = x > width / 2
            shapes.append(f"<text x='{x + (-7 if right else 7):.1f}' y='{y - 7:.1f}' font-size='12' paint-order='stroke' "
                          f"stroke='white' stroke-width='3' font-family='ui-monospace,monospace' fill='#20242b' "
                          f"text-anchor='{'end' if right else 'start'}'>{_escaped(shown)}</text>")
    lower = height
    if legend and labels:
        x, lower = 8.0, height + 22
        for name in names[:len(COLOURS)]:
            length = 7 * len(name) + 30
            if x + length > width and x > 8:
                x, lower = 8.0, lower + 18
            shapes.append(f"<circle cx='{x + 4:.0f}' cy='{lower - 12}' r='4' fill='{colours[name]}'/>"
                          f"<text x='{x + 12:.0f}' y='{lower - 8}' font-size='12' font-family='system-ui,sans-serif' "
                          f"fill='#20242b'>{_escaped(name)}</text>")
            x += length
    return (f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{lower}' viewBox='0 0 {width} {lower}' "
            f"role='img' aria-label='map of {len(texts)} texts'><rect width='100%' height='100%' fill='white'/>"
            f"{''.join(shapes)}</svg>")


def as_image(svg: str, alternative: str) -> str:
    """An <img> that holds the picture: pages that take no <svg> show it too."""
    data = base64.b64encode(svg.encode("utf-8")).decode("ascii")
    return f'<img alt="{html.escape(alternative)}" src="data:image/svg+xml;base64,{data}">'
