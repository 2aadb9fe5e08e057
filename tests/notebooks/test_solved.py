"""With the exercises solved and the predictions made, every notebook still runs, and every check says right.

The cells run as plain Python, without Jupyter, so this also shows that nothing in them needs it. On a machine with a
GPU they capture on `torch.cuda`.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.learn.full_or_piecewise import ANSWERS, TABLE

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
AGAIN = "--- once more ---"
SOLUTIONS = {
    "is_launch_bound": "return launch_us > kernel_us + gap_us",
    "kernel_start_us": "return max(gpu_free_us, launch_done_us)",
    "us_per_call": (
        "call(); synchronize(); start_us = now_us(); [call() for _ in range(num_calls)]; synchronize(); "
        "return (now_us() - start_us) / num_calls"
    ),
    "saved_us": (
        "return max(num_kernels * launch_us, num_kernels * (kernel_us + gap_us)) "
        "- max(num_kernels * launch_us, num_kernels * (kernel_us / factor + gap_us))"
    ),
    "replay_with": "static_x.copy_(new_x); g.replay(); return output.clone()",
    "double_if_large": "return torch.where(x.sum() > 20, x * 2, x)",
    "worst_batch": "return max(zip([0, *sizes], sizes), key=lambda p: ((p[1] - p[0] - 1) / p[1], -p[0]))[0] + 1",
    "graphs_affordable": (
        "return min(seconds // seconds_each, 1 + (mib - first_mib) // next_mib if mib >= first_mib else 0)"
    ),
    "two_columns": f"return {TABLE}[policy]",
    "graphs_recorded": "return piecewise_sizes * (num_layers + 1) + full_sizes",
    "what_runs": f"return {ANSWERS}[asked_for, attention_supports]",
    "slot_of": "return block_ids[position // block_size] * block_size + position % block_size",
    "run_order": "return 'ABBA' * (rounds // 2)",
    "overlaps": (
        "return all(log.index(f'launch {k + 1}') < log.index(f'process {k}') < log.index(f'wait {k + 1}') "
        "for k in range(num_steps - 1))"
    ),
    "rows_computed": "return max_new_tokens if stop_at is None else min(stop_at + 1, max_new_tokens)",
}


def source_of(cell):
    return "".join(cell["source"])


def stubs_of(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = [source_of(cell) for cell in cells if cell["cell_type"] == "code"]
    return [source for source in sources if "raise NotImplementedError" in source]


def as_script(path, solved):
    """Return the notebook's code as a script, with the exercises and predictions answered if `solved`."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    sources = [source_of(cell) for cell in cells if cell["cell_type"] == "code"][1:]
    return "\n".join(answered(source) if solved else source for source in sources)


def answered(source):
    for name, solution in SOLUTIONS.items():
        if f"def {name}(" in source:
            source = source.replace("raise NotImplementedError", solution)
    return source.replace("= ..., ...", "= 40, 16").replace("= ...", "= 3")


def run(path, solved, folder, code=None):
    environment = os.environ | {"LAUNCH_BOUND_PREDICTIONS": str(folder / "predictions.json")}
    environment.pop("LAUNCH_BOUND_LAB", None)
    script = folder / "script.py"
    script.write_text(code or as_script(path, solved), encoding="utf-8")
    return subprocess.run(
        [sys.executable, script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_solved_exercises_are_right_and_the_notebook_runs_to_its_end(path, tmp_path):
    ran = run(path, True, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert "NOT ATTEMPTED" not in ran.stdout
    assert ran.stdout.count("✔ RIGHT") >= len(stubs_of(path)) > 0
    revealed = json.loads((tmp_path / "predictions.json").read_text())
    assert any("simulated" in record or "measured" in record for record in revealed.values())


def revealed_twice(path):
    """Return a script: the notebook's code, a line, then each cell that reveals something once more, last first."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    again = [source_of(cell) for cell in cells if 'reveal("' in source_of(cell)]
    return "\n".join([as_script(path, True), f"print({AGAIN!r})", *reversed(again)])


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_who_predicts_after_run_all_and_reveals_once_more_is_told_the_same_result(path, tmp_path):
    ran = run(path, True, tmp_path, revealed_twice(path))
    assert ran.returncode == 0, ran.stderr
    first, second = (re.findall(r"^  (?:simulated|measured) .*", part, re.M) for part in ran.stdout.split(AGAIN))
    assert sorted(first) == sorted(second) != []


@pytest.mark.gpu
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_the_same_cells_run_on_a_gpu(path, tmp_path):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here: the notebooks ran on the CPU twin instead")
    ran = run(path, False, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
