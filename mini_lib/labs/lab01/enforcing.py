"""Exercise 1.7: graphs or eager, for a server that has to start and to fit."""

from __future__ import annotations

from typing import Any

from mini_lib.labs.lab01.enforcing_ideas import CHOICES, LIMITS, STEPS
from mini_lib.labs.lab01.servers import BUSY_HOST, CHAT, JUST_FITS, LARGE, SERVERS, TESTS, THREE_GRAPHS, Server
from mini_lib.labs.signatures import arguments
from mini_lib.learn import Case, Exercise, Outcome


def _agrees(yours: Any, expected: Any) -> bool:
    """Tell whether choice and seconds agree; seconds are a small difference of large times, so to 1e-6."""
    return (
        len(yours) == 2
        and isinstance(yours[0], bool)
        and yours[0] == expected[0]
        and not isinstance(yours[1], bool)
        and abs(yours[1] - expected[1]) <= 1e-6 * max(1.0, abs(expected[1]))
    )


def _called(server: Server) -> str:
    """Return how a sentence names a server: as the lab does, by what it has of its own, or with all that it is."""
    for number, known in enumerate(SERVERS.values(), start=1):
        if server == known:
            return f"server {number}"
    own = {key: value for key, value in server.items() if value != CHAT[key]}
    return f"server 1, but with {own}," if len(own) < 5 else f"the server {server}"


def _differs(outcome: Outcome) -> str:
    value: Any = outcome.value
    expected: Any = outcome.case.expected
    eager, seconds = expected
    (server,) = arguments(outcome)
    if not isinstance(value, list) or len(value) != 2:
        return f"Two values are asked for, [enforce_eager, seconds]; you gave {value!r:.60} back."
    if not isinstance(value[0], bool):
        return (
            f"The choice is True or False, as vLLM's enforce_eager takes it: True for eager. Yours is {value[0]!r:.40}."
        )
    if isinstance(value[1], bool) or not isinstance(value[1], int | float):
        return f"The second value is a number of seconds, {seconds:.3f} here; yours is {value[1]!r:.40}."
    told = f"For {_called(server)} graphs save {seconds:.3f} s between two starts"
    if abs(value[1] - seconds) > 1e-6 * max(1.0, abs(seconds)):
        return f"{told}, you say {value[1]:.3f}."
    return f"{told}, and enforce_eager should be {eager}; yours is {value[0]}."


ENFORCE_EAGER = Exercise(
    id="enforce_eager",
    title="1.7 Three servers",
    wants="[enforce_eager, seconds]: True for eager, and how many seconds graphs save from one start to the next",
    cases=(
        Case((CHAT,), [False, 18688.005]),
        Case((TESTS,), [True, -16.662]),
        Case((LARGE,), [True, -91.995]),
        Case(({**CHAT, "free_mib": 300},), [True, 18688.005]),
        Case(({**CHAT, "startup_budget_s": 1.5},), [True, 18688.005]),
        Case((BUSY_HOST,), [False, 28098.005]),
        Case((JUST_FITS,), [False, 18686.0]),
        Case((THREE_GRAPHS,), [True, -0.714]),
        Case(({**THREE_GRAPHS, "steps": 9000},), [False, 0.381]),
    ),
    misconceptions=(*STEPS, *CHOICES, *LIMITS),
    right="In words: microseconds at every step against seconds at every start, and both budgets have a veto.",
    hints=(
        "Reckon how long one step takes, eagerly and with a graph: each time the longer of two lanes. Their "
        "difference, times the steps, less the captures, is the number that decides.",
        "Eager: max(host_us + n * launch_us, n * (kernel_us + gap_us)). Graph: max(host_us + graph_launch_us, n * "
        "(kernel_us + graph_gap_us) + copy_us). Captures: num_graphs * capture_ms, in ms.",
        "us / 1e6 and ms / 1000 are seconds. The steps between two starts save so many, the captures take so many, and "
        "all graphs together so many MiB. Then come three comparisons, and graphs need all three.",
    ),
    agrees=_agrees,
    differs=_differs,
    difficulty=3,
    importance=5,
    minutes=8,
    points=3,
)
