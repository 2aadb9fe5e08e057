"""Small tables that render in a notebook and print on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Comparison:
    """A prediction beside what came of it: one row each for predicted, simulated and measured."""

    key: str
    predicted: object
    found: Mapping[str, object]
    unit: str = ""

    def rows(self) -> list[tuple[str, str]]:
        """Return (label, quantity) rows; a missing one says why there is nothing."""
        mine = "not answered" if self.predicted is None else self._quantity(self.predicted)
        rest = [(name, self._quantity(self.found[name])) for name in ("simulated", "measured") if name in self.found]
        return [("predicted", mine), *(rest or [("simulated, measured", "nothing yet")])]

    def sentence(self) -> str:
        """Return how far the prediction was off, as a factor; "" where there is no factor to give."""
        name = "measured" if "measured" in self.found else "simulated"
        result = self.found.get(name)
        if not (_is_number(self.predicted) and _is_number(result)):
            return ""
        factor = float(self.predicted) / float(result)  # type: ignore[arg-type]
        if factor == 1:
            return f"Your prediction is exactly what was {name}."
        if 0.9 <= factor <= 1.1:
            return f"Your prediction is within 10 % of what was {name}."
        if factor > 1:
            return f"Your prediction is {factor:.2g} times what was {name}."
        return f"What was {name} is {1 / factor:.2g} times your prediction."

    def _quantity(self, value: object) -> str:
        number = isinstance(value, float) and not isinstance(value, bool)
        return f"{value:.4g} {self.unit}".strip() if number else f"{value} {self.unit}".strip()

    def __repr__(self) -> str:
        lines = [f"{self.key}", *(f"  {label:<20}{quantity}" for label, quantity in self.rows()), self.sentence()]
        return "\n".join(line for line in lines if line)

    def _repr_html_(self) -> str:
        cells = "".join(
            f'<tr><td style="text-align: left">{escape(label)}</td>'
            f'<td style="text-align: right"><b>{escape(quantity)}</b></td></tr>'
            for label, quantity in self.rows()
        )
        caption = f'<caption style="white-space: nowrap">{escape(self.key)}</caption>'
        return f"<table>{caption}{cells}</table>{escape(self.sentence())}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
