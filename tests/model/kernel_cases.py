"""Each kernel in Triton against the plain torch body of its op, on small odd shapes; and wrong kernels must fail.

`python -m tests.model.kernel_cases` runs all of it under Triton's interpreter on a CPU and prints one JSON object: what
went wrong, per case and per bug. A process of its own, because Triton decides when it is first imported whether it
interprets.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor

MODULES = ("norms", "activation", "kv_write", "greedy", "decode_attention")
WIDE = torch.float32
Kernels = dict[str, ModuleType]


class Case(NamedTuple):
    """An op's name, where its kernel is, and its arguments for a generator and a dtype, the same whenever asked."""

    module: str
    op: str
    arguments: Callable[[Callable[..., Tensor], torch.dtype], tuple[Any, ...]]
    dtype: torch.dtype = WIDE
    settings: tuple[tuple[str, int], ...] = ()  # of the module, for the length of the case


def strided(normal, dtype, num_tokens, *heads, width):
    """Return tensors of so many heads each, cut out of one wider tensor, as queries, keys and values are."""
    return normal(num_tokens, sum(heads), width).to(dtype).split(heads, dim=1)


def norm(num_tokens, num_heads, width):
    def arguments(normal, dtype):
        hidden, _ = strided(normal, dtype, num_tokens, num_heads, 1, width=width)
        out = torch.full(hidden.shape, float("nan"), dtype=dtype)
        return out, hidden, normal(width).to(dtype) + 2, 1e-5

    return arguments


def add_norm(num_tokens, width):
    return lambda normal, dtype: (
        *(normal(num_tokens, width).to(dtype) for _ in range(2)), normal(width).to(dtype) + 2, 1e-5
    )  # fmt: skip


def silu(num_tokens, width):
    return lambda normal, dtype: (
        torch.full((num_tokens, width), float("nan"), dtype=dtype), 3 * normal(num_tokens, 2 * width).to(dtype)
    )  # fmt: skip


def logits(normal, dtype):
    """Return rows whose largest logit stands last, first, twice in two blocks; a row with a NaN, one with no number."""
    rows = normal(5, 9000).clamp(-3, 3).to(dtype)
    rows[0, 8999], rows[1, 0], rows[2, 4500], rows[2, 8600], rows[3, 7000] = 9, 9, 7, 7, float("nan")
    rows[4] = float("-inf")
    return (rows,)


def written(num_heads, num_kv_heads, width, *, turned):
    """Return six tokens of which two are padding: both write to slot 0 of the null block."""

    def arguments(normal, dtype):
        q, k, v = strided(normal, torch.float32, 6, num_heads, num_kv_heads, num_kv_heads, width=width)
        q, k, v = ((heads * 1e6).to(dtype) if dtype == torch.int64 else heads.to(dtype) for heads in (q, k, v))
        cache = torch.full((2, 5, 3, num_kv_heads, width), -7, dtype=dtype)
        slots = torch.tensor([4, 3, 14, 9, 0, 0])
        if not turned:
            return k, v, cache, slots
        return torch.tensor([5, 0, 39, 1, 0, 0]), q, k, v, normal(40, width), cache, slots

    return arguments


