"""The kernels of attention: they write this step's keys and values, and one of them depends on how long requests are.

Each request's keys and values are read once, whatever number of its tokens looks at them. `splits` is set on all: in a
piecewise step they run between the graphs. In the fused style the kernel that writes also turns queries and keys.

On a GPU the course's kernel for attention is two: one looks at stretches of a context, the next puts the stretches of a
token together. The model has one op for both, and so has the CPU twin. Of what the first hands to the second, only one
stretch is counted: the others add up to 3 % of the KV read.

Not modelled: the page table (8 bytes a block, beside the KV of that block). In a prefill the course's kernel fetches
keys for each token anew, mostly from the GPU's cache; here they are read once. Without Triton, and on GPUs older than
compute capability 8.0 (a T4 is), attention and the writing of KV are many kernels of torch's, which are not listed.
"""

from __future__ import annotations

from mini_lib.config import ModelConfig
from mini_lib.sim.costs.ops import FLOAT32, INT64, Target, op
from mini_lib.sim.kernel_cost import KernelCost, StepShape


def attention_kernels(
    config: ModelConfig, style: str, shape: StepShape, itemsize: int, target: Target = "gpu"
) -> tuple[KernelCost, ...]:
    """Return the kernels of one layer's attention; the second is the one that reads what is cached.

    A query and a position cost 4 operations per channel: a multiply and an add for the score, and for the sum of
    values. The exact model hashes instead, in integers, which count as no arithmetic here.
    """
    queries = shape.num_tokens * config.q_size * itemsize
    seen = 2 * shape.kv_tokens * config.kv_size * itemsize
    ids = shape.num_tokens * INT64
    write = _write(config, style, shape.num_tokens, itemsize)
    if config.family == "exact":
        return write, op("mini_lib.paged_hash", queries, seen, ids, ids, queries, splits=True)
    flops = 4 * shape.attended * config.q_size
    if target == "twin":
        return write, op("mini_lib.paged_attention", queries, seen, ids, ids, queries, splits=True)._replace(
            flops=flops
        )
    # Per head a weighted sum of values, the sum of weights, and the largest score.
    parts = shape.num_tokens * config.num_heads * (config.head_dim + 2) * FLOAT32
    read = op("mini_lib.paged_attention", queries, seen, ids, ids, parts, splits=True)._replace(flops=flops)
    return write, read, op("mini_lib.paged_attention.put_together", parts, ids, queries, splits=True)


def _write(config: ModelConfig, style: str, num_tokens: int, itemsize: int) -> KernelCost:
    ids, keys = num_tokens * INT64, num_tokens * config.kv_size * itemsize
    if style != "fused" or config.family == "exact":
        return op("mini_lib.kv_write", keys, keys, ids, keys, keys, splits=True)
    queries, angles = num_tokens * config.q_size * itemsize, num_tokens * config.head_dim * FLOAT32
    turned = (ids, angles, queries, queries)
    return op("mini_lib.rope_and_kv_write", *turned, keys, keys, ids, keys, keys, splits=True)
