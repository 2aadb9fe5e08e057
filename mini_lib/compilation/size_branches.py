"""The branches on the batch size that a trace took: each holds for some sizes, and the graph is right for those only.

Dynamo follows `if num_tokens > 16` the way the example goes, and notes that it did. With guards dropped nobody would
look at that note again; here it is looked at once for every new size.

Not noticed: a branch that only a size of 0 or 1 would take. Dynamo traces for two rows or more, and makes no note of
what holds for all of those.
"""

from __future__ import annotations

from typing import Any

from torch.fx import GraphModule


class SizeBranches:
    """What was assumed of the number of tokens: (condition, line of the model) each."""

    def __init__(self, assumed: list[tuple[Any, str]]) -> None:
        self.assumed = assumed
        self._fine: set[int] = set()

    @classmethod
    def of(cls, gm: GraphModule) -> SizeBranches:
        """Return the assumptions of a graph that Dynamo is about to hand out."""
        values = (node.meta.get("example_value") for node in gm.graph.find_nodes(op="placeholder"))
        shape_env = next((mode.shape_env for value in values if (mode := getattr(value, "fake_mode", None))), None)
        guards = [] if shape_env is None else shape_env.guards
        return cls([(guard.expr, str(getattr(guard.sloc, "maybe_user_loc", None) or "")) for guard in guards])

    @property
    def num_tokens_seen(self) -> frozenset[int]:
        """The sizes that were checked, and are fine."""
        return frozenset(self._fine)

    def check(self, num_tokens: int) -> None:
        """Refuse a size for which the model would have taken another branch.

        Raises:
            ValueError: with the condition and its line.
        """
        if num_tokens in self._fine:
            return
        for condition, line in self.assumed:
            if not _holds(condition, num_tokens):
                raise ValueError(
                    f"The traced graph is wrong for {num_tokens} tokens: it was traced where {condition} holds"
                    f"{' (' + line.strip() + ')' if line else ''}. A model that is traced once must not branch on the "
                    "number of tokens, nor fix it: write -1 for it in view and reshape."
                )
        self._fine.add(num_tokens)


def _holds(condition: Any, num_tokens: int) -> bool:
    """Evaluate a condition in which every symbol is the number of tokens."""
    return bool(condition.subs(dict.fromkeys(condition.free_symbols, num_tokens)))
