"""The two event loops, side by side: the difference is the lesson.

Both make batches, launch them and process their tokens until every request is finished. The normal loop waits for a
batch before it makes the next one, so the GPU idles while the CPU works. The overlap loop launches step n first and
then processes step n - 1, while the GPU computes step n. Nothing else differs.

Each yields what a step made known, and may be left early or slowed down by whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterator

from mini_lib.scheduling.batch import NewToken, Runner
from mini_lib.scheduling.scheduler import Scheduler
from mini_lib.withheld import withheld_in


@withheld_in("lab07")
def event_loop_normal(scheduler: Scheduler, runner: Runner) -> Iterator[list[NewToken]]:
    """Schedule, launch, wait, process: yield the new tokens of each step."""
    while scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None:
            scheduler.wait_for_arrival()
            continue
        output = runner.execute_model(batch)
        yield scheduler.update_from_output(batch, output.wait())


@withheld_in("lab07")
def event_loop_overlap(scheduler: Scheduler, runner: Runner) -> Iterator[list[NewToken]]:
    """Launch step n, then process step n - 1 while the GPU computes step n: yield the new tokens of each step.

    Step n is made before the CPU knows the tokens of step n - 1: they travel on the GPU, through the `FutureMap`.
    A stop token is therefore seen one step late. The last step is processed when there is nothing left to launch.
    """
    in_flight = None
    while in_flight or scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch)) if batch else None
        if in_flight:
            before, output = in_flight
            yield scheduler.update_from_output(before, output.wait())
        elif not launched:
            scheduler.wait_for_arrival()
        in_flight = launched
