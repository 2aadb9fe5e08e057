"""Wrong ideas about graphs or eager, each recognised by the seconds that it finds or by what it chooses."""

from __future__ import annotations

from typing import Any

from mini_lib.labs.signatures import Recognises
from mini_lib.learn import Misconception, Outcome, same

_CHAT, _TESTS, _LARGE, _SMALL_CARD, _BURST, _HOST, _JUST, _THREE, _LITTLE = range(
    9
)  # places in the cases of enforcing.py
_SAVE, _COST, _BUDGETS, _LOSE = "What graphs save", "What graphs cost", "Two budgets", "When graphs lose"


def _seconds(signature: dict[int, float]) -> Recognises:
    """Return a test for these wrong seconds, whatever the choice: {case: seconds}."""
    return lambda outcomes: all(same(round(_pair(outcomes[case])[1], 3), us) for case, us in signature.items())


def _chooses(signature: dict[int, bool], seconds_right: bool = True) -> Recognises:
    def recognises(outcomes: tuple[Outcome, ...]) -> bool:
        return all(
            _pair(outcomes[case])[0] is choice
            and (not seconds_right or abs(_pair(outcomes[case])[1] - _expected(outcomes[case])[1]) < 1e-3)
            for case, choice in signature.items()
        )

    return recognises


def _pair(outcome: Outcome) -> Any:
    value: Any = outcome.value
    return value


def _expected(outcome: Outcome) -> Any:
    return outcome.case.expected


def _rounded(outcomes: tuple[Outcome, ...]) -> bool:
    """Tell whether all seconds have two decimals at most; most right ones have three."""
    return all(same(_pair(one)[1], round(_pair(one)[1], 2)) for one in outcomes)


STEPS = (
    Misconception(
        "a factor of 1000",
        "Your seconds are off by a factor of 1000, or of a million, in one of their parts: steps take us, captures "
        "take ms.",
        lambda outcomes: any(
            _seconds({_TESTS: seconds})(outcomes) for seconds in (3717.6, 3737979.6, -20396.262, 3.718)
        ),
        see=_SAVE,
    ),
    Misconception(
        "what eager saves",
        "For the chat server you say -18688.005 s: that is what eager would save. Asked for is what graphs save, above "
        "0 where they win.",
        _seconds({_CHAT: -18688.005, _TESTS: 16.662}),
        see=_SAVE,
    ),
    Misconception(
        "captures at every step",
        "You pay for all captures in every step. A graph is captured once, replayed in every step after that.",
        _seconds({_TESTS: -40796.262}),
        see=_COST,
    ),
    Misconception(
        "one step",
        "You weigh what one step saves against all captures. What counts is one step's saving times the steps between "
        "two starts.",
        _seconds({_TESTS: -20.398}),
        see=_SAVE,
    ),
    Misconception(
        "ignores start-up",
        "For the server that is started for every test you say 3.738 s. Its captures are not paid for: 51 graphs of "
        "400 ms, 20.4 s at each start.",
        _seconds({_TESTS: 3.738}),
        see=_COST,
    ),
    Misconception(
        "one graph",
        "For the server that is started for every test you say 3.338 s: you pay for one graph's capture, and there "
        "are 51.",
        _seconds({_TESTS: 3.338}),
        see=_COST,
    ),
    Misconception(
        "adds the lanes",
        "For the chat server you say 29163.005 s. You add the two lanes of a step; they run side by side, and the step "
        "takes as long as the longer one.",
        _seconds({_CHAT: 29163.005}),
        see=_SAVE,
    ),
    Misconception(
        "counts launches",
        lambda outcomes: (
            f"For the large batches you say {_pair(outcomes[_LARGE])[1]:.0f} s. You count launches saved, and their "
            f"time "
            "there is hidden behind the GPU's: nobody waited for them."
        ),
        lambda outcomes: any(_seconds({_LARGE: seconds})(outcomes) for seconds in (4475.505, 4490.505)),
        see=_SAVE,
    ),
    Misconception(
        "forgets the copies",
        "For the large batches you say 178.005 s. Before each replay the batch is copied into the static inputs, on "
        "the GPU's lane: copy_us, which is more there than the smaller gaps save.",
        _seconds({_LARGE: 178.005}),
        see=_LOSE,
    ),
    Misconception(
        "forgets the host",
        "For the chat server you say 17188.005 s. The CPU's other work is missing: host_us is in every step, beside "
        "the launches.",
        _seconds({_CHAT: 17188.005}),
        see=_SAVE,
    ),
    Misconception(
        "a graph without a CPU",
        lambda outcomes: (
            f"With host_us 1500 you say {_pair(outcomes[_HOST])[1]:.3f} s. A step with a graph has a CPU's lane as "
            f"well: "
            "the CPU's other work and one graph launch, which is the longer lane there."
        ),
        lambda outcomes: any(_seconds({_CHAT: 18688.005, _HOST: wrong})(outcomes) for wrong in (32188.005, 28123.005)),
        see=_SAVE,
    ),
    Misconception(
        "the eager gap in a graph",
        "For the chat server you say 17563.005 s: kernels inside a graph keep the graph's gap, which is smaller.",
        _seconds({_CHAT: 17563.005}),
        see=_SAVE,
    ),
    Misconception(
        "rounded",
        "Your seconds are the right ones, rounded or cut. Give them as they come.",
        lambda outcomes: all(abs(_pair(one)[1] - _expected(one)[1]) <= 1 for one in outcomes) and _rounded(outcomes),
        see=_SAVE,
    ),
    Misconception(
        "no less than nothing",
        "Where graphs lose you say 0. By how much they lose is what decides: the number may well be below 0.",
        _seconds({_TESTS: 0.0, _LARGE: 0.0}),
        see=_LOSE,
    ),
)

