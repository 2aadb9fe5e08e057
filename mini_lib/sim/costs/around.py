"""What a step launches around its forward pass: the kernels of `mini_lib.engine.device_step.DeviceStep.run`.

They find the tokens of the batch before it, and sample, keep and send its own after it. No graph holds them. Ids and
positions are int64, a comparison gives a byte.

Not modelled: the copies that bring the batch to the device, on a stream of their own, before all of this.
"""

from __future__ import annotations

from mini_lib.config import ModelConfig
from mini_lib.sim.costs.ops import BOOL, FLOAT32, INT64, Target, gather, gemm, op
from mini_lib.sim.kernel_cost import KernelCost, StepShape

Kernels = tuple[KernelCost, ...]
LOGITS_AT_A_TIME = 4096  # of which the first kernel of `mini_lib.model.kernels.greedy` keeps the largest and its place


def kernels_before(shape: StepShape) -> Kernels:
    """Return `FutureMap.reserve`, `DeviceStep.resolve` and `FutureMap.resolve`."""
    requests, ids, seen = shape.num_requests * INT64, shape.num_tokens * INT64, shape.num_tokens * BOOL
    look_up, choose = gather("aten.index", shape.num_tokens, INT64), op("aten.where", seen, ids, ids, ids)
    return (
        op("aten.neg", requests, requests),
        op("aten.eq", ids, seen), look_up, choose,
        op("aten.neg", ids, ids), op("aten.clamp", ids, ids), op("aten.lt", ids, seen), look_up, choose,
        op("aten.copy_", ids, ids),
    )  # fmt: skip


def kernels_after(config: ModelConfig, shape: StepShape, itemsize: int, target: Target = "gpu") -> Kernels:
    """Return the choice of each request's last token, the model's `sample`, `FutureMap.stash`, and sending tokens."""
    ids = shape.num_requests * INT64
    keep = op("aten.index_put_", ids, ids, ids)
    last = gather("aten.index", shape.num_requests, config.hidden_size * itemsize)
    if config.family == "exact":
        sample = _hash(config, shape.num_requests)
    else:
        sample = _head(config, shape.num_requests, itemsize, target)
    return (last, *sample, op("aten.neg", ids, ids), keep, keep, op("aten.copy_", ids, ids))


def _head(config: ModelConfig, num_requests: int, itemsize: int, target: Target) -> Kernels:
    """Return `Decoder.sample`: logits of the whole vocabulary, and the place of the largest, on a GPU in two steps."""
    logits, ids = num_requests * config.vocab_size * itemsize, num_requests * INT64
    head = gemm(num_requests, config.hidden_size, config.vocab_size, itemsize)
    if target == "twin":
        return head, op("mini_lib.sample", logits, ids)
    best = num_requests * -(-config.vocab_size // LOGITS_AT_A_TIME) * (FLOAT32 + INT64)
    return head, op("mini_lib.sample", logits, best), op("mini_lib.sample.put_together", best, ids)


def _hash(config: ModelConfig, num_requests: int) -> Kernels:
    """Return `ExactModel.sample`."""
    row, ids = config.hidden_size * INT64, num_requests * INT64
    rows = num_requests * row
    return (
        op("aten.mul", rows, row, rows), op("aten.sum", rows, ids),
        op("mini_lib.mix", ids, ids), op("aten.remainder", ids, ids),
    )  # fmt: skip
