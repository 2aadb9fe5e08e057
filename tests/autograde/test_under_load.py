"""A large mixed class on a machine that is asked for far too much at once: every submission gets its golden result.

Long: only with LAUNCH_BOUND_SOAK in the environment (`make soak`).
"""

from __future__ import annotations

import os
import shutil

import pytest

from tests.autograde.classes import mixed
from tests.autograde.graded_gallery import grade_all

STUDENTS, AT_ONCE = 600, 4 * (os.cpu_count() or 1)
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(not os.environ.get("LAUNCH_BOUND_SOAK"), reason="long: make soak"),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap"),
]


def test_each_submission_gets_its_golden_result_where_far_too_many_run_at_once(tmp_path, blank):
    kinds = mixed(STUDENTS, seed=11)
    graded = grade_all(tmp_path, blank, kinds, "--jobs", str(AT_ONCE))
    found = {student: (one["status"], one["score"]) for student, one in graded.printed.items()}
    golden = {student: (kind.expected.status, kind.expected.score) for student, kind in kinds.items()}
    unlike = {student: (one, golden[student]) for student, one in found.items() if one != golden[student]}
    assert found.keys() == golden.keys()
    assert unlike == {}
    assert [seen["left"] for seen in graded.watched] == [[]], "processes were left"
    assert max(seen["peak_mb"] for seen in graded.watched) < 300
