#!/usr/bin/env python3
"""Draws paths between texts as an SVG, from what `tvae interpolate --json` prints (one path, or --pairs).

tvae interpolate MODEL --pairs pairs.tsv --steps 9 --json | tools/draw_paths.py > docs/paths.svg
"""

import json
import sys
from html import escape

FROM, TO = (31, 119, 180), (214, 90, 20)  # colours of the two ends
CHARACTER, LINE, MARGIN, BAR, GAP = 7.3, 22, 14, 10, 36  # pixels


def color(ratio):
    return "#" + "".join(f"{round(a + (b - a) * ratio):02x}" for a, b in zip(FROM, TO))


def read_paths(lines):
    paths = {}
    for line in filter(str.strip, lines):
        try:
            step = json.loads(line)
            step["ratio"], step["text"]
        except (ValueError, KeyError, TypeError):
            sys.exit(f"draw_paths: got {line.strip()!r}, expected what tvae interpolate --json prints")
        paths.setdefault(step.get("pair", 0), []).append(step)
    return list(paths.values())


def draw(paths):
    """The paths side by side: a line of text a step; steps that repeat the one above are faint."""
    widths = [BAR + 10 + CHARACTER * max(len(step["text"]) for step in path) for path in paths]
    width = 2 * MARGIN + sum(widths) + GAP * (len(paths) - 1)
    height = 2 * MARGIN + LINE * max(map(len, paths))
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" '
           f'viewBox="0 0 {width:.0f} {height}">',
           f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#fbfbfa" stroke="#dddddd"/>',
           '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12">']
    left = float(MARGIN)
    for path, path_width in zip(paths, widths):
        above = None
        for row, step in enumerate(path):
            top = MARGIN + row * LINE
            fill, text = color(step["ratio"]), "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in step["text"])
            svg.append(f'<rect x="{left:.1f}" y="{top}" width="{BAR}" height="{LINE}" fill="{fill}"/>')
            weight = ' font-weight="bold"' if row in (0, len(path) - 1) else ""
            faint = ' opacity="0.35"' if text == above and not weight else ""
            svg.append(f'<text x="{left + BAR + 10:.1f}" y="{top + 15}" fill="{fill}" xml:space="preserve"'
                       f'{weight}{faint}>{escape(text)}</text>')
            above = text
        left += path_width + GAP
    return "\n".join(svg + ["</g>", "</svg>"]) + "\n"


if __name__ == "__main__":
    found = read_paths(sys.stdin)
    if not found:
        sys.exit("draw_paths: nothing on stdin, expected what tvae interpolate --json prints")
    sys.stdout.write(draw(found))
