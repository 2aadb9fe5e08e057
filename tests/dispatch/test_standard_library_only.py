"""The torch-free rooms import, and work, where nothing is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

# -S leaves site-packages out altogether: only the standard library and the repository can be imported.
SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
for name in ("torch", "numpy", "matplotlib", "tqdm"):
    sys.modules[name] = None  # an import of it raises ImportError
import mini_lib
from mini_lib.dispatch import CaptureSizes, default_capture_sizes, padding_waste
from mini_lib.timing import Timeline, decode_step
sizes = mini_lib.default_capture_sizes(max_num_seqs=12)
eager, graph = decode_step(num_kernels=3)
assert Timeline.from_chrome_trace(eager.to_chrome_trace()) == eager
print(sizes, CaptureSizes(sizes).pad(9), padding_waste(sizes, {9: 1}), eager.duration_us > graph.duration_us)
"""


def test_dispatch_and_timing_work_on_the_standard_library_alone():
    done = subprocess.run([sys.executable, "-S", "-c", SCRIPT, str(ROOT)], capture_output=True, text=True)
    assert done.stdout.strip() == "[1, 2, 4, 8, 12, 16, 24] 12 0.25 True", done.stderr
