"""The static inputs of captured graphs: one tensor per input, allocated once, at one address for ever.

A graph remembers addresses. So every batch is copied into the same tensors, and graphs of all sizes read their first
rows: the graph for 8 rows reads rows 0..7 of the tensor from which the graph for 32 rows reads 0..31. A batch of 5 that
rides in the graph for 8 leaves three padded rows, and kernels run on those too. So each input says which value is
*harmless*: a padded row may neither write where a live request reads, nor make a kernel divide by nothing.

What production pads with (vLLM 0.33.0, `gpu_model_runner.py`): slot -1 ("write nowhere"), null block 0, sequence
length 0. SGLang 0.5.23: KV slot 0 and request row 0, both reserved for padding, sequence length 1.

It does not know graphs, and it does not overlap copies with work: a pinned batch that the CPU rewrites too early is
another story.

>>> buffers = InputBuffers(8, {"slots": BufferSpec(torch.int64, pad=-1)}, torch.device("cpu"))
>>> buffers.copy_in(4, slots=torch.tensor([7, 9]))["slots"].tolist()
[7, 9, -1, -1]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from mini_lib.graphs.errors import StaleInputError


@dataclass(frozen=True)
class BufferSpec:
    """What one row of an input looks like, and the value of a padded row.

    `shape` is the shape of a row: `()` for one token id, `(512,)` for a vector. `pad` fills rows that no request owns.
    """

    dtype: torch.dtype
    shape: tuple[int, ...] = ()
    pad: float | bool = 0


class InputBuffers:
    """Static input tensors for batches of up to `max_rows` rows, filled with their padding.

    `tensors` maps each name to its tensor of shape (max_rows, *spec.shape). Write into them; never put another tensor
    in their place, since graphs go on reading the old one (vLLM issue 33638: garbled text after about 50 tokens).
    With `non_blocking`, `copy_in` returns before values in pinned memory are copied: leave them alone until they are.
    """

    def __init__(
        self,
        max_rows: int,
        specs: Mapping[str, BufferSpec],
        device: torch.device | str,
        *,
        non_blocking: bool = False,
    ) -> None:
        if max_rows < 1:
            raise ValueError(f"max_rows is {max_rows}: static inputs need room for at least one row.")
        if not specs:
            raise ValueError("InputBuffers got no specs: name at least one input, or there is no batch to pad.")
        self.max_rows = max_rows
        self.specs = dict(specs)
        self.device = torch.device(device)
        self.non_blocking = non_blocking
        self.tensors = {name: self._new_tensor(spec) for name, spec in self.specs.items()}
        self._addresses = {name: tensor.data_ptr() for name, tensor in self.tensors.items()}

    def _new_tensor(self, spec: BufferSpec) -> Tensor:
        return torch.full((self.max_rows, *spec.shape), spec.pad, dtype=spec.dtype, device=self.device)

    def __getitem__(self, name: str) -> Tensor:
        """Return the whole static tensor of one input, all `max_rows` rows."""
        return self.tensors[name]

    def views(self, num_rows: int) -> dict[str, Tensor]:
        """Return the first `num_rows` rows of every input: views of the static tensors, not copies."""
        self._check_room(num_rows)
        return {name: tensor[:num_rows] for name, tensor in self.tensors.items()}

    def copy_in(self, num_padded: int, **values: Tensor) -> dict[str, Tensor]:
        """Copy a batch into the static tensors, pad it, and return their first `num_padded` rows.

        Each value has shape (rows, *spec.shape) with the same number of rows, at most `num_padded`; it may lie on any
        device. Rows beyond it, up to `num_padded`, take the spec's `pad`. Nothing is written when a check fails.

        Raises:
            TypeError: a name is missing or unknown, or a dtype is not the spec's (`copy_` would convert it silently).
            ValueError: a shape is not the spec's, the values differ in rows, or there are more rows than fit.
            StaleInputError: a static tensor was rebound or moved since it was made.
        """
        num_rows = self.num_rows(**values)
        if num_rows > num_padded:
            raise ValueError(f"A batch of {num_rows} rows does not fit in {num_padded}: pad up, never down.")
        self.check_addresses()
        views = self.views(num_padded)
        for name, view in views.items():
            view[:num_rows].copy_(values[name], non_blocking=self.non_blocking)
            view[num_rows:].fill_(self.specs[name].pad)
        return views

    def num_rows(self, **values: Tensor) -> int:
        """Return how many rows a batch has, after checking names, dtypes and shapes against the specs."""
        self._check_names(values)
        for name, spec in self.specs.items():
            _check_value(name, spec, values[name])
        rows = {name: value.shape[0] for name, value in values.items()}
        if len(set(rows.values())) > 1:
            raise ValueError(f"The inputs of one batch have different numbers of rows: {rows}.")
        num_rows = next(iter(rows.values()))
        if num_rows < 1:
            raise ValueError("A batch of 0 rows has nothing to run: skip the step instead.")
        self._check_room(num_rows)
        return num_rows

    def check_addresses(self) -> None:
        """Raise `StaleInputError` when a static tensor is no longer where the graphs will look for it."""
        for name, address in self._addresses.items():
            now = self.tensors[name].data_ptr()
            if now != address:
                raise StaleInputError(
                    f"The static input {name!r} is not where it was: {address:#x} when it was made, {now:#x} now.",
                    "A graph reads the old address for ever, so it would replay old values. Copy new values into the "
                    "tensor (`tensor.copy_(new)`) instead of putting another tensor in its place.",
                )

    @contextmanager
    def only_padding(self) -> Iterator[None]:
        """Fill every row with its padding for the length of a `with`, then put back what was there."""
        before = {name: tensor.clone() for name, tensor in self.tensors.items()}
        for name, tensor in self.tensors.items():
            tensor.fill_(self.specs[name].pad)
        try:
            yield
        finally:
            for name, tensor in self.tensors.items():
                tensor.copy_(before[name])

    def _check_names(self, values: Mapping[str, Tensor]) -> None:
        missing = [name for name in self.specs if name not in values]
        unknown = [name for name in values if name not in self.specs]
        if missing or unknown:
            raise TypeError(
                f"This batch needs exactly the inputs {', '.join(self.specs)}; "
                f"missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}."
            )

    def _check_room(self, num_rows: int) -> None:
        if num_rows > self.max_rows:
            raise ValueError(
                f"{num_rows} rows are more than the {self.max_rows} that these static inputs hold. They cannot grow "
                f"later (graphs know their addresses): build InputBuffers with max_rows of at least {num_rows}."
            )


def _check_value(name: str, spec: BufferSpec, value: Tensor) -> None:
    if value.dtype != spec.dtype:
        raise TypeError(f"{name} is {value.dtype} but its static input is {spec.dtype}: use {name}.to({spec.dtype}).")
    if value.dim() == 0 or tuple(value.shape[1:]) != spec.shape:
        wanted = ", ".join(["rows", *map(str, spec.shape)])
        raise ValueError(f"{name} has shape {tuple(value.shape)}, but a graph has fixed shapes: it wants ({wanted}).")
