"""Exercise 4.6: after how many decode steps a fine ladder has paid for its longer start-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mini_lib.labs.attempts import attempt
from mini_lib.labs.lab04.traffic import EIGHT_SIZES, TRAFFIC, VLLM_SIZES
from mini_lib.labs.signatures import raises_on
from mini_lib.learn import Case, Exercise, Misconception, answers

_ONE, _THREE, _NEVER = range(3)  # places in the cases below
_PRICE = "What a ladder costs"


@dataclass(frozen=True)
class Deployment:
    """A server whose start-up and padded rows have a price, each with its source."""

    name: str
    ms_per_graph: int
    us_per_padded_row: int
    step_ms: float
    source: str


# Prices of a padded row are upper bounds: they are differences between batches of real rows, or of real against padded.
DEPLOYMENTS = (
    Deployment("dense 1B, full graphs", 400, 12, 5.4, "capture: vllm#11349; rows 1 to 32, H100: DeepSpeed#8271"),
    Deployment("dense 1B, piecewise graphs", 57, 12, 5.4, "capture: vllm#22897; rows as above"),
    Deployment("DeepSeek-R1, 8 GPUs", 530, 1571, 55.0, "capture: TensorRT-LLM blog 20; 9 padded to 16: vllm#12920"),
)


def show_break_evens(break_even_steps: Callable[..., Any]) -> None:
    """Print for each deployment after how many steps, and hours, 51 sizes have cost less than 8; stubs are no error."""
    print(f"{'51 sizes against 8':<28}{'ms per graph':>14}{'us per padded row':>20}{'pay after steps':>18}{'hours':>8}")
    for server in DEPLOYMENTS:
        prices = server.ms_per_graph, server.us_per_padded_row
        steps = attempt(break_even_steps, dict(TRAFFIC), list(EIGHT_SIZES), list(VLLM_SIZES), *prices)
        if not isinstance(steps, int):
            return
        hours = steps * server.step_ms / 3_600_000
        print(f"{server.name:<28}{prices[0]:>14}{prices[1]:>20}{steps:>18}{hours:>8.2f}")
        print(f"    prices: {server.source}")


BREAK_EVEN = Exercise(
    id="break_even_steps",
    title="4.6 Fifty-one sizes, or eight?",
    wants="a whole number of decode steps back, or None where the finer ladder never pays",
    cases=(
        Case(({3: 1, 6: 1}, [8], [4, 8], 50, 300), 84),
        Case(({3: 3, 5: 1, 9: 2}, [16], [4, 8, 16], 57, 12), 1296),
        Case(({8: 5}, [8], [4, 8], 50, 300), None),
        Case((TRAFFIC, EIGHT_SIZES, VLLM_SIZES, 400, 12), 423362),
    ),
    misconceptions=(
        Misconception(
            "units",
            "With 50 ms a graph and 300 us a padded row you are off by a factor of 1000: bring milliseconds and "
            "microseconds to one unit first.",
            lambda outcomes: outcomes[_THREE].value in (1, 2, 1.29545, 1_295_454, 1_295_455),
            see=_PRICE,
        ),
        Misconception(
            "pays for all graphs of the fine ladder",
            "For [8] against [4, 8] you charge the fine ladder two captures. The coarse one needs a graph as well: "
            "only the difference has to be earned back.",
            answers({_ONE: 167, _THREE: 1944}),
            see=_PRICE,
        ),
        Misconception(
            "saving per day, not per step",
            "You divide by what all steps of the histogram save together. A histogram of six steps saves six times "
            "what one step saves on average.",
            answers({_ONE: 42, _THREE: 216}),
            see=_PRICE,
        ),
        Misconception(
            "steps counted once",
            "For {3: 3, 5: 1, 9: 2} you take each batch size once. Weigh each with its number of steps, as in 4.3.",
            answers({_THREE: 1425}),
            see="A histogram is a weight",
        ),
        Misconception(
            "rounds down",
            "For [8] against [4, 8] you say 83 steps. After 83 the finer ladder is still 200 us behind; it has paid "
            "after 84.",
            answers({_ONE: 83, _THREE: 1295}),
            see=_PRICE,
        ),
        Misconception(
            "no saving",
            "For batches of 8 only, [8] and [4, 8] pad the same rows: nothing is saved, and your function raises an "
            "exception. Return None: it never pays.",
            raises_on(_NEVER),
            see=_PRICE,
        ),
    ),
    right="In words: seconds once at start-up, against microseconds at every step.",
    hints=(
        "Two prices: what the finer ladder costs more at start-up, once, and what it saves at each step on "
        "average. Their quotient is a number of steps.",
        "More at start-up: (len(many) - len(few)) * ms_per_graph, in ms. Saved per step: the difference of the "
        "padded rows of the two ladders over the whole histogram, divided by its number of steps, times "
        "us_per_padded_row.",
        "Bring both to microseconds, return None when nothing is saved, and else math.ceil of the quotient.",
    ),
    difficulty=3,
    importance=4,
    minutes=8,
    points=2,
)
