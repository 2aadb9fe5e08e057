"""The forward pass of the exact-integer model, kernel by kernel, except the two kernels of attention.

All of it is int64. Both targets are alike: a hash counts as one kernel, as if somebody had written it as one.
"""

from __future__ import annotations

from mini_lib.config import ModelConfig
from mini_lib.sim.costs.llama import ForwardParts
from mini_lib.sim.costs.ops import INT64, gather, op


def exact(config: ModelConfig, num_tokens: int) -> ForwardParts:
    """Return what `ExactModel` launches for so many tokens."""
    row = config.hidden_size * INT64
    hidden, one_each, three = num_tokens * row, num_tokens * INT64, 3 * num_tokens * row
    mul, add = op("aten.mul", hidden, hidden), op("aten.add", hidden, hidden, hidden)
    return ForwardParts(
        start=(gather("aten.embedding", num_tokens, row),),
        before=(
            op("aten.mul", one_each, one_each), op("aten.add", hidden, one_each, hidden),
            op("aten.mul", hidden, 3 * row, three), op("aten.add", three, 3 * row, three),
            op("mini_lib.mix", three, three),
        ),
        after=(add, op("aten.roll", hidden, hidden), mul, add, op("mini_lib.mix", hidden, hidden)),
        end=(),
    )  # fmt: skip
