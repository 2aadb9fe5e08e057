"""`bench record` on the CPU twin with the quick plan: what its files hold, how they grow, what is compared.

What it measures here are times of the twin: no test looks at them.
"""

import contextlib
import gc
import io
import json
import time
from functools import partial

import pytest
import torch

from mini_lib.bench.__main__ import main
from mini_lib.bench.provenance import machine
from mini_lib.bench.recording import chains, pieces, record
from mini_lib.bench.recording.file import RecordingFile
from mini_lib.bench.recording.overlap_sweep import LoadedLoop, idle_figures, overlap_figures
from mini_lib.bench.recording.plan import FULL, MODES, QUICK
from mini_lib.bench.recording.record import PARTS, record_part
from mini_lib.bench.recording.shared_weights import models_of
from mini_lib.bench.recording.stepper import Stepper, fill, graphed, kv_caches_for
from mini_lib.bench.recording.timed import Rounds, in_turns, line_through, summary
from mini_lib.bench.recording.units import Bench, Measured, Unit
from mini_lib.config import ModelConfig
from mini_lib.dispatch import CUDAGraphMode, get_forward_context
from mini_lib.graphs import count_launches, recorder
from mini_lib.model import eager_decode
from mini_lib.sim.recorded import load_recorded
from mini_lib.timing import CPU, GPU, Span, Timeline

MACHINE = {"device": "made-up GPU", "driver": "1", "torch": "2", "cuda": "3", "python": "3", "date": "2026-01-02",
           "command": "the command", "plan": "full"}  # fmt: skip
STEP_KEYS = {"model", "style", "mode", "batch", "context", "median_us", "p10_us", "p90_us", "iterations", "repeat_us",
             "distance", "equal"}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder into which all three parts were recorded by the command line, one process' worth each."""
    out = tmp_path_factory.mktemp("recorded")
    gc.freeze()  # or the collections before the captures take longer than the captures
    with contextlib.redirect_stdout(io.StringIO()):
        for part in PARTS:
            assert main(["record", part, "--quick", "--force-cpu", "--json", "--out", str(out)]) == 0
    gc.unfreeze()
    return out


@pytest.fixture(scope="module")
def run(folder):
    (path,) = folder.iterdir()
    return load_recorded(path)


def test_the_parts_share_one_file_named_by_device_and_day_and_the_twins_times_do_not_count(run, folder):
    assert set(run.parts) == set(PARTS) and all(part["complete"] for part in run.parts.values())
    assert run.path.endswith(f"_{run.machine['date'][:10]}.json") and "cpu-twin" in run.path
    assert run.device.startswith("CPU twin") and not run.is_gpu and not run.counts
    assert run.machine["plan"] == "quick"
    assert "record step --quick" in run.source("step")


def test_the_step_part_has_a_row_for_each_model_style_mode_and_batch(run):
    rows = run.rows("step")
    assert {(row["style"], row["mode"], row["batch"]) for row in rows} == {
        (style, mode.name, batch) for style in QUICK.styles for mode in MODES for batch in QUICK.batches
    }
    assert all(set(row) == STEP_KEYS and row["context"] == QUICK.context for row in rows)
    assert all(row["iterations"] == 4 and len(row["repeat_us"]) == 2 for row in rows)


@pytest.mark.parametrize("part", sorted(PARTS))
def test_every_comparison_of_outputs_came_out_equal(run, part):
    compared = [row for row in run.rows(part) if "equal" in row]
    assert compared and all(row["equal"] is True for row in compared)


def test_the_launch_part_has_all_that_a_profile_is_made_of(run):
    kinds = [row["what"] for row in run.rows("launch")]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "copy": 1, "matmul": 1, "chain": 6, "chain fit": 1, "pieces": 3, "capture": 8, "captures": 4, "paid": 2,
    }  # fmt: skip
    assert [row["pieces"] for row in run.rows("launch", what="pieces")] == [1, 2, 3]
    assert {(row["pool"], row["order"]) for row in run.rows("launch", what="captures")} == {
        (pool, order) for pool in ("shared", "own") for order in ("largest first", "smallest first")
    }


