"""Section E: wrong ladders, dispatchers and graph runners, and the tests of ours that notice them."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from mini_lib.dispatch import CUDAGraphMode
from mini_lib.graphs import InputBuffers, recorder
from tests.dispatch import test_capture_sizes as sizes
from tests.dispatch import test_default_sizes as defaults
from tests.dispatch import test_dispatcher as dispatch
from tests.engine import test_capture_and_padding as engine
from tests.engine import test_seams as seams
from tests.engine import test_step as steps
from tests.graphs import test_buffers as buffers
from tests.graphs import test_capture as captures
from tests.graphs import test_conformance_refusals as refusals
from tests.graphs import test_runner as runners
from tests.graphs import test_runner_choice as choice
from tests.planted.catching import TWIN, Check, require_caught, row
from tests.scheduling import test_scheduler as by_hand

VLLM_OF_100 = Check(defaults.test_vllm_builds_its_default_ladder_from_max_num_seqs,
                    ("100", defaults.VLLM["default_by_max_num_seqs"]["100"]))  # fmt: skip
SGLANG_OF_100 = Check(defaults.test_sglang_holds_its_largest_batch_and_nothing_above_it.hypothesis.inner_test, (100,))
SGLANG_OF_3 = Check(defaults.test_sglang_holds_its_largest_batch_and_nothing_above_it.hypothesis.inner_test, (3,))
EACH_TO_ITSELF = Check(sizes.test_every_size_pads_to_itself_and_the_batch_above_the_largest_runs_eagerly
                       .hypothesis.inner_test, ((1, 2, 4, 8),))  # fmt: skip
NO_LARGER_DECODE = Check(dispatch.test_a_size_one_above_the_widest_decode_batch_has_no_decode_graph)
CASE_OF = {kind: next(case.values for case in dispatch.CASES if case.id.endswith(f"FULL_DECODE_ONLY-{kind}"))
           for kind in ("mixed", "uniform_decode")}  # fmt: skip
MIXED, DECODES = (Check(dispatch.test_every_batch_gets_the_mode_and_size_that_production_gives_it, tuple(case))
                  for case in CASE_OF.values())  # fmt: skip
LARGEST_FIRST = Check(dispatch.test_graphs_are_captured_piecewise_first_and_from_the_largest_down)
PADDED_TOKENS = Check(engine.test_a_batch_between_two_sizes_is_padded_to_the_larger, (CUDAGraphMode.FULL,))
CACHES_EMPTY = Check(engine.test_capture_leaves_kv_caches_empty_and_the_collector_as_it_was)
MEMORY_FOUND = Check(steps.test_graphs_of_either_kind_take_their_memory_from_one_pool, ("FULL",))
NO_GRAPHS_IN_ENGINE = Check(engine.test_nothing_is_captured_where_nothing_should_be, ({"enforce_eager": True},))
UNCAPTURED = Check(seams.test_a_dispatcher_that_asks_for_a_graph_that_nobody_captured_is_refused)
WARM = Check(steps.test_each_size_is_warmed_up_before_it_is_captured)
OLD_ROWS = Check(buffers.test_rows_beyond_the_padded_size_are_left_alone, (),
                 partial(InputBuffers, 8, buffers.SPECS, "cpu"))  # fmt: skip
COPIES_IN = Check(
    lambda: captures.test_replay_copies_new_values_in_and_returns_the_static_output(
        recorder, torch.tensor([3.0, 5.0, 7.0])
    )
)  # a new tensor each time: the test writes into it
NOT_READ = Check(refusals.test_reading_a_value_raises_901_with_the_900_behind_it, (TWIN, "item"))
EVERY_SIZE = Check(runners.test_every_size_in_any_order_gives_the_tokens_and_the_cache_of_eager, (recorder,))
WARM_UP_FIRST = Check(runners.test_warm_up_comes_before_each_capture_and_the_largest_size_first, (recorder,))
AS_IT_WAS = Check(runners.test_capture_leaves_cache_static_inputs_and_random_state_as_they_were, (recorder,))
RANDOM_STATE = Check(runners.test_capture_of_a_function_that_draws_leaves_the_random_state, (recorder,))
ONE_POOL = Check(runners.test_all_graphs_of_a_runner_share_one_pool, (recorder,))
COUNTERS = Check(choice.test_the_counters_tell_replays_eager_calls_and_padded_rows, (recorder,))
NO_GRAPHS = Check(choice.test_without_graphs_nothing_is_recorded_and_everything_works, (recorder, {"ladder": []}))
ENFORCED = Check(choice.test_without_graphs_nothing_is_recorded_and_everything_works,
                 (recorder, {"enforce_eager": True}))  # fmt: skip
BY_STATE = Check(by_hand.test_a_prompt_of_one_token_and_a_last_piece_of_one_token_are_no_decodes)

DEFAULTS, VLLM = ("dispatch.default_sizes", "default_capture_sizes"), ("dispatch.default_sizes", "_vllm")
PAD = ("dispatch.capture_sizes", "CaptureSizes.pad")
CHOOSE, KEYS_OF = ("dispatch.dispatcher", "CudagraphDispatcher.dispatch"), (
    "dispatch.dispatcher", "CudagraphDispatcher._keys_of")  # fmt: skip
COPY_IN, CAPTURE = ("graphs.buffers", "InputBuffers.copy_in"), ("graphs.capture", "capture")
RUNNER = {name: ("graphs.runner", f"GraphRunner.{name}") for name in ("__init__", "__call__", "capture", "_replay")}
CAPTURE_MODEL = "engine.capture_model"
COPY = "view[:num_rows].copy_(values[name], non_blocking=self.non_blocking)"
FILL = "view[num_rows:].fill_(self.specs[name].pad)"

BUGS = [
    row("E1 without the widest decode batch", VLLM, "*widest_decode, ", "", VLLM_OF_100),
    row("E1 SGLang 0.5.9's formula", DEFAULTS, "sorted({*_up_to(max_num_seqs, _SGLANG), max_num_seqs})",
        "_up_to(max_num_seqs, _SGLANG)", SGLANG_OF_100),
    row("E2 1, 2, 4 in any case", DEFAULTS, "sorted({*_up_to(max_num_seqs, _SGLANG), ",
        "sorted({1, 2, 4, *_up_to(max_num_seqs, _SGLANG), ", SGLANG_OF_3),
    row("E2 a decode graph that no batch reaches", ("dispatch.dispatcher", "CudagraphDispatcher._holds_a_decode"),
        " and size <= self.max_num_seqs * self.query_len", "", NO_LARGER_DECODE),
    row("E3 an exact size goes to the next", PAD, "bisect_left(self.sizes, num_tokens)",
        "bisect_left(self.sizes, num_tokens + 1)", EACH_TO_ITSELF),
    row("E3 no answer above the largest", PAD, "place < len", "place <= len", EACH_TO_ITSELF),
    row("E4 powers of two", VLLM, "*_up_to(largest, _VLLM)", "*(2**i for i in range(10) if 2**i <= largest)",
        VLLM_OF_100),
    row("E6 padding has a live slot", ("engine.device_step", "DeviceStep.__init__"), "BufferSpec(torch.int64)",
        "BufferSpec(torch.int64, pad=4)", PADDED_TOKENS),
    row("A21 padding is row -1", ("engine.device_step", "DeviceStep.__init__"), "BufferSpec(torch.int64)",
        "BufferSpec(torch.int64, pad=-1)", PADDED_TOKENS),
    row("E7 only slots are padded", COPY_IN, FILL, f"{FILL} if name == 'slots' else None", OLD_ROWS),
    row("E9 captured for short contexts", (CAPTURE_MODEL, "_run"), "step.limits.max_model_len",
        "step.limits.block_size", PADDED_TOKENS),
    row("E10 rebinds its inputs", COPY_IN, COPY, "self.tensors[name] = values[name]", EVERY_SIZE),
    row("E11 forgets to copy", COPY_IN, COPY, "pass", EVERY_SIZE),
    row("E11 replays the first inputs", ("graphs.capture", "CapturedGraph.replay"), "if inputs:", "if False:",
        COPIES_IN),
    row("E11 a value that was read is baked in", ("graphs.recording", "Recording._handle"),
        "if treatment is Treatment.RUN_NOW:", "if treatment in (Treatment.RUN_NOW, Treatment.READ_BACK):", NOT_READ),
    row("E13 no warm-up", CAPTURE, "range(num_warmups)", "range(0)", WARM_UP_FIRST),
    row("E13 no warm-up of the model", (CAPTURE_MODEL, "_capture_one"), "range(NUM_WARMUPS)", "range(0)", WARM),
    row("E13 the random state moves", CAPTURE, "with _random_state_kept(device_module):", "if True:", RANDOM_STATE),
    row("E13 captures with a live batch", RUNNER["capture"], "self.buffers.only_padding(), ", "", AS_IT_WAS),
    row("E13 the warm-up stays in the KV cache", (CAPTURE_MODEL, "capture_model"), "step.forget()", "pass",
        CACHES_EMPTY),
    row("E14 the output of the capture", RUNNER["_replay"], "self.graphs[size].replay()", "self.graphs[size].output",
        EVERY_SIZE),
    row("E15 the smallest first", RUNNER["capture"], "reverse=True", "reverse=False", WARM_UP_FIRST),
    row("E15 the smallest key first", KEYS_OF, "reverse=True", "reverse=False", LARGEST_FIRST),
    row("E15 a pool each", ("graphs.cache", "GraphCache.capture"), "pool=self.pool", "pool=None", ONE_POOL),
    row("E15 a pool each in the engine", ("engine.forward", "GraphedModel._wrapped"), "pool=self.pool", "pool=None",
        MEMORY_FOUND),
    row("E17 looked up by the raw size", CHOOSE, "self._full_key(size, uniform", "self._full_key(num_tokens, uniform",
        DECODES),
    row("E17 stored under another key", ("graphs.runner", "GraphRunner._capture_one"), "graphs.capture(size,",
        "graphs.capture((size,),", EVERY_SIZE),
    row("E18 every batch is a decode", CHOOSE, "uniform_decode and self.mode.separate_routine()",
        "self.mode.separate_routine()", MIXED),
    row("E18 a decode by its shape", ("scheduling.scheduler", "Scheduler._launch"),
        "not any(request.is_prefilling for request, _ in plan)", "all(count == 1 for _, count in plan)", BY_STATE),
    row("E19 captures all the same", RUNNER["__init__"], "if enforce_eager else", "if False else", ENFORCED),
    row("E19 the engine captures all the same", ("engine.forward", "mode_that_runs"), "if enforce_eager or ", "if ",
        NO_GRAPHS_IN_ENGINE),
    row("E19 the largest of none", ("graphs.runner", "GraphRunner._check_fits_together"), ", default=0", "", NO_GRAPHS),
    row("E20 counted by its raw size", RUNNER["__call__"], "self._replays[size]", "self._replays[num_rows]", COUNTERS),
    row("E20 captures while it serves", ("engine.device_step", "DeviceStep.run"), "capturing_enabled(False)",
        "capturing_enabled(True)", UNCAPTURED),
]  # fmt: skip


@pytest.mark.parametrize(("bug", "check"), BUGS, ids=lambda one: getattr(one, "id", ""))
def test_a_wrong_ladder_dispatcher_or_graph_runner_is_caught(bug, check):
    require_caught(bug, check)
