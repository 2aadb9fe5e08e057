"""How much `torch.compile` has a hand in a model: the four levels of vLLM 0.33.0 (`config/compilation.py`).

The engine's default is none at all: breakable graphs cut the model while it runs. `VLLM_COMPILE` is the road on which
Dynamo writes the model down once, and the graph is cut at its splitting ops.

Not modelled: what Inductor makes of a piece. Pieces run as FX graphs, with torch's own kernels, unless a piece
compiler is given.

>>> [mode.name for mode in CompilationMode if mode.drops_guards]
['DYNAMO_TRACE_ONCE', 'VLLM_COMPILE']
"""

from __future__ import annotations

from enum import IntEnum


class CompilationMode(IntEnum):
    """Who compiles a model, and how often."""

    NONE = 0
    """The model runs as it is written."""
    STOCK_TORCH_COMPILE = 1
    """Plain `torch.compile`: guards are checked at every call, and a call that fails them compiles again."""
    DYNAMO_TRACE_ONCE = 2
    """Dynamo traces one graph, and its guards are dropped: the graph serves every batch size."""
    VLLM_COMPILE = 3
    """As before, and the graph is rewritten by passes, cut at the splitting ops, and each piece is wrapped."""

    @property
    def drops_guards(self) -> bool:
        """Tell whether one trace serves for ever."""
        return self >= CompilationMode.DYNAMO_TRACE_ONCE