def attention(num_heads, num_kv_heads, width, places, *, block_size=16, scale=1.0):
    """Return queries at `places`, (row, position), and a padded one, over a cache with NaN wherever nobody may look."""

    def arguments(normal, dtype):
        last = {row: max(place for own, place in places if own == row) for row, _ in places}
        num_blocks = 1 + max(last.values()) // block_size
        order = 1 + torch.arange(len(last) * num_blocks).flip(0).view(-1, num_blocks)
        table = torch.zeros(1 + max(last), num_blocks + 1, dtype=torch.int64)
        cache = torch.full((2, 1 + order.numel(), block_size, num_kv_heads, width), float("nan"), dtype=dtype)
        for blocks, (row, end) in zip(order, last.items(), strict=True):
            table[row, : 1 + end // block_size] = blocks[: 1 + end // block_size]
            seen = torch.arange(end + 1)
            rising = torch.linspace(0.2, scale, end + 1).view(1, -1, 1, 1)  # the largest scores come late
            numbers = normal(2, end + 1, num_kv_heads, width) * torch.cat((rising, torch.ones_like(rising)))
            cache[:, blocks[seen // block_size], seen % block_size] = numbers.to(dtype)
        rows, positions = torch.tensor([*places, (0, 0)]).unbind(1)
        query, _ = strided(normal, dtype, len(places) + 1, num_heads, 2, width=width)
        out = torch.full(query.shape, -77.0, dtype=dtype)
        return out, query, cache, table, rows.clone(), positions.clone(), 1 + max(last.values())

    return arguments


AROUND_BORDERS = [(1, 0), (1, 15), (1, 16), (3, 63), (3, 64), (2, 129)]
PREFILL = [(2, place) for place in range(20)]
LONG = [(1, 1100), (3, 513)]

CASES = {
    "a norm of a hidden state": Case("norms", "rms_norm", lambda *how: tuple(
        one.squeeze(1) if isinstance(one, Tensor) and one.dim() == 3 else one for one in norm(3, 1, 100)(*how))),
    "a norm of heads cut out of a wider tensor": Case("norms", "rms_norm", norm(3, 4, 80)),
    "a norm in 16 bits": Case("norms", "rms_norm", norm(2, 3, 65), torch.bfloat16),
    "a norm with a residual": Case("norms", "fused_add_rms_norm", add_norm(3, 300)),
    "a norm with a residual in 16 bits": Case("norms", "fused_add_rms_norm", add_norm(2, 77), torch.bfloat16),
    "silu of more than a block": Case("activation", "silu_and_mul", silu(2, 1500)),
    "silu in 16 bits": Case("activation", "silu_and_mul", silu(3, 33), torch.bfloat16),
    "the largest logit": Case("greedy", "sample", logits),
    "the largest logit in 16 bits": Case("greedy", "sample", logits, torch.bfloat16),
    "keys and values": Case("kv_write", "kv_write", written(4, 2, 80, turned=False)),
    "integers": Case("kv_write", "kv_write", written(1, 1, 2, turned=False), torch.int64),
    "turned keys": Case("kv_write", "rope_and_kv_write", written(8, 1, 80, turned=True)),
    "turned keys of as many heads in 16 bits": Case(
        "kv_write", "rope_and_kv_write", written(2, 2, 64, turned=True), torch.bfloat16),
    "attention around borders": Case("decode_attention", "paged_attention", attention(4, 1, 80, AROUND_BORDERS)),
    "attention with a head each": Case(
        "decode_attention", "paged_attention", attention(2, 2, 64, AROUND_BORDERS, block_size=3)),
    "attention with eight heads a group": Case(
        "decode_attention", "paged_attention", attention(16, 2, 128, [(1, 16), (2, 64)])),
    "attention in 16 bits": Case(
        "decode_attention", "paged_attention", attention(4, 2, 64, AROUND_BORDERS), torch.float16),
    "attention of large scores": Case(
        "decode_attention", "paged_attention", attention(2, 1, 64, AROUND_BORDERS, scale=200.0)),
    "attention of a prompt": Case("decode_attention", "paged_attention", attention(2, 1, 64, PREFILL)),
    "attention over many stretches": Case("decode_attention", "paged_attention", attention(4, 2, 64, LONG, scale=4.0)),
    "attention over coarse stretches": Case(
        "decode_attention", "paged_attention", attention(4, 2, 64, LONG, scale=4.0), settings=(("FEW", 0),)),
    "attention in one stretch": Case(
        "decode_attention", "paged_attention", attention(4, 2, 64, LONG), settings=(("FEW", 0), ("SOME", 0))),
}  # fmt: skip

# In bfloat16 on a GPU only: Triton's interpreter multiplies the bits of such matrices as if they were whole numbers.
ONLY_ON_A_GPU = {
    "attention in bfloat16": Case(
        "decode_attention", "paged_attention", attention(8, 2, 128, AROUND_BORDERS), torch.bfloat16),
    "attention of more tokens than programs": Case(
        "decode_attention", "paged_attention", attention(4, 4, 64, PREFILL * 28), torch.bfloat16),
}  # fmt: skip


class Bug(NamedTuple):
    """A wrong kernel: in the module of `case`, `old` (which occurs there once) reads `new`."""

    case: str
    old: str
    new: str


BUGS = {
    "sees one position too many": Bug("attention around borders", "seen = places < end", "seen = places <= end"),
    "sees one position too few": Bug("attention around borders", "seen = places < end", "seen = places < end - 1"),
    "subtracts no maximum": Bug("attention of large scores", "larger = tl.maximum(maximum, tl.max(scores, axis=1))",
                                "larger = tl.zeros_like(maximum)"),
    "looks up the wrong block": Bug("attention around borders", "places // BLOCK_SIZE", "(places + 1) // BLOCK_SIZE"),
    "looks up another request": Bug("attention around borders", "tl.load(token_rows + token)", "(1 + token % 3)"),
    "gives a group the wrong heads": Bug("attention with eight heads a group", "query += token * query_strides[0] + "
                                         "kv_head * GROUP", "query += token * query_strides[0] + kv_head"),
    "forgets to rescale a stretch": Bug("attention over coarse stretches", "weighted * rescale[:, None]", "weighted"),
    "forgets to rescale what was put together": Bug("attention over many stretches", "weighted * rescale + tl.sum",
                                                    "weighted + tl.sum"),
    "puts together what was never written": Bug("attention around borders", "filled = spans < num_filled",
                                                "filled = spans <= num_filled"),
    "reads the null block": Bug("attention around borders", "read = seen[:, None] & whole[None, :]",
                                "read = (places >= 0)[:, None] & whole[None, :]"),
    "turns the other way": Bug("turned keys", "left * cos - right * sin", "left * cos + right * sin"),
    "turns by the place in the batch": Bug("turned keys", "tl.load(positions + token)", "token"),
    "swaps cosines and sines": Bug("turned keys", "cos = tl.load(angles + columns", "cos = tl.load(angles + HALF + "
                                   "columns"),
    "writes keys to the values": Bug("keys and values", "target + cache_strides[0], value + token", "target, value + "
                                     "token"),
    "divides by the block": Bug("a norm of a hidden state", "axis=0) / WIDTH", "axis=0) / 128"),
    "forgets the residual": Bug("a norm with a residual", "    tl.store(target + columns, total, mask=inside)\n", ""),
    "takes the gate twice": Bug("silu of more than a block", "source + WIDTH", "source"),
    "takes the last of equal logits": Bug("the largest logit", "tl.min(tl.where(values == largest, places, 1 << 62)",
                                          "tl.max(tl.where(values == largest, places, -1)"),
    "overlooks a NaN": Bug("the largest logit", "tl.where(values != values, float(\"inf\"), values)", "values"),
}  # fmt: skip


def compare(case: Case, kernels: Kernels, device: torch.device) -> None:
    """Assert that the kernel writes what the plain body writes on a CPU, and leaves alone what that leaves alone."""
    wanted, got = _arguments(case), [_moved(one, device) for one in _arguments(case)]
    wanted_result = getattr(torch.ops.mini_lib, case.op)(*wanted)
    module, before = kernels[case.module], {name: getattr(kernels[case.module], name) for name, _ in case.settings}
    try:
        vars(module).update(case.settings)
        result = getattr(module, case.op)(*got)
    finally:
        vars(module).update(before)
    for one, other in zip([*wanted, wanted_result], [*got, result], strict=True):
        if isinstance(one, Tensor):
            torch.testing.assert_close(
                _that_counts(case, other.cpu()), _that_counts(case, one), equal_nan=True, **_tolerance(case)
            )


def _arguments(case: Case) -> tuple[Any, ...]:
    generator = torch.Generator().manual_seed(len(case.op))
    return case.arguments(lambda *shape: torch.randn(shape, generator=generator), case.dtype)


def _moved(value: Any, device: torch.device) -> Any:
    """Return a copy on `device` with the same strides: whole storages travel, and the view is taken there."""
    if not isinstance(value, Tensor):
        return value
    whole = torch.empty(0, dtype=value.dtype).set_(value.untyped_storage())
    return whole.clone().to(device).as_strided(value.shape, value.stride(), value.storage_offset())


def _that_counts(case: Case, tensor: Tensor) -> Tensor:
    """Return `tensor` without the null block and without padded rows: what lies there is anybody's guess."""
    if tensor.dim() == 5:
        return tensor[:, 1:]
    return tensor[:-1] if case.op == "paged_attention" and tensor.dim() == 3 else tensor


def _tolerance(case: Case) -> dict[str, float]:
    """Return how far two roundings of one sum may lie apart: float32 sums in another order, or one step of 16 bits.

    Triton's interpreter cuts bits off where a GPU rounds, so that a step of 16 bits is a whole one, not half of one.
    """
    if case.dtype == WIDE:
        return {"rtol": 2e-6, "atol": 2e-5 if case.op == "paged_attention" else 2e-6}
    eps = 0.0 if case.dtype == torch.int64 else torch.finfo(case.dtype).eps
    return {"rtol": 2 * eps, "atol": eps / 8}


def real_kernels() -> Kernels:
    """Return the modules of `mini_lib.model.kernels`, imported now."""
    return {name: importlib.import_module(f"mini_lib.model.kernels.{name}") for name in MODULES}


def wrong_kernels(bug: Bug, folder: Path) -> Kernels:
    """Return the modules with `bug` in one of them, read from a file in `folder`, where Triton finds its source."""
    name = CASES[bug.case].module
    source = Path(importlib.import_module(f"mini_lib.model.kernels.{name}").__file__ or "").read_text()
    assert source.count(bug.old) == 1, f"{bug.old!r} occurs {source.count(bug.old)} times in {name}: look at it anew"
    file = Path(tempfile.mkdtemp(dir=folder)) / f"{name}.py"
    file.write_text(source.replace(bug.old, bug.new))
    spec = importlib.util.spec_from_file_location(f"wrong_{name}", file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: module}


def complaint(case: Case, kernels: Kernels) -> str:
    """Return what is wrong, "" for nothing."""
    try:
        compare(case, kernels, torch.device("cpu"))
    except AssertionError as error:
        return str(error) or "wrong"
    return ""


def main() -> None:
    """Run all cases and all bugs under the interpreter and print what each came to."""
    assert os.environ.get("TRITON_INTERPRET") == "1", "set TRITON_INTERPRET=1: this runs kernels on a CPU"
    warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's, about the NaN and the overflows that are put in
    torch.set_num_threads(1)
    kernels = real_kernels()
    results = {name: complaint(case, kernels) for name, case in CASES.items()}
    with tempfile.TemporaryDirectory() as folder:
        for name, bug in BUGS.items():
            results[name] = complaint(CASES[bug.case], wrong_kernels(bug, Path(folder)))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
