"""What harm a padded batch does, found by running it: the judge of exercise 4.4.

A batch is judged by its effect and not by its values: any token may stand in a padded row, because none does harm.
"""

from __future__ import annotations

from typing import Any

Batch = dict[str, list[int]]


def fault(yours: Any, expected: Any) -> str:
    """Return the harm that a padded batch does, as a sentence with numbers; "" for a harmless one.

    `expected` is a harmless batch of the same size; its rows of request 0, the padding row, are the padded ones.
    """
    num_live = sum(request != 0 for request in expected["req_pool_indices"])
    live = {name: column[:num_live] for name, column in expected.items()}
    return _fault_of_shape(yours, expected, live) or _fault_of_replay(yours, live)


def _fault_of_shape(yours: Any, expected: Batch, live: Batch) -> str:
    """Return what is wrong with an answer before anything runs, as a sentence; "" for nothing."""
    if not isinstance(yours, dict) or yours.keys() != expected.keys():
        return f"Your function gives no dict with {', '.join(expected)} back."
    for name, column in expected.items():
        if not isinstance(yours[name], list) or not all(type(entry) is int for entry in yours[name]):
            return f"Your {name} is no list of whole numbers."
        if len(yours[name]) != len(column):
            rest = "the last rows of the buffer keep what the batch before left there"
            return f"Your {name} has {len(yours[name])} entries, and the graph reads {len(column)}: {rest}."
        if yours[name][: len(live[name])] != live[name]:
            return f"Your {name} does not begin with the entries of the batch: live rows stay as they are."
    return ""


def _fault_of_replay(yours: Batch, live: Batch) -> str:
    """Return what the captured step did that eager did not, as a sentence; "" for nothing."""
    from mini_lib.labs.lab04 import decode_step  # here, so that torch waits until the first batch is padded

    try:
        replayed = decode_step.replay(yours, live)
    except decode_step.OutsideTable as error:
        return f"The replay looked outside a table ({error}). On a GPU that is a device-side assert."
    outputs, slots = decode_step.eager(live)
    for row, right in enumerate(outputs):
        if replayed.outputs[row] != right:
            mine = replayed.outputs[row]
            return f"Live row {row} came out as {mine:.6g} instead of {right:.6g}: a padded row touched its cache."
    for slot in decode_step.changed_slots(replayed.slots, slots):
        return f"Slot {slot} of the cache belongs to request {(slot + 7) // 8}, and a padded row wrote into it."
    for row in range(len(outputs), len(replayed.on_poison)):
        if replayed.on_poison[row].isnan():
            return f"Padded row {row} came out as NaN: it read what no padded row may read, or divided by 0 tokens."
    return ""
