"""The visible scripts for both maps of lab 7: short lists of calls, each of which one wrong idea does not survive.

All are for `max_num_seqs` = 4. Tokens are all different, because a wrong one should tell where it came from.
"""

from __future__ import annotations

from typing import Any

from mini_lib.labs.lab07.findings import FINE
from mini_lib.learn import Case

Script = list[list[Any]]
M = 4  # max_num_seqs of all visible cases


def decode_steps(sizes: list[int], first_token: int = 1000) -> Script:
    """Return decode steps of these batch sizes in an engine's order: reserve, resolve the step before, stash."""
    script: Script = []
    for step, size in enumerate(sizes):
        script.append(["reserve", list(range(1, size + 1))])
        script.append(["resolve", [f"{step - 1}.{place}" for place in range(sizes[step - 1])] if step else []])
        script.append(["stash", step, [first_token + 10 * step + place for place in range(size)]])
    return script


def waiting(before: list[int], others: list[int]) -> Script:
    """Return steps with one id that waits in row 1 while `others` are handed out, `before` having been used up."""
    script = decode_steps(before)
    for number, size in enumerate([1, *others], start=len(before)):
        rows = list(range(2, size + 2)) if number > len(before) else [1]
        script += [["reserve", rows], ["stash", number, [5000 + 10 * number + place for place in range(size)]]]
    return [*script, ["resolve", [7, f"{len(before)}.0"]]]


def one_token_requests(num_requests: int) -> Script:
    """Return a request that waits in row 1 while others come to row 2, bring one token each, and go."""
    script: Script = [["reserve", [1]], ["stash", 0, [77]]]
    for number in range(1, num_requests + 1):
        script += [["reserve", [2]], ["stash", number, [100 + number]]]
    return [*script, ["resolve", ["0.0"]], ["bound", 4 * M]]


HAND_OUT: Script = [["reserve", [2, 4, 1]]]
ROUND_TRIP: Script = [*HAND_OUT, ["stash", 0, [71, 0, 12]], ["resolve", [5, "0.2", 0, "0.1", "0.0", 100_000]]]
TWO_IN_FLIGHT: Script = [
    *(["reserve", [1, 2]], ["reserve", [4]], ["stash", 0, [31, 32]], ["stash", 1, [33]]),
    ["resolve", ["1.0", "0.0", "0.1"]],
]
WIDE_TOKENS: Script = [*HAND_OUT, ["stash", 0, [2**31 + 7, 2**40 + 9, 3]], ["resolve", ["0.0", "0.1", "0.2"]]]
NOBODY: Script = [["reserve", []], ["resolve", []], ["stash", 0, []], *HAND_OUT, ["stash", 1, [8, 9, 6]]]
PIECES: Script = [["reserve", [3]], ["stash", 0, [41]], ["reserve", [3]], ["stash", 1, [42]], ["resolve", [0, "1.0"]]]
PIECES_READ: Script = [*PIECES[:-1], ["resolve", ["0.0", "1.0"]]]  # both, which only a ring still has
PADDED: Script = [
    *(["reserve", [4]], ["stash", 0, [61]], ["reserve", [2, 0, 0, 0]], ["stash", 1, [62, 91, 92, 93]]),
    ["resolve", ["0.0", "1.0", 0, 0]],
]


def cases(*scripts: Script) -> tuple[Case, ...]:
    """Return a case for each script."""
    return tuple(Case((M, script), FINE) for script in scripts)