def test_a_shared_pool_that_begins_with_the_largest_takes_its_size_and_own_pools_take_more(run):
    series = {(row["pool"], row["order"]): row for row in run.rows("launch", what="captures")}
    shared, own = series["shared", "largest first"], series["own", "largest first"]
    assert shared["largest_bytes"] == shared["pool_bytes"] > 0
    assert own["pool_bytes"] == len(QUICK.capture_sizes) * own["largest_bytes"]
    for order, descending in (("smallest first", False), ("largest first", True)):
        rows = run.rows("launch", what="capture", pool="shared", order=order)
        assert [row["size"] for row in rows] == sorted(QUICK.capture_sizes, reverse=descending)
    assert shared["seconds"] == pytest.approx(sum(row["capture_ms"] for row in rows) / 1e3, rel=1e-4)


def test_the_serve_part_sweeps_the_work_and_generates_in_four_ways(run):
    assert [row["share"] for row in run.rows("serve", what="overlap")] == list(QUICK.overlap_shares)
    assert len(run.rows("serve", what="idle")) == 1
    ways = [(row["style"], row["mode"], row["loop"]) for row in run.rows("serve", what="generation")]
    assert ways == [("naive", "NONE", "normal"), ("fused", "NONE", "normal"), ("fused", "FULL", "normal"),
                    ("fused", "FULL", "overlap")]  # fmt: skip


def test_what_is_computed_follows_from_what_was_measured(run):
    (copy,), (product,) = run.rows("launch", what="copy"), run.rows("launch", what="matmul")
    assert copy["copy_gb_per_s"] == pytest.approx(2 * copy["num_bytes"] / copy["median_us"] / 1e3, rel=1e-4)
    assert product["tflops"] == pytest.approx(2 * product["width"] ** 3 / product["median_us"] / 1e6, rel=1e-4)
    for row in run.rows("launch", what="paid"):
        saved_us = row["eager_us"] - row["replay_us"]
        paid = pytest.approx(row["capture_ms"] * 1e3 / saved_us, rel=1e-2) if saved_us > 0 else None
        assert row["replays"] == paid
    for row in run.rows("serve", what="generation"):
        assert row["tokens_per_s"] == pytest.approx(row["new_tokens"] / row["median_us"] * 1e6, rel=1e-4)
    (fit,) = run.rows("launch", what="chain fit")
    replays = {row["nodes"]: row["median_us"] for row in run.rows("launch", what="chain", way="replay")}
    assert (fit["fixed_us"], fit["node_us"]) == pytest.approx(line_through(replays, relative=True)[:2], rel=1e-3)


def lanes(ends, gpu_us):
    """A run in which step n ends at ends[n] after gpu_us on the GPU, and its batch was copied in just before."""
    spans = [Span(GPU, f"step {step}", end - gpu_us, end) for step, end in enumerate(ends)]
    copies = [Span(GPU, f"copy in {step}", end - gpu_us - 1, end - gpu_us) for step, end in enumerate(ends)]
    return Timeline([*copies, *spans, Span(CPU, "schedule", 0, ends[-1] + 99)])


def test_the_ideal_follows_from_the_normal_loop_and_the_prompts_step_is_no_decode():
    normal, overlap = lanes([50, 90, 105, 120, 135], gpu_us=10), lanes([50, 90, 102, 114, 126], gpu_us=10)
    figures = overlap_figures({"normal": [normal], "overlap": [overlap]})
    assert (figures["gpu_us"], figures["normal_us"], figures["overlap_us"]) == (10, 15, 12)
    assert (figures["speedup"], figures["ideal_speedup"]) == (1.25, 1.5)  # 10 on the GPU and 5 on the CPU
    assert figures["share_of_ideal"] == pytest.approx(1.25 / 1.5) and figures["iterations"] == 2
    slow = lanes([50, 90, 120, 150], gpu_us=10)  # 20 on the CPU: no loop can be faster than that
    assert overlap_figures({"normal": [slow], "overlap": [slow]})["ideal_speedup"] == 1.5


def test_the_gpu_is_idle_where_neither_a_step_nor_a_copy_is_at_work():
    run = lanes([50, 90, 102, 114, 126], gpu_us=10)  # from 92 to 126, two times 12 us with 11 at work
    assert idle_figures([run])["idle_share"] == pytest.approx(2 / 34)


