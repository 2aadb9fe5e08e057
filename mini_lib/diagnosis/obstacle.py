"""An obstacle: something in a function that no graph can hold, and where it stands."""

from __future__ import annotations

from typing import Any, NamedTuple

from mini_lib.diagnosis.user_line import UserLine


class Obstacle(NamedTuple):
    """What was refused: `first_line` as torch says it, `rule` as we do (the op, the rule, the way out), and where."""

    first_line: str
    rule: str
    where: UserLine | None
    times: int = 1  # how often one call runs into it

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return self._asdict() | {"where": self.where._asdict() if self.where else None}

    def __str__(self) -> str:
        """Return the place, the line as it stands there, and the rule."""
        often = f", {self.times} times a call" if self.times > 1 else ""
        place = str(self.where) if self.where else "in a library, called from no line of yours"
        code = f": {self.where.text}" if self.where and self.where.text else ""
        return f"{place}{often}{code}\n    {self.rule}"