CHOICES = (
    Misconception(
        "the other way round",
        "Your choice is the other way round: enforce_eager True means no graphs, as in vLLM.",
        _chooses({_CHAT: True, _TESTS: False}),
        see=_BUDGETS,
    ),
    Misconception(
        "graphs always",
        "You never say eager. The third of your servers loses 92 s by its graphs, the fourth has no memory for them, "
        "and the fifth no time.",
        _chooses({_TESTS: False, _LARGE: False, _SMALL_CARD: False, _BURST: False}),
        see=_LOSE,
    ),
    Misconception(
        "ignores the saving",
        "You choose graphs for a server on which they cost more than they bring: it saves less than its captures cost.",
        _chooses({_TESTS: False, _SMALL_CARD: True}),
        see=_LOSE,
    ),
    Misconception(
        "never graphs",
        "You never choose graphs. They save the chat server 18688 s between two starts, and both of its budgets allow "
        "them.",
        _chooses({_CHAT: True, _HOST: True, _JUST: True}),
        see=_SAVE,
    ),
    Misconception(
        "ignores both budgets",
        "You choose graphs where 35 of them take 350 MiB with free_mib 300, and where they take 2 s with "
        "startup_budget_s 1.5. Each budget has a veto of its own.",
        _chooses({_TESTS: True, _SMALL_CARD: False, _BURST: False}),
        see=_BUDGETS,
    ),
    Misconception(
        "ignores the memory",
        "You choose graphs for the server with free_mib 300. Its 35 graphs take 350 MiB: it would not start.",
        _chooses({_SMALL_CARD: False, _BURST: True}),
        see=_BUDGETS,
    ),
    Misconception(
        "ignores the time to start",
        "You choose graphs for the server with startup_budget_s 1.5. Its 35 captures take 2 s: it would be ready too "
        "late.",
        _chooses({_BURST: False, _SMALL_CARD: True}),
        see=_BUDGETS,
    ),
)

LIMITS = (
    Misconception(
        "just fits",
        "You choose eager for the server whose 32 graphs take 320 MiB and 4 s, with free_mib 320 and startup_budget_s "
        "4. What just fits, fits.",
        _chooses({_CHAT: False, _JUST: True}),
        see=_BUDGETS,
    ),
    Misconception(
        "saves too little",
        "You choose eager for a server on which graphs save 0.381 s between two starts. That is little, and more than "
        "nothing.",
        _chooses({_CHAT: False, _THREE: True, _LITTLE: True}),
        see=_COST,
    ),
)
