"""`bench trace`: a few steps of the engine in a file."""

import os

import pytest

from mini_lib.bench.__main__ import main
from mini_lib.bench.trace import steady_steps
from mini_lib.timing import CPU, GPU, Span, Timeline
from mini_lib.timing.trace_file import read_trace

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="without fork there is no worker to play the GPU")


def engine_like(launch_starts):
    """Return a timeline whose step k is launched at launch_starts[k], for 2 us, and runs for 5 us after that."""
    cpu = [Span(CPU, f"launch {step}", start, start + 2) for step, start in enumerate(launch_starts)]
    gpu = [Span(GPU, f"step {step}", start + 2, start + 7) for step, start in enumerate(launch_starts)]
    return Timeline([*cpu, *gpu])


def test_the_stretch_that_was_disturbed_least_is_kept_and_begins_at_0():
    timeline = engine_like([0, 3, 6, 20, 40, 50, 60, 75])
    steady = steady_steps(timeline, steps=2, warm_steps=3)  # 40 to 60, and not the 0 to 6 of the warm-up
    assert [span.name for span in steady.lane(CPU)] == ["launch 4", "launch 5"]
    assert steady.lane(CPU)[0] == Span(CPU, "launch 4", 0, 2)
    assert steady.end_us <= 20


def test_a_span_that_reaches_over_the_end_is_cut_there():
    steady = steady_steps(engine_like([0, 4, 8]), steps=1, warm_steps=0)
    assert steady.lane(GPU) == (Span(GPU, "step 0", 2, 4),)


def test_too_short_a_run_is_refused_with_the_numbers():
    with pytest.raises(ValueError, match="2 launches after the first 1 hold no stretch of 2 steps"):
        steady_steps(engine_like([0, 4, 8]), steps=2, warm_steps=1)


@needs_fork
@pytest.mark.parametrize("loop", ["overlap", "normal"])
def test_the_file_says_where_it_is_from_and_shows_the_loop_at_work(tmp_path, capsys, loop):
    file = tmp_path / "engine.json"
    assert main(["trace", str(file), "--batch-size", "2", "--steps", "2", "--loop", loop, "--force-cpu"]) == 0
    assert str(file) in capsys.readouterr().out
    trace = read_trace(file)
    assert trace.made_by["kind"] == "recorded" and "CPU twin" in trace.made_by["device"]
    assert f"--loop {loop}" in trace.made_by["command"] and trace.made_by["batch_size"] == 2
    names = [span.name for span in trace.timeline.lane(CPU)]
    step = int(names[0].removeprefix("launch "))
    assert (f"process {step - 1}" in names) == (loop == "overlap")  # only there it comes after launch `step`
    assert any(span.name == f"step {step}" for span in trace.timeline.lane(GPU))


def test_a_folder_that_is_not_there_is_said_in_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match=r"bench trace: .*no_such"):
        main(["trace", str(tmp_path / "no_such" / "file.json"), "--batch-size", "1", "--steps", "1", "--force-cpu"])
