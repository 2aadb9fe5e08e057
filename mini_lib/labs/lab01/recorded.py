"""What a GPU has measured, where one has been recorded for this course; a sentence where none has."""

from __future__ import annotations

from mini_lib.sim.recorded import RecordedRun, recorded_runs

NOTHING = "No GPU has been recorded for this course yet: the traces and times above are the simulator's."


def show_recorded(model: str = "qwen3-0.6b", style: str = "naive") -> None:
    """Print what each recorded GPU paid for launching, and its steps of one model, eager beside graph."""
    runs = [run for run in recorded_runs() if run.counts]
    if not runs:
        print(NOTHING)
    for run in runs:
        print("\n".join(launching(run) + steps(run, model, style)))


def launching(run: RecordedRun) -> list[str]:
    """Return lines on what a launch and a replay cost on this machine, none where that was not recorded."""
    fits = run.rows("launch", what="chain fit")
    if not fits:
        return []
    fit = fits[0]
    replay = f"a replay {fit['fixed_us']:.1f} us and {fit['node_us']:.2f} us for each kernel in it"
    return [run.source("launch"), f"    an eager launch takes {fit['eager_launch_us']:.1f} us, {replay}"]


def steps(run: RecordedRun, model: str, style: str) -> list[str]:
    """Return lines with the median step by batch, eager and with one graph, none where that was not recorded."""
    times = {
        mode: {row["batch"]: row["median_us"] for row in run.rows("step", model=model, style=style, mode=mode)}
        for mode in ("NONE", "FULL")
    }
    both = sorted(times["NONE"].keys() & times["FULL"].keys())
    if not both:
        return []
    head = [run.source("step"), f"    {f'{model}, {style}':<20}{'eager us':>12}{'graph us':>12}{'gain':>8}"]
    return head + [
        f"    batch {batch:<14}{eager:>12.1f}{graph:>12.1f}{eager / graph:>8.2f}"
        for batch, eager, graph in ((batch, times["NONE"][batch], times["FULL"][batch]) for batch in both)
    ]
