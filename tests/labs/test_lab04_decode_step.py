"""The decode step of lab 4 tells a harmless padded row from a harmful one, whatever the harm is."""

import pytest
import torch

from mini_lib.labs.lab04 import decode_step
from mini_lib.labs.lab04.padding import BATCH, PAD_BATCH
from mini_lib.labs.lab04.padding_proof import fault

HARMLESS = {name: [*rows, *[int(name == "seq_lens")] * 3] for name, rows in BATCH.items()}


def padded_with(**entries: int) -> dict[str, list[int]]:
    """Return the harmless batch with another entry in its padded rows."""
    changed = {name: [*BATCH[name], *[entry] * 3] for name, entry in entries.items()}
    return {**HARMLESS, **changed}


def test_live_rows_and_cache_of_a_replay_equal_eager_bit_for_bit():
    for case in PAD_BATCH.cases * 2:  # wide, then narrow, then wide again: the tail of the buffers has been used
        batch = case.args[0]
        outputs, slots = decode_step.eager(batch)
        replayed = decode_step.replay(case.expected, batch)
        assert torch.equal(replayed.outputs[: len(outputs)], outputs)
        assert decode_step.changed_slots(replayed.slots, slots) == []


def test_poison_is_seen_by_its_slot_even_where_nan_replaces_nan():
    mine, right = decode_step.Memory().cache, decode_step.Memory().cache
    mine[17] = right[18]
    assert mine[17].isnan()
    assert right[17].isnan()
    assert decode_step.changed_slots(mine, right) == [17]


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"slot_mapping": -1}, "Slot 128 of the cache belongs to request 16"),
        ({"slot_mapping": 71}, "Live row 1 came out as"),
        ({"slot_mapping": 55}, "Slot 55 of the cache belongs to request 7"),
        ({"slot_mapping": 129}, "device-side assert"),
        ({"seq_lens": 0}, "Padded row 5 came out as NaN"),
        ({"seq_lens": -1}, "Padded row 5 came out as NaN"),
        ({"positions": 3}, "Padded row 5 came out as NaN"),
        ({"positions": 8}, "device-side assert"),
        ({"req_pool_indices": 4}, "Padded row 5 came out as NaN"),
        ({"req_pool_indices": 17}, "device-side assert"),
        ({"input_ids": 50}, "device-side assert"),
    ],
)
def test_a_harmful_entry_is_found_and_named(entries, told):
    assert told in fault(padded_with(**entries), HARMLESS)


@pytest.mark.parametrize("entries", [{}, {"input_ids": 49}, {"seq_lens": 8}])
def test_an_entry_that_harms_nobody_is_accepted(entries):
    assert fault(padded_with(**entries), HARMLESS) == ""


@pytest.mark.parametrize(
    ("yours", "told"),
    [
        (None, "gives no dict"),
        ({**HARMLESS, "more": []}, "gives no dict"),
        ({**HARMLESS, "seq_lens": BATCH["seq_lens"]}, "Your seq_lens has 5 entries, and the graph reads 8"),
        ({**HARMLESS, "positions": [0.5] * 8}, "Your positions is no list of whole numbers"),
        ({**HARMLESS, "input_ids": [1] * 8}, "Your input_ids does not begin with"),
    ],
)
def test_an_answer_of_another_shape_gets_a_sentence(yours, told):
    assert told in fault(yours, HARMLESS)
