"""One step as the device sees it: fetch the batch, know its tokens, run the model, sample, keep the tokens, send them.

Nothing here waits for the device and nothing reads a value back: the CPU launches the whole step without knowing one
token of it. So tokens of the step before reach this one on the device alone, through the `FutureMap`, and the same text
runs on `torch.cuda`, in a forked worker that plays the GPU, or right here.

Two launches make a step. `copy_in` runs on the schedule stream, `run` on the forward stream; what orders them (wait for
the copy, do not overwrite what the last step still reads) is `ModelRunner`'s business.

Not modelled: sampling other than the most likely token, penalties, grammars, several devices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mini_lib.compilation import set_cudagraph_capturing_enabled
from mini_lib.dispatch import BatchDescriptor, CUDAGraphMode, set_forward_context
from mini_lib.engine.future_map import SymbolicTokens
from mini_lib.engine.limits import Limits
from mini_lib.engine.staging import REQUEST_INPUTS, TOKEN_INPUTS, StagingSet
from mini_lib.graphs import BufferSpec, InputBuffers
from mini_lib.graphs.launches import count_launches
from mini_lib.model import AttentionMetadata
from mini_lib.scheduling.batch import FUTURE_TOKEN

Forward = Callable[[Tensor, Tensor], Tensor]  # (input_ids[T], positions[T]) -> hidden[T, ...]
Sample = Callable[[Tensor], Tensor]  # hidden[R, ...] -> token ids int64[R]


class StepPlan(NamedTuple):
    """What the CPU decided about a step: plain values, so that a launch can carry them to another process."""

    staging: int  # which staging set holds the batch
    num_tokens: int
    num_requests: int
    mode: CUDAGraphMode
    descriptor: BatchDescriptor
    max_seq_len: int  # how far attention looks


class DeviceStep:
    """The device's half of a step: weights, KV caches, static inputs, waiting tokens, and the two things it is told.

    Args:
        forward: the model as it is captured and cut; called inside a forward context.
        sample: from the hidden states of the last tokens to the next tokens.
        kv_caches: one per layer, block 0 for padding.
        future_map: the tokens that wait; its three methods run in here, on the forward stream.
        staging: the host memory that batches come from and tokens go to.
        count: count the launches of every step, at a few microseconds per kernel.
        vocab_size: in debug only, to see at once when a symbolic id was not resolved to a token.
    """

    def __init__(
        self,
        forward: Forward,
        sample: Sample,
        kv_caches: Sequence[Any],
        future_map: SymbolicTokens,
        staging: Sequence[StagingSet],
        limits: Limits,
        device: torch.device,
        *,
        max_static_tokens: int,
        count: bool = True,
        vocab_size: int | None = None,
    ) -> None:
        self.forward, self.sample, self.kv_caches, self.future_map = forward, sample, kv_caches, future_map
        self.staging, self.limits, self.count, self.vocab_size = staging, limits, count, vocab_size
        # A padded token has id 0, position 0 and row 0, and writes its KV to slot 0: all of it belongs to nobody.
        per_token, per_request = (
            dict.fromkeys(names, BufferSpec(torch.int64)) for names in (TOKEN_INPUTS, REQUEST_INPUTS)
        )
        self.tokens = InputBuffers(max_static_tokens, per_token, device, non_blocking=True)
        self.requests = InputBuffers(limits.max_num_seqs, per_request, device, non_blocking=True)
        self.page_table = torch.zeros((limits.max_num_seqs + 1, limits.max_blocks), dtype=torch.int64, device=device)
        self.last_ids = torch.zeros(limits.max_num_seqs + 1, dtype=torch.int64, device=device)

    def copy_in(self, plan: StepPlan) -> None:
        """Fetch the batch from host memory into the static inputs, padded to the size of its graph."""
        staged = self.staging[plan.staging]
        tokens = {name: values[: plan.num_tokens] for name, values in staged.tokens.items()}
        requests = {name: values[: plan.num_requests] for name, values in staged.requests.items()}
        self.tokens.copy_in(plan.descriptor.num_tokens, **tokens)
        self.requests.copy_in(plan.num_requests, **requests)
        self.page_table.copy_(staged.page_table, non_blocking=True)

    def run(self, plan: StepPlan) -> None:
        """Do the whole step and send its tokens to host memory, without waiting for anything."""
        staged, requests = self.staging[plan.staging], self.requests.views(plan.num_requests)
        with torch.no_grad(), set_cudagraph_capturing_enabled(False), self._counting() as outside:
            ids = self.future_map.reserve(requests["rows"])  # real requests only: padding must not use up places
            self.resolve(plan.descriptor.num_tokens)
            with self._counting() as inside:
                hidden = self.run_model(plan)
            tokens = self.sample(hidden[requests["last_token"]])
            self.future_map.stash(ids, tokens)
            self.last_ids[requests["rows"]] = ids  # not before: resolve() had to find the ids of the step before
            staged.sampled[: plan.num_requests].copy_(tokens, non_blocking=True)
        if self.count:
            staged.launches[:] = torch.tensor([inside.kernels, inside.graphs, outside.kernels - inside.kernels])

    def resolve(self, num_tokens: int) -> None:
        """Put a token in place of each `FUTURE_TOKEN`: first the symbolic id of its request, then what that stands for.

        The CPU knows only *that* a row continues with the token of its last step. Which id that token went under is
        kept here, per row, so that a map may name its places as it likes.
        """
        tokens = self.tokens.views(num_tokens)
        input_ids = tokens["input_ids"]
        symbolic = torch.where(input_ids == FUTURE_TOKEN, self.last_ids[tokens["token_rows"]], input_ids)
        input_ids.copy_(self.future_map.resolve(symbolic))  # copied, not rebound: graphs read this address
        if self.vocab_size is not None:
            self._require_tokens(input_ids, tokens["token_rows"])

    def run_model(self, plan: StepPlan) -> Tensor:
        """Return the hidden states of the batch, replayed or not as the plan says. Capture comes here too."""
        tokens = self.tokens.views(plan.descriptor.num_tokens)
        metadata = AttentionMetadata(
            kv_caches=self.kv_caches,
            page_table=self.page_table,
            token_rows=tokens["token_rows"],
            slot_mapping=tokens["slot_mapping"],
            block_size=self.limits.block_size,
            max_seq_len=plan.max_seq_len,
        )
        descriptor = plan.descriptor if plan.mode else None
        with set_forward_context(plan.mode, descriptor, metadata):
            return self.forward(tokens["input_ids"], tokens["positions"])

    def forget(self) -> None:
        """Empty the KV caches: warm-up wrote into the null block, and capture may have left anything there."""
        for kv_cache in self.kv_caches:
            kv_cache.zero_()

    def _counting(self) -> Any:
        return count_launches() if self.count else nullcontext()

    def _require_tokens(self, input_ids: Tensor, rows: Tensor) -> None:
        """Raise where the model would be given an id outside the vocabulary. Waits for the device: debug only."""
        wrong = (input_ids < 0) | (input_ids >= (self.vocab_size or 0))
        if bool(wrong.any()):
            raise ValueError(
                f"After resolve() the model would read the ids {input_ids[wrong].tolist()} in rows "
                f"{rows[wrong].tolist()}: tokens run from 0 to {(self.vocab_size or 0) - 1}. Was a symbolic id read "
                "before its token was stashed, or after its place was given to somebody else?"
            )
