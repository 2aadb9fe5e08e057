"""A process that is started for a lab, as the grader does it, keeps that lab open."""

import os
import subprocess
import sys

OPENS_ANOTHER = """
from mini_lib import default_capture_sizes, withheld
try:
    withheld.begin("lab07")
except withheld.Withheld as refusal:
    print(refusal)
withheld.begin("lab04")
default_capture_sizes(max_num_seqs=4)
"""


def test_a_process_started_for_one_lab_cannot_open_another_to_call_what_is_withheld():
    environment = {**os.environ, "LAUNCH_BOUND_LAB": "lab04"}
    done = subprocess.run([sys.executable, "-c", OPENS_ANOTHER], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "this process was started for lab04: lab07 cannot be opened in it."
    assert "Withheld: withheld in lab 4: write your own" in done.stderr