def test_the_full_plan_covers_what_the_course_quotes():
    assert set(FULL.styles) == {"naive", "lean", "fused", "inductor"}
    assert set(FULL.batches) == {1, 2, 4, 8, 16, 32, 64, 128, 256} and len(FULL.capture_sizes) == 35
    assert {config.name for config in FULL.models} == {"tiny", "gpt2", "qwen3-0.6b", "llama-3.2-1b", "llama-3-8b"}
    assert FULL.rounds.rounds * FULL.rounds.calls >= 200
    assert FULL.overlap_rounds.rounds * (FULL.overlap_rounds.calls - 1) >= 200
    assert {0.1, 0.5, 1.0} <= set(FULL.overlap_shares) and FULL.chain_nodes[-1] == 4096


def test_a_second_run_measures_only_what_is_left(folder, run, monkeypatch):
    measured = []
    monkeypatch.setitem(record.PARTS, "step", units_that_note(measured, "tiny, batch 1", "tiny, batch 3", "another"))
    again = record_part("step", QUICK, recorder, ["again"], folder=folder, seconds=60, progress=False)
    assert measured == ["another"]
    assert again.part["rows"] == [*run.rows("step"), {"of": "another"}] and again.part["complete"]
    assert set(again.parts) == set(PARTS)


def units_that_note(measured, *names):
    def measure(name):
        measured.append(name)
        return Measured([{"of": name}])

    return lambda bench: (Unit(name, lambda name=name: measure(name)) for name in names)


def test_no_unit_begins_that_would_not_fit_into_the_time_and_the_first_always_does(tmp_path, monkeypatch):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(record, "time", type("Clock", (), {"monotonic": staticmethod(lambda: next(clock))}))
    measured = []
    monkeypatch.setitem(record.PARTS, "step", units_that_note(measured, "one", "two", "three", "four"))
    # Each look at this clock takes ten seconds: a unit looks before and after, so it takes ten, and 15 must be left.
    first = record_part("step", QUICK, recorder, [], folder=tmp_path, seconds=52, progress=False)
    assert measured == ["one", "two"] and not first.part["complete"]
    record_part("step", QUICK, recorder, [], folder=tmp_path, seconds=1, progress=False)
    assert measured == ["one", "two", "three"]


def test_a_unit_that_runs_out_of_memory_is_left_out_with_a_sentence(tmp_path, monkeypatch):
    def too_large():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate\nmore lines")

    monkeypatch.setitem(record.PARTS, "step", lambda bench: iter([Unit("the widest", too_large)]))
    file = record_part("step", QUICK, recorder, [], folder=tmp_path, seconds=9, progress=False)
    assert file.part["skipped"] == ["the widest ran out of memory: CUDA out of memory. Tried to allocate"]


def test_a_unit_that_fails_costs_itself_alone_and_is_tried_again(tmp_path, monkeypatch, capsys):
    broken = [True]

    def moody():
        if broken:
            raise RuntimeError("no such kernel")
        return Measured([{"of": "moody"}])

    units = [Unit("moody", moody), Unit("sound", lambda: Measured([{"of": "sound"}]))]
    monkeypatch.setitem(record.PARTS, "step", lambda bench: iter(units))
    command = ["record", "step", "--quick", "--force-cpu", "--out", str(tmp_path)]
    with pytest.raises(SystemExit, match="1 failed; the next run tries again"):
        main(command)
    printed = capsys.readouterr()
    assert "no such kernel" in printed.err and "Failed, and not measured: moody." in printed.out
    (path,) = tmp_path.iterdir()
    part = load_recorded(path).parts["step"]
    assert (part["done"], part["complete"]) == (["sound"], False)
    broken.clear()
    assert main(command) == 0
    part = load_recorded(path).parts["step"]
    assert ([row["of"] for row in part["rows"]], part["complete"]) == (["sound", "moody"], True)


def test_where_the_device_is_lost_with_a_unit_the_part_ends_and_keeps_what_it_has(tmp_path, monkeypatch):
    def lost():
        raise RuntimeError("an illegal memory access was encountered")

    units = [Unit("sound", lambda: Measured([{"of": "sound"}])), Unit("fatal", lost), Unit("never", pytest.fail)]
    monkeypatch.setitem(record.PARTS, "step", lambda bench: iter(units))
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lost)
    with pytest.raises(RuntimeError, match="illegal"):
        record_part("step", QUICK, recorder, [], folder=tmp_path, seconds=9, progress=False)
    (path,) = tmp_path.iterdir()
    assert load_recorded(path).parts["step"]["done"] == ["sound"]


