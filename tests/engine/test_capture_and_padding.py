"""What is captured at start-up, what it cost, and which batches ride in which graph: counted, step by step."""

from __future__ import annotations

import gc

import pytest

from mini_lib.compilation import CompilationMode
from mini_lib.dispatch import CudagraphDispatcher, CUDAGraphMode
from mini_lib.engine import FutureMap
from tests.engine.serving import EXACT, PROMPTS, oracle, small_engine

NONE, PIECEWISE, FULL = CUDAGraphMode.NONE, CUDAGraphMode.PIECEWISE, CUDAGraphMode.FULL
NUM_LAYERS = EXACT.num_layers
LIMITS = [9, 2, 6, 3, 9]


def served(**options):
    """Return an engine after a run whose tokens were right."""
    with small_engine(**options) as engine:
        assert engine.generate(PROMPTS, LIMITS) == oracle(PROMPTS, LIMITS)
    return engine


@pytest.mark.parametrize("cut", [CompilationMode.NONE, CompilationMode.VLLM_COMPILE], ids=["breakable", "FX"])
def test_launches_per_step_are_those_of_its_mode(cut):
    engine = served(compilation_mode=cut)
    per_mode = {mode: {(one.graphs, one.kernels) for one in engine.stats.steps if one.mode is mode} for mode in
                engine.stats.modes}  # fmt: skip
    assert per_mode[FULL] == {(1, 0)}
    assert per_mode[PIECEWISE] == {(NUM_LAYERS + 1, 2 * NUM_LAYERS)}, "kv write and attention run between the pieces"
    ((graphs, kernels),) = per_mode[NONE]
    assert graphs == 0 and kernels > 10
    assert engine.stats.launches == sum(one.graphs + one.kernels for one in engine.stats.steps)


@pytest.mark.parametrize("mode", list(CUDAGraphMode))
def test_every_key_of_the_dispatcher_is_captured_largest_first(mode):
    with small_engine(cudagraph_mode=mode, capture_sizes=[1, 2, 4, 8]) as engine:
        costs = engine.capture_report.costs
    assert [(cost.mode, cost.descriptor) for cost in costs] == engine.dispatcher.capture_keys()
    for one in (PIECEWISE, FULL):
        sizes = [cost.descriptor.num_tokens for cost in costs if cost.mode is one]
        assert sizes == sorted(sizes, reverse=True) and bool(sizes) == mode.has_mode(one)


def test_the_report_says_what_each_size_cost():
    with small_engine(capture_sizes=[1, 2, 4]) as engine:
        report = engine.capture_report
    assert all(cost.capture_ms > 0 for cost in report.costs)
    assert report.num_bytes == sum(cost.num_bytes for cost in report.costs) > 0
    assert report.costs[0].num_bytes >= max(cost.num_bytes for cost in report.costs), "the rest fits into what it left"
    lines = str(report).splitlines()
    assert lines[0].split() == ["mode", "tokens", "ms", "MiB"] and len(lines) == len(report.costs) + 2


EAGER = [
    {"enforce_eager": True},
    {"enforce_eager": True, "compilation_mode": CompilationMode.VLLM_COMPILE},
    {"enforce_eager": True, "dispatcher": CudagraphDispatcher(FULL, [4], max_num_seqs=4)},
    {"capture_sizes": []},
    {"cudagraph_mode": NONE},
]


@pytest.mark.parametrize("options", EAGER, ids="-".join)
def test_nothing_is_captured_where_nothing_should_be(options):
    engine = served(**options)
    assert engine.capture_report.costs == () and set(engine.stats.modes) == {NONE} and engine.stats.graphs == 0


@pytest.mark.parametrize("mode", [PIECEWISE, FULL])
def test_a_batch_above_the_ladder_runs_eagerly_and_unpadded(mode):
    engine = served(cudagraph_mode=mode, capture_sizes=[1, 2])
    wide = [step for step in engine.stats.steps if step.num_tokens > 2]
    assert wide and all(step.mode is NONE and step.num_padded_tokens == step.num_tokens for step in wide)
    assert engine.stats.modes[mode] > 0


