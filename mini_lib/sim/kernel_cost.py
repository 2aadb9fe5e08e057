"""What a step asks of a device: its shape, and its kernels one by one with their arithmetic and their memory traffic.

>>> StepShape.decode(batch_size=4, context=100)
StepShape(num_tokens=4, num_requests=4, attended=400, kv_tokens=400)
>>> StepShape.prefill(prompt=3)
StepShape(num_tokens=3, num_requests=1, attended=6, kv_tokens=3)
"""

from __future__ import annotations

from typing import NamedTuple


class KernelCost(NamedTuple):
    """One kernel: the op that launches it as the CPU twin spells it ("aten.mm"), and what it does.

    `num_bytes` counts what is read and what is written. `splits` marks the kernels of a splitting op: they run eagerly
    between the graphs of a piecewise step.
    """

    name: str
    flops: int
    num_bytes: int
    splits: bool = False


class StepShape(NamedTuple):
    """One step, as far as its cost goes.

    `num_tokens` are the rows that are computed, padding included; `num_requests` the rows that are sampled from.
    `attended` sums the positions that each token sees, `kv_tokens` those that each request has in its KV cache: the
    first is what attention computes, the second what it has to read.
    """

    num_tokens: int
    num_requests: int
    attended: int
    kv_tokens: int

    @classmethod
    def decode(cls, batch_size: int, context: int) -> StepShape:
        """Return a step in which `batch_size` requests decode, each seeing `context` positions, its own included.

        Raises:
            ValueError: a batch of less than 1, a context of less than 0 (a step that sees nothing is for comparison).
        """
        if batch_size < 1 or context < 0:
            raise ValueError(f"a batch of {batch_size} requests that see {context} positions: there is no such step.")
        return cls(batch_size, batch_size, batch_size * context, batch_size * context)

    @classmethod
    def prefill(cls, prompt: int) -> StepShape:
        """Return the step that computes one prompt of `prompt` tokens."""
        return cls(prompt, 1, prompt * (prompt + 1) // 2, prompt)


class StepKernels(NamedTuple):
    """All kernels of a step in order of launch: the forward pass, which graphs may hold, and what is around it.

    `before` finds the tokens of the batch, `after` is the head, sampling, and keeping and sending the tokens.
    """

    before: tuple[KernelCost, ...]
    forward: tuple[KernelCost, ...]
    after: tuple[KernelCost, ...]
