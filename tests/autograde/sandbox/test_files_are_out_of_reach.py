"""What a student's process can read and write: nothing of the instructor, nothing of another student."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from autograde.course import ROOT
from autograde.sandbox.servers import Servers
from tests.autograde.sandbox.conftest import SECRET, Student, puppets

pytestmark = pytest.mark.sandbox

NOT_SHOWN = (
    *(ROOT / name for name in ("solutions", "autograde/course.py", "autograde/sample_class", "autograde/out")),
    *(ROOT / name for name in ("labs", "tests/test_house.py", ".git", "pyproject.toml")),
    *map(Path, ("/etc/passwd", "/etc/shadow", "/etc/hostname", "/home", "/var", "/run", "/bin/sh", "/usr/bin/env")),
)  # fmt: skip
WALK = """
import os
found = []
for folder, folders, files in os.walk({top!r}):
    found += [os.path.join(folder, name) for name in files]
"""


@pytest.mark.parametrize("path", [path for path in NOT_SHOWN if path.exists()], ids=str)
def test_what_is_there_outside_is_not_there_inside(student, path):
    assert student.run(f"import os; found = os.path.lexists({str(path)!r})") is False


def test_of_this_repository_only_the_library_and_the_inside_are_shown(student):
    files = student.run(WALK.format(top=str(ROOT)))
    shown = [ROOT / "mini_lib", ROOT / "autograde/inside", ROOT / "autograde/__init__.py", Path(sys.prefix)]
    shown.append(Path(__file__).parent / "inside")  # the stand-ins of these tests
    stray = [name for name in files if not any(Path(name).is_relative_to(root) for root in shown)]
    assert not stray and any(name.endswith("autograde/inside/server.py") for name in files)


def test_the_home_of_who_grades_shows_no_file_but_pythons_own(student):
    files = student.run(WALK.format(top=str(Path.home())))
    pythons = [Path(sys.base_prefix), Path(sys.prefix), ROOT]
    assert not [name for name in files if not any(Path(name).is_relative_to(root) for root in pythons)]


def test_solutions_cannot_be_imported(student):
    assert "No module named 'solutions'" in student.error("import solutions")
    assert "No module named 'autograde.course'" in student.error("import autograde.course")


def test_no_word_of_the_instructors_environment_is_to_be_found(student):
    assert SECRET in os.environ.values()
    assert SECRET not in str(student.run("import os; found = dict(os.environ)"))


def test_no_path_of_the_repository_stands_in_the_environment(student):
    assert str(ROOT) not in str(student.run("import os; found = dict(os.environ)"))


def test_proc_is_empty_and_stays_so(student):
    assert student.run("import os; found = os.listdir('/proc')") == []
    assert "Read-only file system" in student.error("open('/proc/x', 'w')")
    assert "No such file" in student.error("open('/proc/self/mem', 'rb')")


def test_only_private_folders_can_be_written_to(student):
    code = """
import os
found = []
for folder, folders, files in os.walk("/"):
    folders[:] = [name for name in folders if not os.path.islink(os.path.join(folder, name))]
    try:
        open(os.path.join(folder, "mine"), "w").close()
        found.append(folder)
    except OSError:
        pass
"""
    written = student.run(code)
    assert "/tmp/work" in written
    assert [folder for folder in written if not folder.startswith("/tmp") and folder != "/dev/shm"] == []


def test_no_file_outside_of_private_folders_can_be_changed_or_removed(student):
    code = f"""
import os
found = []
for attack in (os.unlink, os.utime, lambda path: os.chmod(path, 0o777), lambda path: open(path, "a")):
    try:
        attack({str(ROOT / "autograde/inside/server.py")!r})
        found.append(str(attack))
    except OSError:
        pass
"""
    assert student.run(code) == []


def test_two_students_share_no_folder(enrol):
    one, other = enrol(), enrol()
    one.run("for folder in ('/tmp', '/dev/shm'): open(folder + '/answer', 'w').write('42')")
    assert one.run("import os; found = os.path.exists('/dev/shm/answer')") is True
    assert other.run("import os; found = [os.path.exists(folder + '/answer') for folder in ('/tmp', '/dev/shm')]") == [
        False,
        False,
    ]


def test_what_one_student_leaves_in_tmp_the_next_one_does_not_find(enrol):
    first = enrol()
    first.run("open('/tmp/work/answer', 'w').write('42')")
    first.pair.end()
    assert enrol().run("import os; found = os.listdir('/tmp/work')") == []


def test_the_tester_sees_no_more_than_a_student(student):
    seen = student.run(f"tester:import os; found = [os.path.exists({str(ROOT / 'solutions')!r}), os.listdir('/proc')]")
    assert seen == [False, []]


def test_a_students_process_holds_no_open_file_but_its_own_socket(student):
    code = """
import os, stat
found = []
for number in range(256):
    try:
        kind = os.fstat(number)
    except OSError:
        continue
    if number != connection.fileno() and not (stat.S_ISCHR(kind.st_mode) and os.major(kind.st_rdev) == 1):
        found.append([number, oct(kind.st_mode)])
"""
    assert student.run(code) == []


def test_what_is_shown_in_tmp_is_there_and_the_rest_of_a_private_tmp_too(machine, tmp_path):
    shown, secret = tmp_path / "shown", tmp_path / "secret"
    for folder in (shown, secret):
        folder.mkdir()
        (folder / "word.txt").write_text("here")
    with Servers(machine, ROOT, programs=puppets(shown)) as servers:
        student = Student(servers)
        assert student.run(f"found = open({str(shown / 'word.txt')!r}).read()") == "here"
        assert student.run(f"import os; found = os.path.exists({str(secret)!r})") is False
        assert "Read-only" in student.error(f"open({str(shown / 'word.txt')!r}, 'w')")
        assert student.run("found = open('/tmp/mine', 'w').write('42')") == 2
        student.pair.end()