def test_a_style_that_cannot_be_built_is_left_out_with_a_sentence_and_the_others_are_measured(monkeypatch, capsys):
    def not_fused(model, *rest):
        if type(model).__name__ == "FusedDecoder":
            raise RuntimeError("out of resource\nshared memory")
        return Stepper(model, *rest)

    monkeypatch.setattr("mini_lib.bench.recording.step_part.Stepper", not_fused)
    (first, second) = record.PARTS["step"](Bench(QUICK, recorder))
    measured = first.measure()
    assert {row["style"] for row in measured.rows} == {"naive"}
    assert measured.skipped == ["tiny is not measured in style fused: out of resource"]
    assert second.measure().skipped == []
    assert "shared memory" in capsys.readouterr().err


def test_what_is_built_for_the_first_of_several_units_is_no_reason_to_stop_before_the_next(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(record, "time", type("Clock", (), {"monotonic": staticmethod(lambda: now[0])}))

    def taking(seconds):
        def measure():
            now[0] += seconds
            return Measured([{"took": seconds}])

        return measure

    names = [("8B", 100), ("8B", 10), ("8B", 11), ("1B", 90), ("1B", 10)]
    units = [Unit(f"{model} {place}", taking(took), needs=model) for place, (model, took) in enumerate(names)]
    monkeypatch.setitem(record.PARTS, "step", lambda bench: iter(units))
    run = partial(record_part, "step", QUICK, recorder, [], folder=tmp_path, progress=False)
    assert run(seconds=255).part["done"] == ["8B 0", "8B 1", "8B 2"]  # 121 s are over, and 1.5 x 100 s do not fit
    assert run(seconds=255).part["complete"]


def test_a_new_recording_takes_no_other_ones_place_on_the_same_day(tmp_path):
    first = RecordingFile(MACHINE, "step", tmp_path)
    first.add("unit", [{"batch": 1}])
    other = RecordingFile(MACHINE | {"driver": "2"}, "step", tmp_path)
    other.add("unit", [{"batch": 2}])
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "made-up-gpu-2_2026-01-02.json", "made-up-gpu_2026-01-02.json",
    ]  # fmt: skip
    assert load_recorded(first.path).rows("step") == ({"batch": 1},)
    again = RecordingFile(MACHINE | {"driver": "2", "date": "2026-02-03"}, "launch", tmp_path)
    assert again.path == other.path and again.parts["step"]["rows"] == [{"batch": 2}]


def test_a_recording_goes_on_only_on_the_same_device_driver_and_torch(tmp_path):
    first = RecordingFile(MACHINE, "step", tmp_path)
    first.add("unit", [{"median_us": 1.23456789}], ["a sentence", "a sentence"])
    same = RecordingFile(MACHINE | {"date": "2026-02-03"}, "launch", tmp_path)
    assert same.path == first.path and same.parts["step"]["rows"] == [{"median_us": 1.23457}]
    assert same.parts["step"]["skipped"] == ["a sentence"]
    for changed in ({"device": "other"}, {"driver": "0"}, {"torch": "3"}, {"plan": "quick"}, {"kernels": "torch"}):
        assert not RecordingFile(MACHINE | changed, "step", tmp_path).is_done("unit")


def test_a_file_is_whole_at_every_moment(tmp_path, monkeypatch):
    file = RecordingFile(MACHINE, "step", tmp_path)
    file.add("one", [{"batch": 1}])
    monkeypatch.setattr(type(file.path), "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):  # killed while it writes
        file.add("two", [{"batch": 2}])
    assert load_recorded(file.path).rows("step") == ({"batch": 1},)


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "_measure", lambda *_: pytest.fail("it measured"))
    (tmp_path / "a file").touch()
    with pytest.raises(SystemExit, match=r"bench record: .*a file"):
        main(["record", "launch", "--quick", "--force-cpu", "--out", str(tmp_path / "a file" / "in it")])


