"""What a step really launches and moves, read off the tensors of a run: the second source for `mini_lib.sim.costs`.

`Observer` sees each op of the run that the CPU twin would record, and adds up the operands that it is given: what it
reads and what it writes, as its schema says. A short table holds what a schema does not tell: who reads rows of a table
and not the table, and how far attention sees. Operations are those of torch's own `flop_counter`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

from mini_lib.config import ModelConfig
from mini_lib.dispatch import BatchDescriptor, CudagraphDispatcher, CUDAGraphMode
from mini_lib.engine import Engine
from mini_lib.engine.device_step import DeviceStep
from mini_lib.engine.runner import ModelRunner
from mini_lib.graphs import recorder
from mini_lib.graphs.rules import Treatment, treatment_of
from mini_lib.graphs.signatures import signature_of
from mini_lib.model import build_model
from mini_lib.scheduling.batch import SchedulerOutput
from mini_lib.sim.kernel_cost import KernelCost, StepKernels, StepShape


def size(*tensors: Tensor) -> int:
    return sum(one.numel() * one.element_size() for one in tensors)


def _attention(out: Tensor, query: Tensor, cache: Tensor, _: Tensor, rows: Tensor, positions: Tensor, __: int) -> int:
    """Each request's KV once, as far as its last token sees. Row 0 is padding: nobody asked for what it reads."""
    lengths = [int(positions[rows == row].max()) + 1 for row in rows.unique().tolist() if row]
    return size(out, query, rows, positions) + sum(lengths) * size(cache[:, 0, 0])


_MOVES = {
    "aten.embedding": lambda result, table, ids: size(ids, result, result),
    "aten.index": lambda result, table, ids: size(*ids, result, result),
    "aten.index_put_": lambda result, table, ids, values: size(*ids, values, values),
    "aten.copy_": lambda result, target, source, _=False: size(source, target),
    "mini_lib.kv_write": lambda _, key, value, cache, slots: size(slots) + 2 * size(key, value),
    "mini_lib.rope_and_kv_write": lambda _, positions, query, key, value, table, cache, slots: (
        size(positions, slots) + positions.numel() * size(table[0]) + 2 * size(query, key, value)
    ),
    "mini_lib.paged_attention": lambda _, *args: _attention(*args),
    "mini_lib.paged_hash": lambda _, *args: _attention(*args),
}


