"""One step of a model as the list of its kernels, derived from the config alone: what is launched, and what it moves.

The list is written from the model's text and checked against its runs: `tests/sim/test_costs.py` counts the kernels,
operations and bytes of real tensors and finds the same, kernel by kernel.

>>> shape = StepShape.decode(batch_size=4, context=100)
>>> for style in ("naive", "lean", "fused"):
...     step = step_kernels(ModelConfig.tiny(), style, shape)
...     print(style, [len(part) for part in step])
naive [10, 93, 8]
lean [10, 41, 8]
fused [10, 22, 8]

Not modelled: copies of the batch to the device, libraries that launch two kernels for one product, caches.
"""

from __future__ import annotations

from functools import lru_cache

from mini_lib.config import ModelConfig
from mini_lib.sim.costs.around import kernels_after, kernels_before
from mini_lib.sim.costs.attention import attention_kernels
from mini_lib.sim.costs.exact import exact
from mini_lib.sim.costs.llama import ForwardParts, Rows, fused, lean, naive
from mini_lib.sim.costs.ops import INT64, Target
from mini_lib.sim.kernel_cost import StepKernels, StepShape

STYLES = {"naive": naive, "lean": lean, "fused": fused}


def step_kernels(
    config: ModelConfig, style: str, shape: StepShape, *, itemsize: int = 2, target: Target = "gpu"
) -> StepKernels:
    """Return all kernels of one step of `config` written in `style`, in order of launch.

    `itemsize`: bytes per number, 2 or 4; the exact model computes in int64, in one style, whatever is asked for.
    `target`: what a GPU launches, or what the CPU twin counts.

    Raises:
        ValueError: a style, a target or an item size that does not exist.
    """
    itemsize = _itemsize(config, itemsize)
    parts = forward_parts(config, style, shape.num_tokens, itemsize, target)
    layer = (*parts.before, *attention_kernels(config, style, shape, itemsize, target), *parts.after)
    forward = (*parts.start, *(layer * config.num_layers), *parts.end)
    return StepKernels(kernels_before(shape), forward, kernels_after(config, shape, itemsize, target))


@lru_cache(maxsize=4096)
def forward_parts(config: ModelConfig, style: str, num_tokens: int, itemsize: int, target: Target) -> ForwardParts:
    """Return the forward pass without attention, which is all that depends on the requests' lengths."""
    if style not in STYLES or target not in ("gpu", "twin"):
        raise ValueError(
            f"there are no costs for style {style!r} and target {target!r}: styles are 'naive', 'lean' and 'fused', "
            "targets 'gpu' and 'twin'."
        )
    if config.family == "exact":
        return exact(config, num_tokens)
    return STYLES[style](Rows(config, num_tokens, itemsize, on_gpu=target == "gpu"))


def weight_bytes(config: ModelConfig, itemsize: int = 2) -> int:
    """Return the bytes of weights that one decode step reads: all, but of an embedding that is no head only its rows.

    A tied head counts once.
    """
    table = 0 if config.tie_embeddings else config.vocab_size * config.hidden_size
    return (config.num_parameters - table) * _itemsize(config, itemsize)


def bytes_read_per_step(config: ModelConfig, shape: StepShape, itemsize: int = 2) -> int:
    """Return what a step cannot help reading: weights, a row of the embedding per token, and the KV that it sees."""
    itemsize = _itemsize(config, itemsize)
    kv = 2 * config.num_layers * shape.kv_tokens * config.kv_size * itemsize
    return weight_bytes(config, itemsize) + shape.num_tokens * config.hidden_size * itemsize + kv


def _itemsize(config: ModelConfig, itemsize: int) -> int:
    if config.family == "exact":
        return INT64
    if itemsize not in (2, 4):
        raise ValueError(f"{config.name}: {itemsize} bytes per number have no costs here: choose 2 or 4.")
    return itemsize
