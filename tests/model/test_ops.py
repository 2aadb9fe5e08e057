"""Each op of the library's own: against plain torch, against torch's own checks of ops, and as one node of a graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import mini_lib.model  # registers the ops
from mini_lib.graphs import recorder
from mini_lib.model.hashing import GOLDEN
from mini_lib.model.naive import normalised, rotate_half

EPS = 1e-5


@dataclass(frozen=True)
class Case:
    """An op, arguments for it, and what plain torch makes of them: the new values of each tensor that it writes."""

    arguments: Callable[[], tuple[Any, ...]]
    wanted: Callable[..., dict[int, Tensor]]  # by place; -1 is what the op returns
    tolerance: float = 0.0  # of a number of size one, and of larger ones as a share: another device rounds otherwise


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def integers(*shape: int) -> Tensor:
    return torch.randint(-(2**63), 2**63 - 1, shape, generator=torch.Generator().manual_seed(sum(shape)))


def table(config_len: int = 32, head_dim: int = 8) -> Tensor:
    angles = torch.arange(config_len)[:, None] * torch.linspace(0.1, 1.0, head_dim // 2)
    return torch.cat((angles.cos(), angles.sin()), dim=-1)


def wanted_norm(out, hidden, weight, eps):
    return {0: normalised(hidden, weight, eps)}


def wanted_add_norm(hidden, residual, weight, eps):
    return {0: normalised(hidden + residual, weight, eps), 1: hidden + residual}


def wanted_rope(positions, query, key, value, cos_sin, kv_cache, slot_mapping):
    cos, sin = (torch.cat((half, half), -1) for half in cos_sin[positions].unsqueeze(1).chunk(2, -1))
    query, key = (heads * cos + rotate_half(heads) * sin for heads in (query, key))
    return {1: query, 5: wanted_write(key, value, kv_cache, slot_mapping)[2]}


def wanted_silu(out, gate_up):
    gate, up = gate_up.chunk(2, -1)
    return {0: gate * torch.sigmoid(gate) * up}


def wanted_write(key, value, kv_cache, slot_mapping):
    written = kv_cache.clone()
    for token, slot in enumerate(slot_mapping.tolist()):
        block, place = divmod(slot, kv_cache.shape[2])
        written[0, block, place], written[1, block, place] = key[token], value[token]
    return {2: written}


def wanted_attention(out, query, kv_cache, page_table, token_rows, positions, max_seq_len):
    rows = []
    for token, (row, position) in enumerate(zip(token_rows.tolist(), positions.tolist(), strict=True)):
        keys, values = entries(kv_cache, page_table[row], position, query.shape[1] // kv_cache.shape[3])
        scores = (query[token].unsqueeze(1) * keys.transpose(0, 1)).sum(-1) * query.shape[-1] ** -0.5
        rows.append((scores.softmax(-1).unsqueeze(-1) * values.transpose(0, 1)).sum(1))
    return {0: torch.stack(rows)}


def wanted_mix(value):
    return {-1: torch.tensor([wrapped(number) for number in value.flatten().tolist()]).view(value.shape)}


def wanted_hash(out, query, kv_cache, page_table, token_rows, positions, max_seq_len):
    rows = []
    for token, (row, position) in enumerate(zip(token_rows.tolist(), positions.tolist(), strict=True)):
        keys, values = (half.flatten(1).tolist() for half in entries(kv_cache, page_table[row], position, 1))
        asked = query[token].flatten().tolist()
        rows.append([signed(sum(entry_hash(asked[i], k[i], v[i], place) for place, (k, v) in
                                enumerate(zip(keys, values, strict=True)))) for i in range(len(asked))])  # fmt: skip
    return {0: torch.tensor(rows).view(query.shape)}


def entry_hash(query: int, key: int, value: int, place: int) -> int:
    return wrapped(wrapped(key + query + place * GOLDEN) + value)


def entries(kv_cache: Tensor, blocks: Tensor, position: int, group: int) -> tuple[Tensor, Tensor]:
    """Return keys and values of positions 0 to `position`, each KV head repeated for its group of query heads."""
    size = kv_cache.shape[2]
    places = [(int(blocks[place // size]), place % size) for place in range(position + 1)]
    keys, values = (torch.stack([half[where] for where in places]) for half in kv_cache)
    return keys.repeat_interleave(group, 1), values.repeat_interleave(group, 1)


def signed(number: int) -> int:
    """Return `number` as 64 bits hold it."""
    return (number + 2**63) % 2**64 - 2**63


def wrapped(number: int) -> int:
    """Return the hash of `number` in Python's integers, which never wrap around by themselves."""
    number = signed(number)
    for shift, factor in ((30, -4658895280553007687), (27, -7723592293110705685)):
        number = signed((number ^ (number >> shift)) * factor)
    return number ^ (number >> 31)


