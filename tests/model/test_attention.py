"""Attention through shuffled page tables gives what attention over a plain sequence gives, however it is cut up."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from mini_lib.config import ModelConfig
from mini_lib.dispatch.forward_context import set_forward_context
from mini_lib.dispatch.splitting_ops import split_by
from mini_lib.model import SPLITTING_OPS, AttentionMetadata, attention, hash_attention, new_kv_caches, rope_attention
from mini_lib.model import paged_attention as paged_attention_op
from mini_lib.model.decoder import rotation_table
from mini_lib.model.naive import rotate_half
from mini_lib.model.paged_attention import CHUNK
from tests.model.paged import BLOCK_SIZE, CONTEXT, Chunk, Paged

CONFIG = ModelConfig.tiny()
LENGTHS = {1: 23, 2: 9, 3: 1, 4: 30}

PREFILL = [{row: (0, length) for row, length in LENGTHS.items()}]
CHUNKED = [{1: (0, 7)}, {1: (7, 15), 2: (0, 9)}, {1: (22, 1), 3: (0, 1), 4: (0, 30)}]
DECODE = [dict.fromkeys(LENGTHS, (0, 1))] + [
    {row: (place, 1) for row, length in LENGTHS.items() if place < length} for place in range(1, 30)
]
ways = pytest.mark.parametrize("batches", [PREFILL, CHUNKED, DECODE], ids=["prefill", "chunked", "decode"])


def sequences(device, num_heads: int) -> dict[int, torch.Tensor]:
    """Return a random sequence of heads per row, (length, num_heads, head_dim)."""
    generator = torch.Generator().manual_seed(num_heads)
    shape = (num_heads, CONFIG.head_dim)
    return {row: torch.randn(length, *shape, generator=generator).to(device) for row, length in LENGTHS.items()}


def dense(q, k, v):
    """Return causal attention of one whole sequence, written out and computed in float64."""
    group = q.shape[1] // k.shape[1]
    wide = (q, k.repeat_interleave(group, 1), v.repeat_interleave(group, 1))
    q, k, v = (heads.double().transpose(0, 1) for heads in wide)
    scores = q @ k.transpose(1, 2) * q.shape[-1] ** -0.5
    later = torch.ones_like(scores).triu(1).bool()
    return (scores.masked_fill(later, float("-inf")).softmax(-1) @ v).transpose(0, 1).float()


def attend(paged, batch, qs, ks, vs, *, num_padded=0, padding=0.0, max_seq_len=CONTEXT, layer=1):
    """Run one batch, {row: (start, count)}, and return its rows of `out`, padding included."""
    inputs = paged.inputs([Chunk(row, start, [0] * count) for row, (start, count) in batch.items()], num_padded)
    pads = max(0, num_padded - sum(count for _, count in batch.values()))
    q, k, v = (
        functional.pad(
            torch.cat([heads[row][start : start + count] for row, (start, count) in batch.items()]),
            (0, 0, 0, 0, 0, pads),
            value=padding,
        )
        for heads in (qs, ks, vs)
    )
    out = torch.full_like(q, float("nan"))
    with set_forward_context(attn_metadata=paged.metadata(inputs["token_rows"], inputs["slot_mapping"], max_seq_len)):
        attention(q, k, v, out, inputs["positions"], layer)
    return out


def all_heads(device):
    return sequences(device, CONFIG.num_heads), sequences(device, CONFIG.num_kv_heads)


@ways
def test_attention_over_shuffled_blocks_is_attention_over_the_sequence(batches, device):
    paged = Paged(CONFIG, device, torch.float32)  # its caches are NaN wherever nothing was written
    qs, ks = all_heads(device)
    vs = {row: heads.flip(-1) * 0.7 for row, heads in ks.items()}
    seen = {row: [] for row in LENGTHS}
    for batch in batches:
        out = attend(paged, batch, qs, ks, vs)
        for row, rows in zip(batch, out.split([count for _, count in batch.values()]), strict=True):
            seen[row].append(rows)
    for row in LENGTHS:
        # float32 sums in another order, over at most 30 terms of size one
        torch.testing.assert_close(torch.cat(seen[row]), dense(qs[row], ks[row], vs[row]), rtol=0, atol=2e-6)


def test_a_block_size_and_a_group_of_heads_change_nothing_but_the_place(device):
    wanted = None
    for block_size in (1, 3, 16):
        num_blocks = -(-23 // block_size)
        table = torch.stack((torch.zeros(num_blocks).long(), 1 + torch.randperm(num_blocks))).to(device)
        caches = new_kv_caches(CONFIG, num_blocks + 1, block_size, device, torch.float32)
        places = torch.arange(23, device=device)
        slots = table[1][places // block_size] * block_size + places % block_size
        q, k = (heads[1] for heads in all_heads(device))
        out = torch.empty_like(q)
        metadata = AttentionMetadata(caches, table, torch.ones_like(places), slots, block_size, 23)
        with set_forward_context(attn_metadata=metadata):
            attention(q, k, k * 0.5, out, places, 0)
        wanted = out if wanted is None else wanted
        assert torch.equal(out, wanted)


def long_sequence(device, length=300, block_size=16):
    """Return q, k, v of one sequence, and a cache that holds it in blocks dealt backwards, with its page table."""
    q, k, v = torch.randn(3, length, 2, 16, generator=torch.Generator().manual_seed(1)).to(device)
    k = k * torch.linspace(0.2, 4, length, device=device)[:, None, None]  # the largest score comes late
    num_blocks = -(-length // block_size)
    table = torch.tensor([[0] * num_blocks, [*range(num_blocks, 0, -1)]], device=device)
    padded = functional.pad(torch.stack((k, v)), (0, 0, 0, 0, 0, -length % block_size))
    blocks = padded.unflatten(1, (num_blocks, block_size)).flip(1)
    return q, k, v, torch.cat((torch.full_like(blocks[:, :1], float("nan")), blocks), 1), table


def test_a_sequence_of_several_chunks_is_read_whole(device):
    q, k, v, cache, table = long_sequence(device)
    out, positions = torch.empty_like(q), torch.arange(300, device=device)
    paged_attention_op(out, q, cache, table, torch.ones_like(positions), positions, 300)
    # float32 sums of 300 terms in another order
    torch.testing.assert_close(out, dense(q, k, v), rtol=0, atol=1e-5)


def test_looking_further_than_needed_changes_no_bit(device):
    # A full graph looks to max_model_len, eager attention as far as the batch: both must give the same tokens.
    q, _, _, cache, table = long_sequence(device)
    positions = torch.tensor([0, 100, CHUNK - 1, CHUNK, CHUNK + 11, CHUNK + 12], device=device)
    rows, results = torch.ones_like(positions), []
    for max_seq_len in (*range(CHUNK + 13, CHUNK + 40), 2 * CHUNK, 300, 304):
        results.append(torch.empty_like(q[:6]))
        paged_attention_op(results[-1], q[:6], cache, table, rows, positions, max_seq_len)
    assert all(torch.equal(result, results[0]) for result in results)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sixteen_bits_are_computed_in_thirty_two(dtype, device):
    paged = Paged(CONFIG, device, dtype)
    qs, ks = ({row: heads.to(dtype) for row, heads in kind.items()} for kind in all_heads(device))
    out = attend(paged, {4: (0, 30)}, qs, ks, ks)
    assert out.dtype == dtype
    wanted = dense(qs[4].float(), ks[4].float(), ks[4].float()).to(dtype)
    # the inputs are the same numbers, so only the last rounding may differ: one unit in the last place
    torch.testing.assert_close(out, wanted, rtol=torch.finfo(dtype).eps, atol=1e-3)


def test_padded_rows_and_a_poisoned_null_block_leave_live_rows_alone(device):
    qs, ks = all_heads(device)
    batch = {1: (0, 23), 3: (0, 1)}
    harmless, poisoned = (Paged(CONFIG, device, torch.float32) for _ in range(2))
    for cache in harmless.kv_caches:
        cache[:, 0].fill_(2.5)
    wanted = attend(harmless, batch, qs, ks, ks, num_padded=32, padding=1.5)
    out = attend(poisoned, batch, qs, ks, ks, num_padded=32, padding=float("nan"))
    assert torch.equal(out[:24], wanted[:24]) and wanted.isfinite().all()
    assert all(cache[:, 0].isnan().all() for cache in poisoned.kv_caches)
    assert torch.equal(*(one.kv_caches[1][:, 1:].nan_to_num(7.5) for one in (harmless, poisoned)))


def test_rows_beyond_the_metadata_are_padding_and_stay_as_they_were(device):
    paged = Paged(CONFIG, device, torch.float32)
    heads = torch.randn(5, 4, 16, generator=torch.Generator().manual_seed(3)).to(device)
    inputs = paged.inputs([Chunk(2, 0, [0] * 3)])
    out = torch.full_like(heads, 8.25)
    positions = functional.pad(inputs["positions"], (0, 2))
    with set_forward_context(attn_metadata=paged.metadata(inputs["token_rows"], inputs["slot_mapping"])):
        attention(heads, heads[:, :2], heads[:, 2:], out, positions, 0)
        assert (out[3:] == 8.25).all() and not (out[:3] == 8.25).any()
        with pytest.raises(ValueError, match="3 tokens, and attention got queries of 2"):
            attention(heads[:2], heads[:2, :2], heads[:2, 2:], out[:2], positions[:2], 0)


def test_attention_that_turns_is_rope_by_hand_and_then_attention(device):
    qs, ks = all_heads(device)
    batch, table = {1: (3, 5), 4: (0, 2)}, rotation_table(CONFIG).to(device)
    positions = torch.tensor([3, 4, 5, 6, 7, 0, 1], device=device)
    cos, sin = (torch.cat((half, half), -1).unsqueeze(1) for half in table[positions].chunk(2, -1))
    q, k = (
        torch.cat([heads[row][start : start + count] for row, (start, count) in batch.items()]) for heads in (qs, ks)
    )
    outs = []
    for turned in (False, True):
        paged = Paged(CONFIG, device, torch.float32)
        for cache in paged.kv_caches:
            cache.nan_to_num_(0.25)
        inputs = paged.inputs([Chunk(row, start, [0] * count) for row, (start, count) in batch.items()])
        outs.append(torch.empty_like(q))
        with set_forward_context(attn_metadata=paged.metadata(inputs["token_rows"], inputs["slot_mapping"])):
            if turned:
                rope_attention(q.clone(), k, k * 0.5, outs[-1], positions, table, 0)
            else:
                by_hand = [heads * cos + rotate_half(heads) * sin for heads in (q, k)]
                attention(*by_hand, k * 0.5, outs[-1], positions, 0)
    # float32: two products and a sum, rounded in another order
    torch.testing.assert_close(*outs, rtol=0, atol=2e-6)


def test_each_layer_has_its_own_cache(device):
    paged = Paged(CONFIG, device, torch.float32)
    qs, ks = all_heads(device)
    attend(paged, {1: (0, 5)}, qs, ks, ks, layer=0)
    assert paged.kv_caches[1].isnan().all()
    assert not paged.kv_caches[0].isnan().all()


@pytest.mark.parametrize("name", SPLITTING_OPS)
def test_the_opaque_op_does_what_its_python_function_does_and_both_can_be_cut(name, device):
    exact = name == "mini_lib::hash_attention"
    config = ModelConfig.exact() if exact else CONFIG
    dtype = torch.int64 if exact else torch.float32
    heads = torch.arange(5 * config.q_size).view(5, -1, config.head_dim).to(device, dtype) - 9
    k = heads[:, : config.num_kv_heads] * 3
    opaque = getattr(torch.ops.mini_lib, name.split("::")[1]).default
    angles = (torch.linspace(-1, 1, CONTEXT * config.head_dim, device=device).view(CONTEXT, -1),)
    cos_sin = angles if name == "mini_lib::rope_attention" else ()
    outs = []
    cuts = []
    for call in (SPLITTING_OPS[name], opaque):
        paged = Paged(config, device, dtype)
        inputs = paged.inputs([Chunk(2, 0, [0] * 5)])
        outs.append(torch.zeros_like(heads))
        with set_forward_context(attn_metadata=paged.metadata(inputs["token_rows"], inputs["slot_mapping"])):
            call(heads.clone(), k, k + 2, outs[-1], inputs["positions"], *cos_sin, 1)
            with split_by(lambda function, *args: cuts.append((function.__name__, args[-1]))):
                call(heads, k, k + 2, outs[-1], inputs["positions"], *cos_sin, 1)
    assert torch.equal(*outs) and outs[0].any()
    assert cuts == [(name.split("::")[1], 1)] * 2
    assert [attention, rope_attention, hash_attention] == list(SPLITTING_OPS.values())


def test_without_metadata_attention_says_what_is_missing(device):
    heads = torch.zeros(1, 4, 16, device=device)
    with pytest.raises(RuntimeError, match="set_forward_context"):
        attention(heads, heads[:, :2], heads[:, :2], heads, torch.zeros(1, device=device).long(), 0)


def test_metadata_that_cannot_be_is_refused(device):
    paged = Paged(CONFIG, device, torch.float32)
    one = torch.ones(1, device=device).long()
    for max_seq_len in (0, CONTEXT + 1):
        with pytest.raises(ValueError, match=f"16 blocks of {BLOCK_SIZE} tokens, {CONTEXT} in all"):
            paged.metadata(one, one, max_seq_len)
    with pytest.raises(ValueError, match="one entry per token"):
        paged.metadata(one, torch.cat((one, one)))
    with pytest.raises(ValueError, match="null block"):
        new_kv_caches(CONFIG, 1, 4, device, torch.float32)
