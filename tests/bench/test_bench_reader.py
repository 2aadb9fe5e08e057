"""The bench ends in silence when the reader of its report has read enough."""

import subprocess
import sys


def test_a_reader_who_has_read_enough_gets_no_traceback():
    command = [sys.executable, "-m", "mini_lib.bench", "twin", "--iterations", "1"]
    bench = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    bench.stdout.close()  # as `head` does after its last line
    assert bench.communicate()[1] == ""
    assert bench.returncode == 0
