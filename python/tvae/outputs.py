"""Texts that came out of a model: a list of str, with what is known of each beside it, that a notebook shows as a
table."""

from __future__ import annotations

import difflib
import functools
import html
from collections.abc import Callable, Iterable
from typing import Any, SupportsIndex, overload

_STYLE = ("border-collapse:collapse;font-size:13px", "padding:2px 10px;text-align:left;vertical-align:top;"
          "white-space:pre-wrap;font-family:ui-monospace,monospace")
_CHANGED = "background:#fff3bf;color:#1b1b1b"


class Outputs(list[str]):
    """Decoded texts in order.

    Behaves as a plain list of str. ``columns`` holds what else is known of each, by name: ``ratio`` on a path,
    ``strength`` and ``logit`` along a direction, ``value`` on the way uphill, ``distance`` of neighbours, and ``valid``,
    whether it passes the model's check, where the model has one. They follow when the list is sorted, reversed or sliced, and
    are empty once its texts are changed, of which nothing is known.

    >>> outputs = Outputs(["a", "b"], {"ratio": [0.0, 1.0], "valid": [True, False]})
    >>> outputs[1], outputs.columns["ratio"], outputs.valid
    ('b', [0.0, 1.0], [True, False])
    """

    def __init__(self, texts: list[str], columns: dict[str, list[Any]] | None = None, *,
                 mark_changes: bool = False) -> None:
        super().__init__(texts)
        self.columns = {name: list(values) for name, values in (columns or {}).items()}
        self._mark_changes = mark_changes

    def __reduce__(self) -> Any:
        return functools.partial(Outputs, mark_changes=self._mark_changes), (list(self), self.columns)

    @overload
    def __getitem__(self, place: SupportsIndex) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Outputs: ...

    def __getitem__(self, place: SupportsIndex | slice) -> str | Outputs:
        if not isinstance(place, slice):
            return super().__getitem__(place)
        return Outputs(super().__getitem__(place), {name: values[place] for name, values in self.columns.items()},
                       mark_changes=self._mark_changes)

    def sort(self, *, key: Callable[[str], Any] | None = None, reverse: bool = False) -> None:
        self._arrange(sorted(range(len(self)), key=lambda row: key(self[row]) if key else self[row], reverse=reverse))

    def reverse(self) -> None:
        self._arrange(range(len(self) - 1, -1, -1))

    def _arrange(self, rows: Iterable[int]) -> None:
        rows = list(rows)
        self.columns = {name: [values[row] for row in rows] for name, values in self.columns.items()}
        super().__setitem__(slice(None), [self[row] for row in rows])

    @property
    def valid(self) -> list[bool] | None:
        """Whether each passes the model's check; None where the model has none."""
        return self.columns.get("valid")

    def to_pandas(self) -> Any:
        """A DataFrame of the columns and, last, the texts."""
        import pandas

        return pandas.DataFrame({**self.columns, "text": list(self)})

    def _repr_html_(self) -> str:
        names = [name for name in self.columns if name != "valid"]
        head = "".join(f'<th style="{_STYLE[1]}">{html.escape(name)}</th>' for name in [*names, "text"])
        rows = [f"<tr>{head}{'<th></th>' if self.valid else ''}</tr>"]
        before = ""
        for row, text in enumerate(self):
            cells = [_number(self.columns[name][row]) for name in names]
            shown = _marked(before, text) if self._mark_changes and row else html.escape(text)
            before = text
            valid = ""
            if self.valid:
                valid = f"<td>{'✓' if self.valid[row] else '<span style=color:#c92a2a>✗</span>'}</td>"
            rows.append("<tr>" + "".join(f'<td style="{_STYLE[1]}">{cell}</td>' for cell in [*cells, shown]) + valid
                        + "</tr>")
        return f'<table style="{_STYLE[0]}">{"".join(rows)}</table>'


def _forgets(name: str) -> Any:
    """A method of list that changes the texts."""
    change = getattr(list, name)

    @functools.wraps(change)
    def changed(self: Outputs, *arguments: Any) -> Any:
        result = change(self, *arguments)
        self.columns = {}
        return result

    return changed


for _name in ("append", "clear", "extend", "insert", "pop", "remove", "__delitem__", "__iadd__", "__imul__", "__setitem__"):
    setattr(Outputs, _name, _forgets(_name))


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return html.escape(str(value))


def _marked(before: str, text: str) -> str:
    """The text, with what is not in the one before it marked."""
    parts = []
    for kind, _, _, start, end in difflib.SequenceMatcher(None, before, text, autojunk=False).get_opcodes():
        piece = html.escape(text[start:end])
        parts.append(piece if kind == "equal" or not piece else f'<span style="{_CHANGED}">{piece}</span>')
    return "".join(parts)
