"""The FX road needs no C++ compiler, and says nothing on stderr."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import shutil, torch
from mini_lib.compilation import CompilationConfig, CompilationMode, compile_model
assert not any(map(shutil.which, ("cc", "gcc", "g++", "c++", "clang", "clang++")))
model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
for mode in CompilationMode:
    compiled = compile_model(model, CompilationConfig(mode))
    for size in (3, 1):
        x = torch.ones(size, 4)
        assert torch.equal(compiled(x), model(x))
print("ran")
"""


def test_every_mode_runs_on_a_machine_without_a_c_compiler():
    kept = {name: value for name, value in os.environ.items() if name not in ("PATH", "CXX", "CC")}
    environment = kept | {"PATH": "", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("ran\n", "", 0)
