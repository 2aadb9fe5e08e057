"""What a map gave back, compared with the tokens that were put in, and the first difference put into words.

The tokens of a script are all different, so a wrong one tells where it came from: another request of its batch, a
batch that came later, the map's own empty memory.
"""

from __future__ import annotations

from typing import Any, NoReturn

import torch
from torch import Tensor

from mini_lib.labs.lab07.findings import Fault


def require_int64(name: str, got: Any, length: int) -> None:
    """Raise a `Fault` unless `got` is an int64 tensor of shape [length]."""
    if not isinstance(got, Tensor):
        what = "None" if got is None else f"a {type(got).__name__}"
        raise Fault("no tensor", f"`{name}` gave {what} back, and its caller needs an int64 tensor.")
    if got.dtype != torch.int64:
        raise Fault("not int64", f"`{name}` gave a tensor of {got.dtype} back; ids and tokens are torch.int64.")
    if tuple(got.shape) != (length,):
        raise Fault("another shape", f"`{name}` was given {length} entries and gave shape {tuple(got.shape)} back.")


def require_values(wanted: list[int | str], given: list[int], got: list[int], tokens: dict[str, int]) -> None:
    """Raise a `Fault` for the first entry of `got` that is not what `wanted` stands for; the map saw `given`.

    `tokens` are all that were stashed, by name ("2.0": reserve number 2, first id). Real tokens are looked at first,
    because they need nothing but to be left alone.
    """
    pairs = list(zip(wanted, got, strict=True))
    right = [item if isinstance(item, int) else tokens[item] for item in wanted]
    if got != right and sorted(got) == sorted(right):
        raise Fault("another order", f"`resolve` should give {right} back, and gives {got}: the same, reordered.")
    for item, value in pairs:
        if isinstance(item, int) and value != item:
            _real_token_changed(item, value, pairs)
    if got == given and any(isinstance(item, str) for item in wanted):
        raise Fault("ids not replaced", f"`resolve` was given {given} and left the symbolic ids in it as they are.")
    for item, value in pairs:
        if isinstance(item, str) and value != tokens[item]:
            _future_wrong(item, value, tokens)


def _real_token_changed(token: int, value: int, pairs: list[tuple[int | str, int]]) -> NoReturn:
    others = [(item, got) for item, got in pairs if isinstance(item, int) and item != 0]
    if token == 0 and others and all(item == got for item, got in others):
        raise Fault("token 0 taken for an id", f"Token 0 came back from `resolve` as {value}: ids are below 0, not 0.")
    raise Fault("real tokens changed", f"Token {token} came back from `resolve` as {value}: it is no id.")


def _future_wrong(name: str, value: int, tokens: dict[str, int]) -> NoReturn:
    batch, place = map(int, name.split("."))
    right = tokens[name]
    asked = f"`resolve` was asked for the token {right} of reserve number {batch}, entry {place}"
    if value == (right + 2**31) % 2**32 - 2**31:
        raise Fault("too narrow", f"{asked}, and gave {value} back: something in your map holds 32 bits, not 64.")
    others = [other for other, token in tokens.items() if token == value]
    if not others:
        raise Fault("never stashed", f"{asked}, and gave {value} back, which nobody ever stashed.")
    other_batch, other_place = map(int, others[0].split("."))
    if other_batch == batch:
        raise Fault("another order", f"{asked}, and gave {value} back, the token of entry {other_place}.")
    if other_batch < batch:
        raise Fault("an older token", f"{asked}, and gave {value} back, an older token of reserve {other_batch}.")
    places = [tuple(map(int, other.split("."))) for other in tokens]
    num_later = sum(other >= (batch, place) for other in places)
    raise Fault(
        "overwritten",
        f"{asked}, and gave {value} back, the token of reserve number {other_batch}. From the lost one on, itself "
        f"included, {num_later} tokens had been stashed.",
    )
