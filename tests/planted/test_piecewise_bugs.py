"""Section F: wrong ways to cut a model into graphs, and the tests of ours that notice them."""

from __future__ import annotations

import pytest

from mini_lib.compilation import CompilationMode
from tests.compilation import test_breakable as breakable
from tests.compilation import test_piecewise as piecewise
from tests.dispatch import test_dispatcher as dispatch
from tests.engine import test_capture_and_padding as engine
from tests.graphs import test_runner as runners
from tests.planted.catching import TWIN, Check, require_caught, row

IN_ORDER = Check(breakable.test_segments_are_one_more_than_breaks_and_replay_in_order, (TWIN, 2))
RUNS_NOTHING = Check(breakable.test_recording_runs_nothing_neither_kernels_nor_attention, (TWIN,))
LIVE = Check(breakable.test_attention_sees_the_metadata_of_the_step_it_runs_in, (TWIN,))
OUTLIVES = Check(
    breakable.test_what_passes_from_attention_to_the_next_segment_outlives_collection_and_other_allocations, (TWIN,)
)
ONE_SEGMENT = Check(breakable.test_without_a_break_there_is_one_segment_that_equals_a_full_graph, (TWIN,))
NO_EMPTY_SEGMENT = Check(breakable.test_a_segment_without_kernels_is_not_launched,
                         (TWIN, breakable.cut_first, 1, 1, [7.0, -14.0]))  # fmt: skip
OFF_THE_LADDER = Check(breakable.test_sizes_off_the_ladder_are_padded_and_give_the_rows_of_eager_and_full, (TWIN, 5))
LAUNCHES = Check(breakable.test_launches_of_a_step_are_all_kernels_or_segments_and_breaks_or_one, (TWIN,))
LAUNCHES_BREAKABLE = Check(engine.test_launches_per_step_are_those_of_its_mode, (CompilationMode.NONE,))
CAPTURE_RUNS_NOTHING = Check(piecewise.test_capturing_runs_no_op, (TWIN,))
ANY_SPLIT = Check(piecewise.test_any_split_of_a_list_gives_what_the_list_gives, (TWIN, (True, False, True, True)))
EVERY_SIZE = Check(runners.test_every_size_in_any_order_gives_the_tokens_and_the_cache_of_eager, (TWIN.module,))
LOOSE = Check(dispatch.test_a_batch_that_would_be_mostly_padding_runs_eagerly_where_that_is_wanted,
              (2, [1, 5, 6, 7]))  # fmt: skip

CUT, RECORDED, END = (("compilation.breakable", f"_Walk.{name}") for name in ("cut", "recorded", "end_segment"))
WRAPPER = ("compilation.wrapper", "CUDAGraphWrapper.__call__")
WRITE_DOWN = "self.steps.append(partial(call, *weak_ref(args)))"
REPLAY = "self._replay(entry.graph)\n        return entry.output"

BUGS = [
    row("F1 breaks before their segment", CUT, f"self.end_segment()\n        {WRITE_DOWN}",
        f"{WRITE_DOWN}\n        self.end_segment()", IN_ORDER),
    row("F1 the last segment is lost", RECORDED, "tuple(self.steps)", "tuple(self.steps[:-1])", IN_ORDER),
    row("F1 attention runs while it is recorded", CUT, WRITE_DOWN, f"{WRITE_DOWN}; call(*args)", RUNS_NOTHING),
    row("F1 ops run while they are recorded", ("compilation.piecewise", "PiecewiseGraphRunner.capture"),
        "x = self._graph_for(index, x).output", "x = piece.run(x)", CAPTURE_RUNS_NOTHING),
    row("F1 an uncapturable op is left out", ("compilation.piecewise", "PiecewiseGraphRunner.__call__"),
        "x = piece.run(x)", "pass", ANY_SPLIT),
    row("F2 metadata by value", CUT, WRITE_DOWN,
        "import contextvars\n"
        "        seen = contextvars.copy_context()\n"
        "        self.steps.append(partial(seen.run, partial(call, *weak_ref(args))))", LIVE),
    row("F4 attention works on copies", CUT, "*weak_ref(args)",
        "*(one.clone() if hasattr(one, 'clone') else one for one in args)", OUTLIVES),
    row("F4 the memory of an empty segment is let go", END, "self.graphs.append(graph)\n        if has_kernels:",
        "if has_kernels:\n            self.graphs.append(graph)", NO_EMPTY_SEGMENT),
    row("F5 an empty segment is launched", END, "if has_kernels:", "if True:", NO_EMPTY_SEGMENT),
    row("F6 cut to the padded size", ("graphs.runner", "GraphRunner.__call__"), "first_rows(output, num_rows)",
        "first_rows(output, size)", EVERY_SIZE),
    row("F7 falls back to eager", WRAPPER, REPLAY, "return self.runnable(*args, **kwargs)", LAUNCHES),
    row("F7 the engine falls back to eager", WRAPPER, REPLAY, "return self.runnable(*args, **kwargs)",
        LAUNCHES_BREAKABLE),
    row("F9 pads whatever it costs", ("dispatch.dispatcher", "CudagraphDispatcher._is_too_loose"),
        "return not uniform_decode and", "return False and", LOOSE),
    row("F9 decodes are turned away too", ("dispatch.dispatcher", "CudagraphDispatcher._is_too_loose"),
        "not uniform_decode and ", "", LOOSE),
]  # fmt: skip


@pytest.mark.parametrize(("bug", "check"), BUGS, ids=lambda one: getattr(one, "id", ""))
def test_a_wrong_cut_is_caught(bug, check):
    require_caught(bug, check)