@pytest.mark.parametrize("mode", [PIECEWISE, FULL])
def test_a_batch_between_two_sizes_is_padded_to_the_larger(mode):
    engine = served(cudagraph_mode=mode, capture_sizes=[16])
    assert {step.num_padded_tokens for step in engine.stats.steps} == {16}
    assert engine.stats.padded_tokens == sum(16 - step.num_tokens for step in engine.stats.steps) > 0


def test_a_last_piece_of_one_token_is_no_decode():
    """A prompt of 6 in pieces of 5: the second has the shape of a decode batch and is not dispatched as one."""
    with small_engine(cudagraph_mode=CUDAGraphMode.FULL_DECODE_ONLY) as engine:
        assert engine.generate([[1] * 6], 3) == oracle([[1] * 6], 3)
    assert [(step.num_tokens, step.mode) for step in engine.stats.steps] == [(5, NONE), (1, NONE), (1, FULL), (1, FULL)]


def test_a_size_above_the_token_budget_gets_its_graph_too():
    engine = served(cudagraph_mode=FULL, capture_sizes=[24])
    assert {step.num_padded_tokens for step in engine.stats.steps} == {24}


def test_nothing_is_captured_after_start_up_and_replays_read_the_same_addresses():
    with small_engine() as engine:
        step = engine._runner._run.fn.__self__
        before = [tensor.data_ptr() for tensor in (*step.tokens.tensors.values(), step.page_table, *step.kv_caches)]
        entries = {id(entry) for entry in step.forward.entries.values()}
        engine.generate(PROMPTS, LIMITS)
        after = [tensor.data_ptr() for tensor in (*step.tokens.tensors.values(), step.page_table, *step.kv_caches)]
        assert before == after and entries == {id(entry) for entry in step.forward.entries.values()}


def test_capture_leaves_kv_caches_empty_and_the_collector_as_it_was():
    gc.unfreeze()
    with small_engine() as engine:
        step = engine._runner._run.fn.__self__
        assert not any(cache.any() for cache in step.kv_caches)
        assert gc.isenabled() and gc.get_freeze_count() == 0
    gc.freeze()
    with small_engine():
        assert gc.isenabled() and gc.get_freeze_count() > 0, "what was frozen before stays so"


def test_padding_writes_to_the_null_block_and_to_no_other():
    with small_engine(cudagraph_mode=FULL, capture_sizes=[16], num_kv_blocks=40) as engine:
        engine.generate([[1, 2, 3]], 4)
        caches = engine._runner._run.fn.__self__.kv_caches
    for cache in caches:
        used = [block for block in range(1, 40) if cache[:, block].any()]
        assert len(used) == 2, "3 tokens of a prompt and 3 of an answer lie in two blocks of 4"


def test_launches_are_not_counted_where_time_is_measured():
    engine = served(count_launches=False)
    assert engine.stats.launches == 0 and len(engine.stats.steps) > 5


def test_a_compiled_model_is_traced_once_for_all_sizes():
    with small_engine(compilation_mode=CompilationMode.VLLM_COMPILE) as engine:
        engine.generate(PROMPTS, LIMITS)
        compiled = engine._runner._run.fn.__self__.forward.runnable
    assert compiled.num_traces == 1 and len(compiled.num_tokens_seen) > 4


@pytest.mark.parametrize("cut", [CompilationMode.STOCK_TORCH_COMPILE, CompilationMode.DYNAMO_TRACE_ONCE])
def test_a_model_that_is_compiled_in_one_piece_has_no_piecewise_graphs(cut):
    engine = served(compilation_mode=cut)
    graphs = NONE if cut is CompilationMode.STOCK_TORCH_COMPILE else FULL  # plain torch.compile replaces graphs
    assert set(engine.stats.modes) == {NONE, graphs}


def test_a_symbolic_id_that_is_not_resolved_is_named_in_debug():
    class Forgetful(FutureMap):
        def resolve(self, input_ids):
            return input_ids.clone()

    with small_engine(future_map=Forgetful, debug=True) as engine:
        with pytest.raises(RuntimeError, match=r"the model would read the ids \[-1\] in rows \[1\]"):
            engine.generate(PROMPTS[:1], 4)