def test_the_full_plan_is_refused_without_a_gpu_and_nothing_is_written(capsys, tmp_path):
    with pytest.raises(SystemExit, match="torch sees no GPU here"):
        main(["record", "step", "--force-cpu", "--out", str(tmp_path)])
    assert not list(tmp_path.iterdir()) and capsys.readouterr().out == ""


def test_the_report_names_device_and_state_and_where_the_rows_went(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(record.PARTS, "serve", units_that_note([], "one"))
    assert main(["record", "serve", "--quick", "--force-cpu"]) == 0
    *report, last = capsys.readouterr().out.splitlines()
    report = "\n".join(report)
    assert "CPU twin" in report and "1 rows, complete. Nothing was written: say where with --out FOLDER." in report
    assert json.loads(last)["parts"]["serve"]["rows"] == [{"of": "one"}]


def stepper(model, config, batch=2):
    caches = kv_caches_for(config, batch, config.max_model_len, torch.device("cpu"), next(model.parameters()).dtype)
    made = Stepper(model, graphed("lean", MODES, [batch, 1], recorder), batch, config.max_model_len, caches)
    fill(caches)
    return made


@pytest.fixture(scope="module")
def lean_step():
    config = ModelConfig.tiny().with_max_model_len(24)
    return stepper(models_of(config, ["lean"], torch.device("cpu"), torch.float32)["lean"], config)


def test_a_replay_that_reads_nothing_new_is_noticed(lean_step, monkeypatch):
    assert lean_step.agrees(2, CUDAGraphMode.FULL)
    fresh, other = lean_step.outputs(2, CUDAGraphMode.NONE)
    assert not torch.equal(fresh, other) and not fresh.isnan().any()
    forward = lean_step.step.forward

    def stale(*inputs):
        return fresh if get_forward_context().cudagraph_runtime_mode is CUDAGraphMode.FULL else forward(*inputs)

    monkeypatch.setattr(lean_step.step, "forward", stale)
    assert not lean_step.agrees(2, CUDAGraphMode.FULL)


def test_a_style_that_computes_something_else_is_not_equal_in_any_mode(monkeypatch):
    def with_another_fused_one(config, styles, *where):
        models = models_of(config, styles, *where)
        models["fused"] = models_of(config, ["fused"], *where)["fused"]  # of its own copy of the weights
        for weight in models["fused"].parameters():
            weight.data = weight.data.flip(0)
        return models

    monkeypatch.setattr("mini_lib.bench.recording.step_part.models_of", with_another_fused_one)
    (first, *_) = record.PARTS["step"](Bench(QUICK, recorder))
    rows = first.measure().rows
    assert {(row["style"], row["equal"]) for row in rows} == {("naive", True), ("fused", False)}
    assert all(row["distance"] > 0.1 if row["style"] == "fused" else row["distance"] == 0.0 for row in rows)


def test_outputs_that_differ_are_recorded_as_such(monkeypatch):
    monkeypatch.setattr(Stepper, "agrees", lambda self, batch, mode: mode is not CUDAGraphMode.FULL)
    (first, *_) = record.PARTS["step"](Bench(QUICK, recorder))
    assert {row["mode"]: row["equal"] for row in first.measure().rows} == {
        "NONE": True,
        "PIECEWISE": True,
        "FULL": False,
    }
    value = torch.zeros(1)
    assert chains.adds(lambda: value.add_(3), value, 3) and not chains.adds(lambda: value.add_(2), value, 3)


def test_a_step_leaves_everything_as_it_was_and_its_modes_launch_what_they_say(lean_step):
    graphs = {}
    for mode in MODES:
        before = lean_step.outputs(2, mode)
        with count_launches() as launches:
            lean_step.run(2, mode)
        graphs[mode.name] = launches.graphs
        assert all(torch.equal(*pair) for pair in zip(before, lean_step.outputs(2, mode), strict=True))
    assert graphs == {"NONE": 0, "PIECEWISE": 3, "FULL": 1}


def test_a_step_cut_into_so_many_pieces_launches_so_many_graphs_and_the_rest_eagerly():
    config = ModelConfig.tiny().with_max_model_len(16)
    model = models_of(config, [pieces.STYLE], torch.device("cpu"), torch.float32)[pieces.STYLE]
    caches = kv_caches_for(config, 1, 16, torch.device("cpu"), torch.float32)
    bench, launched = Bench(QUICK, recorder), {}
    for number in pieces.numbers_of_pieces(config.num_layers):
        ready = pieces.CutAtSome(pieces.cut_layers(config.num_layers, number), bench)
        cut = Stepper(model, ready, 1, 16, caches)
        with count_launches() as launches:
            cut.outputs(1, CUDAGraphMode.PIECEWISE)
        launched[number] = (
            launches.graphs // 2,
            launches.by_name["mini_lib.paged_attention"] // 2 if number > 1 else 0,
        )
    assert launched == {1: (1, 0), 2: (2, 1), 3: (3, 2)}


def test_styles_that_share_weights_decode_the_same_tokens_and_take_the_memory_of_one():
    config = ModelConfig.tiny()
    models = models_of(config, ["naive", "lean", "fused"], torch.device("cpu"), torch.float32)
    decoded = {style: eager_decode(model, config, [[3, 0, 7]], 5) for style, model in models.items()}
    assert decoded["naive"] == decoded["lean"] == decoded["fused"]
    storages = {style: {p.untyped_storage().data_ptr() for p in model.parameters()} for style, model in models.items()}
    assert storages["naive"] == storages["lean"] == storages["fused"]


def test_each_kind_of_model_shape_can_be_shared_and_fits_are_counted():
    config = ModelConfig("q", 32, 16, 1, 4, 2, 4, 24, 32, qk_norm=True, tie_embeddings=False)
    models = models_of(config, ["naive", "fused"], torch.device("cpu"), torch.float32)
    tokens = [eager_decode(model, config, [[3, 1]], 4) for model in models.values()]
    assert tokens[0] == tokens[1]
    assert Bench(FULL, recorder).fits(ModelConfig.llama_3_8b(), 256)


def test_contestants_take_turns_and_every_round_is_warmed_up():
    order = []
    calls = {name: lambda name=name: order.append(name) for name in "ab"}
    times = in_turns(calls, Rounds(rounds=2, calls=2, warmups=1), recorder)
    assert "".join(order) == "aaabbbaaabbb"
    assert times["a"]["iterations"] == 4 and len(times["a"]["repeat_us"]) == 2


def test_a_summary_is_of_all_calls_and_its_repeats_are_of_the_rounds():
    figures = summary([[1.0, 2.0, 9.0], [4.0, 5.0, 6.0]])
    assert (figures["median_us"], figures["repeat_us"], figures["iterations"]) == (4.5, [2.0, 5.0], 6)
    assert (figures["p10_us"], figures["p90_us"]) == (1.0, 9.0)


def test_a_line_says_how_well_it_fits():
    line = line_through({1: 1.0, 2: 3.0, 3: 2.0})
    assert (line.offset, line.slope, line.r_squared) == pytest.approx((1.0, 0.5, 0.25))


def test_a_relative_line_finds_a_small_offset_beside_large_numbers_that_are_off_by_a_percent():
    points = {nodes: 6.0 + 0.8 * nodes for nodes in FULL.chain_nodes}
    points |= {1024: 1.01 * points[1024], 4096: 0.99 * points[4096]}
    assert line_through(points, relative=True).offset == pytest.approx(6.0, abs=0.1)
    assert abs(line_through(points).offset - 6.0) > 2.0


def test_the_loaded_loop_really_keeps_the_cpu_busy_in_both_calls_of_the_scheduler():
    class Scheduler:
        def schedule(self):
            return "batch"

        def update_from_output(self, batch, tokens):
            return [batch, tokens]

        def has_unfinished(self):
            return False

    scheduler, loop = Scheduler(), LoadedLoop()
    loop.work_us = 2000.0
    list(loop(scheduler, None))
    start = time.perf_counter()
    assert scheduler.schedule() == "batch" and scheduler.update_from_output("a", "b") == ["a", "b"]
    assert time.perf_counter() - start >= 0.002


def test_a_gpu_and_the_twin_say_the_same_things_of_a_run():
    told = machine("the command", recorder)
    assert {"device", "driver", "torch", "cuda", "python", "numpy", "date", "command"} <= set(told)
    assert (told["driver"], told["cuda"]) == ("", "")
