"""The faults of an event loop, each as a `Fault` with its name and what is said about this step of this run."""

from __future__ import annotations

from typing import Any

from mini_lib.labs.lab07.findings import Fault
from mini_lib.labs.lab07.handles import OutputHandle


def never_ends(num_calls: int) -> Fault:
    return Fault("never ends", f"After {num_calls} calls your loop is still running: what ends it?")


def not_launched(step: int) -> Fault:
    return Fault(
        "schedules twice",
        f"You call schedule() again before batch {step} was launched. Its tokens count as computed from then on, and "
        "nobody computes them.",
    )


def too_many_in_flight(num: int, oldest: int, *, overlap: bool) -> Fault:
    if not overlap:
        return Fault(
            "not sequential",
            f"You schedule the next batch while step {oldest} is still in flight. The sequential loop waits for a "
            "step and processes it, and only then makes the next batch.",
        )
    return Fault(
        "two in flight",
        f"You schedule the next batch with {num} steps in flight, the oldest of them step {oldest}. Launch step n, "
        "then process step n - 1: when a batch is made, at most one step is in flight, or stop tokens are "
        "seen later still.",
    )


def goes_on() -> Fault:
    return Fault("goes on", "All requests are finished, and your loop goes on: it ends when has_unfinished() is False.")


def asks_in_vain(oldest: int | None) -> Fault:
    if oldest is not None:
        return Fault(
            "leaves a step lying",
            f"schedule() says None: nothing can be launched until step {oldest}, which is in flight, was processed. "
            "You ask again instead. On a GPU this loop would ask for ever.",
        )
    return Fault(
        "busy",
        "schedule() says None: nobody who could run has arrived. You ask again and again, and the CPU burns. Call "
        "scheduler.wait_for_arrival(), which sleeps until somebody comes.",
    )


def launches_none() -> Fault:
    return Fault("launches None", "schedule() said None, nothing can run now, and you launched that None as a batch.")


def launches_another(batch: Any, wanted: int) -> Fault:
    return Fault(
        "launches another batch",
        f"execute_model got {batch!r:.60}, and the batch to launch now is the one that schedule() gave for step "
        f"{wanted}: each batch is launched once, in the order in which it was made.",
    )


def deadlock(step: int) -> Fault:
    return Fault(
        "deadlock",
        f"You wait for step {step} while step {step - 1} is not processed, and step {step} is held back until it is: "
        "the CPU would wait for itself for ever. After launching a step, wait for the one *before* it.",
    )


def waits_before_launch(step: int) -> Fault:
    return Fault(
        "waits before it launches",
        f"You wait for step {step} before step {step + 1} is made and launched. Until then the GPU has "
        "nothing to do: launch first, then wait for the step before.",
    )


def processes_first(step: int) -> Fault:
    return Fault(
        "processes first",
        f"You process step {step} before step {step + 1} is launched: the GPU idles as in the sequential loop. Launch "
        "step n, then process step n - 1.",
    )


def processes_none(batch: Any) -> Fault:
    return Fault("processes None", f"update_from_output got {batch!r:.60} as its batch, which schedule() never gave.")


def processes_unlaunched(step: int) -> Fault:
    return Fault("processes what never ran", f"You process batch {step}, which was made but not launched.")


def processes_twice(step: int) -> Fault:
    return Fault("processes twice", f"You process step {step} a second time: each step once, or tokens come twice.")


def out_of_order(step: int, oldest: int) -> Fault:
    return Fault(
        "out of order",
        f"You process step {step}, and step {oldest} is still waiting to be processed: results are taken in launch "
        "order.",
    )


def no_tokens(step: int, tokens: Any) -> Fault:
    if isinstance(tokens, OutputHandle):
        return Fault(
            "never waits",
            f"You hand update_from_output the output of step {step} itself. It is a promise: call its wait(), which "
            "gives the tokens.",
        )
    return Fault("never waits", f"You process step {step} with {tokens!r:.60}, and wait() gives a list of tokens.")


def tokens_of_another(step: int, waited: list[int]) -> Fault:
    known = f"you have waited for {waited}" if waited else "you have waited for no step"
    return Fault(
        "tokens of another step",
        f"You process batch {step} with tokens that are not its own ({known}). A batch and its output belong together: "
        "keep them as a pair.",
    )


def sleeps_on_a_step(step: int) -> Fault:
    return Fault(
        "sleeps on a step",
        f"You wait for arrivals while step {step} is in flight: its users wait for their tokens until somebody new "
        "comes. Process what is in flight first.",
    )


def sleeps_without_asking() -> Fault:
    return Fault("sleeps too soon", "You wait for arrivals although schedule() has not said None: there may be work.")


def stops_early(num_unfinished: int) -> Fault:
    return Fault(
        "stops early",
        f"Your loop ends with {num_unfinished} requests unfinished. None from schedule() means: not now. It ends when "
        "has_unfinished() is False.",
    )


def no_flush(step: int) -> Fault:
    return Fault(
        "leaves the last step",
        f"Your loop ends with step {step} in flight: it was launched, and nobody processes it. When there is nothing "
        "more to launch, the last step still has to be processed.",
    )


def raised(error: BaseException) -> Fault:
    first_line = (str(error).splitlines() or [""])[0][:200]
    return Fault(f"raises {type(error).__name__}", f"Your loop raised {type(error).__name__}: {first_line}")
