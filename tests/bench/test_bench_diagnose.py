"""`bench diagnose`: a trace in, the verdict out; a wrong file gets a sentence."""

from __future__ import annotations

import gzip
import json

import pytest

from mini_lib.bench.__main__ import main
from mini_lib.timing.trace_file import TraceFile
from tests.diagnosis.profiles import profile_of
from tests.diagnosis.programs import eager, graph, loop


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "eager.json"
    TraceFile({"kind": "simulated"}, loop(eager())).save(path)
    return path


def test_it_prints_the_verdict_the_shares_the_lanes_and_the_gain(trace, capsys):
    assert main(["diagnose", str(trace)]) == 0
    *report, last = capsys.readouterr().out.splitlines()
    text, result = "\n".join(report), json.loads(last)
    assert "A simulated trace." in text and "Launch-bound: " in text and "CUDA graphs: 1.8" in text
    cpu, gpu = (next(line for line in report if line.startswith(lane)) for lane in ("CPU  ", "GPU  "))
    assert cpu.count("L") > 60 and gpu.count("K") > 25 and len(cpu) == len(gpu)
    assert result["verdict"] == "launch-bound" and result["made_by"] == {"kind": "simulated"}
    assert sum(result["shares"].values()) == pytest.approx(1.0)
    assert {gain["road"] for gain in result["gains"]} >= {"CUDA graphs", "piecewise graphs", "overlap"}


def test_json_alone(trace, capsys):
    main(["diagnose", str(trace), "--json"])
    assert json.loads(capsys.readouterr().out)["stretches"] == 9


def test_it_reads_a_compressed_profile_and_draws_a_picture(tmp_path, capsys):
    path, picture = tmp_path / "profile.json.gz", tmp_path / "lanes.png"
    path.write_bytes(gzip.compress(json.dumps(profile_of(8, 50, 3.0)).encode()))
    main(["diagnose", str(path), "--png", str(picture)])
    assert "A profiled trace." in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_graphs_are_told_from_launches_in_the_lanes(tmp_path, capsys):
    path = tmp_path / "graph.json"
    TraceFile({"kind": "simulated"}, loop(graph(prepare_us=200.0))).save(path)
    main(["diagnose", str(path)])
    out = capsys.readouterr().out
    assert "Sync-bound" in out and "G" in next(line for line in out.splitlines() if line.startswith("CPU  "))


@pytest.mark.parametrize(
    ("content", "why"),
    [("{", "breaks off"), ("# no trace", "is no JSON"), ('{"schema": "launch-bound/trace", "version": 9}', "version 9"),
     ('{"weights": []}', "no Chrome trace"), (None, "no such file")],
)  # fmt: skip
def test_a_wrong_file_gets_a_sentence_that_names_it(tmp_path, content, why):
    path = tmp_path / "wrong.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SystemExit, match=why) as refused:
        main(["diagnose", str(path)])
    assert "wrong.json" in str(refused.value)


def test_a_trace_that_cannot_tell_is_an_answer_and_its_picture_is_refused(tmp_path, capsys):
    path = tmp_path / "short.json"
    TraceFile({"kind": "simulated"}, loop(eager(num_kernels=2), steps=1)).save(path)
    assert main(["diagnose", str(path)]) == 0
    assert "Too little to tell" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="Nothing was timed"):
        main(["diagnose", str(path), "--png", str(tmp_path / "no.png")])
