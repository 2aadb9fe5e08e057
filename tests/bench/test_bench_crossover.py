"""`bench crossover`: a table for people, one line of JSON for programs, and the word simulated in both."""

from __future__ import annotations

import json
import subprocess
import sys

from mini_lib.bench.__main__ import main
from mini_lib.config import PRESETS
from mini_lib.sim import PROFILES


def test_the_table_shows_every_model_on_every_device_and_says_that_it_is_simulated(capsys):
    assert main(["crossover"]) == 0
    report, line = capsys.readouterr().out.rsplit("\n\n", 1)
    result = json.loads(line)
    assert all(name in report for name in (*PRESETS, *PROFILES, "naive", "lean", "fused"))
    assert "Simulated" in report and "assumed" in report and "simulated" in result["made_by"]
    assert result["command"] == "python -m mini_lib.bench crossover"
    row = next(
        row for row in result["rows"] if (row["model"], row["device"], row["style"]) == ("gpt2", "H200", "naive")
    )
    cell = f"{row['until']} ({row['eager_us'] / row['full_us']:.1f}x)"
    assert next(line for line in report.splitlines() if line.startswith("gpt2")).split("  ")[-1] and cell in report


def test_json_alone_is_one_line_and_a_longer_context_brings_the_crossover_down(capsys):
    until = []
    for context in ("64", "4096"):
        assert main(["crossover", "--json", "--context", context]) == 0
        out = capsys.readouterr().out
        assert out.count("\n") == 1
        rows = json.loads(out)["rows"]
        until.append(next(row["until"] for row in rows if row["model"] == "llama-3.2-1b" and row["device"] == "H200"))
    assert until[0] > until[1]


def test_the_crossover_needs_neither_torch_nor_numpy():
    code = (
        "import sys; sys.modules.update(torch=None, numpy=None)\n"
        "from mini_lib.bench.__main__ import main; main(['crossover', '--json'])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""


def test_ctrl_c_ends_a_verb_with_a_sentence_and_the_status_that_shells_give(monkeypatch, capsys):
    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr("mini_lib.sim.crossover.crossover_table", interrupted)
    assert main(["crossover"]) == 130
    assert capsys.readouterr().err == "\npython -m mini_lib.bench crossover: stopped.\n"