def bytes_moved(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> int:
    """Return the bytes of all operands: arguments that are read, arguments that are written, and new results."""
    signature = signature_of(func)
    if signature.name in _MOVES:
        return _MOVES[signature.name](result, *args)
    read = [one for name, one in zip(signature.arguments, args, strict=False) if name != "out"]
    written = [one for one, argument in zip(args, func._schema.arguments, strict=False) if argument.is_write]
    results = result if isinstance(result, tuple) else (result,)
    new = [one for one, source in zip(results, signature.returns, strict=False) if source is None]
    return size(*(one for group in (read, written, new) for one in _tensors(group)))


def flops_of(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> int:
    """Return the operations of matrix products and of attention, by torch's own formulas."""
    if signature_of(func).name == "mini_lib.paged_attention":
        _, query, _, _, rows, positions, _ = args
        heads, width = query.shape[1:]
        seen = [position + 1 for row, position in zip(rows.tolist(), positions.tolist(), strict=True) if row]
        return sum(sdpa_flop_count((1, heads, 1, width), *[(1, heads, keys, width)] * 2) for keys in seen)
    formula = flop_registry.get(func._overloadpacket)
    return formula(*args, **kwargs, out_val=result) if formula else 0


def _tensors(values: list[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(list(value))


_SPLIT = ("mini_lib.kv_write", "mini_lib.rope_and_kv_write", "mini_lib.paged_attention", "mini_lib.paged_hash")
_WANT_CONTIGUOUS = ("aten.roll", "aten._fused_rms_norm")  # torch's kernels on a GPU (2.9 to 2.15) copy what is not


class Observer(TorchDispatchMode):
    """Notes the kernels of a stretch of a program.

    `look_into_attention` False: there are no positions to look at. `on_gpu`: what a GPU copies first counts as well.
    """

    def __init__(self, look_into_attention: bool = True, on_gpu: bool = False) -> None:
        super().__init__()
        self.kernels: list[KernelCost] = []
        self.look_into_attention, self.on_gpu = look_into_attention, on_gpu

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        treatment = treatment_of(func, args, kwargs, lambda _: False)
        if treatment is Treatment.TAKE_APART:
            with self:
                return func.decompose(*args, **kwargs)
        result = func(*args, **kwargs)
        if treatment is Treatment.RECORD:
            self.note_copy(signature_of(func).name, args[0])
            self.kernels.append(self._cost(func, args, kwargs, result))
        return result

    def note_copy(self, name: str, operand: Any) -> None:
        """Note the copy that a GPU needs before the kernel `name`, if it needs one."""
        if self.on_gpu and name in _WANT_CONTIGUOUS and not operand.is_contiguous():
            self.kernels.append(KernelCost("aten.clone", 0, 2 * size(operand)))

    def _cost(self, func: Any, args: Any, kwargs: Any, result: Any) -> KernelCost:
        name = signature_of(func).name
        splits = name in _SPLIT
        if splits and not self.look_into_attention:
            return KernelCost(name, 0, 0, True)
        return KernelCost(name, flops_of(func, args, kwargs, result), bytes_moved(func, args, kwargs, result), splits)


class ObservedStep(NamedTuple):
    """One step of an engine: the batch as the scheduler made it, and what its run launched."""

    shape: StepShape
    kernels: StepKernels


class _Padding(CudagraphDispatcher):
    """Pads every batch to `size` tokens and runs it eagerly, so that everybody sees its kernels."""

    def __init__(self, padded: int) -> None:
        super().__init__(CUDAGraphMode.NONE, [], max_num_seqs=8)
        self.padded = padded

    def dispatch(self, num_tokens: int, *_: Any, **__: Any) -> tuple[CUDAGraphMode, BatchDescriptor]:
        return CUDAGraphMode.NONE, BatchDescriptor(max(num_tokens, self.padded))


def new_engine(config: ModelConfig, style: str, dtype: torch.dtype | None, padded: int = 0, **options: Any) -> Engine:
    """Return an engine for the CPU twin that records no graph and pads each batch to at least `padded` tokens."""
    small = {"max_num_seqs": 4, "max_num_batched_tokens": 16, "max_chunk_tokens": 5, "block_size": 4}
    eager = {"cudagraph_mode": CUDAGraphMode.NONE, "dispatcher": _Padding(padded)}
    model = build_model(config, style=style, dtype=dtype)
    return Engine(
        config, **{"model": model, "device_module": recorder, "stream_policy": "inline", **small, **eager, **options}
    )


def shape_of(batch: SchedulerOutput, num_tokens: int) -> StepShape:
    """Return the shape of a batch of `num_tokens` rows, padding included, as its requests say it."""
    ends = [request.start + len(request.token_ids) for request in batch.requests]
    seen = [range(request.start + 1, end + 1) for request, end in zip(batch.requests, ends, strict=True)]
    return StepShape(num_tokens, len(ends), sum(map(sum, seen)), sum(ends))


@contextmanager
def watching() -> Iterator[list[ObservedStep]]:
    """Note all steps that an engine runs."""
    steps: list[ObservedStep] = []
    batches: list[SchedulerOutput] = []
    plan, run, run_model = ModelRunner._plan, DeviceStep.run, DeviceStep.run_model

    def noting_plan(self: Any, batch: SchedulerOutput, place: int) -> Any:
        batches.append(batch)
        return plan(self, batch, place)

    def noting_model(self: Any, step: Any) -> Tensor:
        around.append(len(observer.kernels))
        hidden = run_model(self, step)
        around.append(len(observer.kernels))
        return hidden

    def noting_run(self: Any, step: Any) -> None:
        around.clear()
        observer.kernels = []
        with observer:
            run(self, step)
        first, last = around
        parts = (slice(0, first), slice(first, last), slice(last, None))
        kernels = StepKernels(*(tuple(observer.kernels[part]) for part in parts))
        steps.append(ObservedStep(shape_of(batches[len(steps)], step.descriptor.num_tokens), kernels))

    around: list[int] = []
    observer = Observer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelRunner, "_plan", noting_plan)
        patch.setattr(DeviceStep, "run", noting_run)
        patch.setattr(DeviceStep, "run_model", noting_model)
        yield steps