PAGES = torch.tensor([[0, 0, 0], [3, 1, 4], [2, 5, 0]])
ROWS, POSITIONS = torch.tensor([1, 2, 1, 0]), torch.tensor([5, 0, 2, 0])

CASES = {
    "rms_norm": Case(lambda: (numbers(3, 8) * 0, numbers(3, 8), numbers(8), EPS), wanted_norm, 1e-6),
    "fused_add_rms_norm": Case(lambda: (numbers(3, 8), numbers(1, 3, 8)[0], numbers(8), EPS), wanted_add_norm, 1e-6),
    "rope_and_kv_write": Case(
        lambda: (
            *(torch.tensor([0, 7, 31]), numbers(3, 4, 8), numbers(3, 2, 8), numbers(1, 3, 2, 8)[0], table()),
            *(torch.zeros(2, 6, 2, 2, 8), torch.tensor([9, 2, 4])),
        ),
        wanted_rope,
        1e-6,
    ),
    "silu_and_mul": Case(lambda: (torch.zeros(3, 4), numbers(3, 8)), wanted_silu, 1e-6),
    "sample": Case(lambda: (numbers(5, 11),), lambda logits: {-1: logits.max(-1).indices}),
    "kv_write": Case(
        lambda: (numbers(3, 2, 4), numbers(1, 3, 2, 4)[0], torch.zeros(2, 6, 2, 2, 4), torch.tensor([9, 2, 4])),
        wanted_write,
    ),
    "paged_attention": Case(
        lambda: (torch.zeros(4, 4, 4), numbers(4, 4, 4), numbers(2, 6, 2, 2, 4), PAGES, ROWS, POSITIONS, 6),
        wanted_attention,
        1e-6,
    ),
    "mix": Case(lambda: (integers(5, 2),), wanted_mix),
    "paged_hash": Case(
        lambda: (torch.zeros(4, 1, 2).long(), integers(4, 1, 2), integers(2, 6, 2, 1, 2), PAGES, ROWS, POSITIONS, 6),
        wanted_hash,
    ),
}
every_op = pytest.mark.parametrize("name", CASES)


def op(name: str) -> Any:
    return getattr(torch.ops.mini_lib, name).default


def moved(arguments: tuple[Any, ...], device: torch.device) -> tuple[Any, ...]:
    return tuple(one.clone().to(device) if isinstance(one, Tensor) else one for one in arguments)


def check(case: Case, before: tuple[Any, ...], after: tuple[Any, ...], returned: Any) -> None:
    """Assert that what should be written is, that what is returned is right, and that nothing else was touched."""
    wanted = case.wanted(*(one.cpu() if isinstance(one, Tensor) else one for one in before))
    assert (returned is not None) == (-1 in wanted)
    for place, value in enumerate(after):
        if isinstance(value, Tensor):
            should = wanted.get(place, before[place].cpu())
            torch.testing.assert_close(value.cpu(), should, rtol=case.tolerance, atol=case.tolerance)
    if -1 in wanted:
        assert torch.equal(returned.cpu(), wanted[-1])


@every_op
def test_an_op_does_what_plain_torch_does_and_touches_nothing_else(name, device):
    before = CASES[name].arguments()
    after = moved(before, device)
    check(CASES[name], before, after, op(name)(*after))


@every_op
def test_an_op_keeps_what_its_schema_promises(name):
    # torch's own checks: the schema tells all that is written, and the fake agrees with the real thing in shape.
    with torch.inference_mode(False):
        torch.library.opcheck(op(name), CASES[name].arguments())


@every_op
def test_an_op_is_one_node_and_replays_on_new_values(name, device_module, device):
    static = moved(CASES[name].arguments(), device)
    warm = moved(static, device)
    op(name)(*warm)
    graph = device_module.CUDAGraph()
    with device_module.graph(graph):
        returned = op(name)(*static)
    if device_module is recorder:
        assert graph.nodes == (f"mini_lib.{name}",)
    for one in static:
        if isinstance(one, Tensor) and one.is_floating_point():
            one.mul_(1.25)
    before = moved(static, torch.device("cpu"))
    graph.replay()
    check(CASES[name], before, static, returned)


def test_a_fused_norm_gives_the_same_bits_as_an_addition_and_a_norm(device):
    hidden, residual, weight = (one.to(device) for one in (numbers(5, 64), numbers(1, 5, 64)[0], numbers(64)))
    total = residual + hidden
    wanted = torch.empty_like(total)
    mini_lib.model.rms_norm(wanted, total, weight, EPS)
    assert device.type != "cpu" or torch.equal(wanted, functional.rms_norm(total, (64,), weight, EPS))
    mini_lib.model.fused_add_rms_norm(hidden, residual, weight, EPS)
    assert torch.equal(residual, total) and torch.equal(hidden, wanted)
