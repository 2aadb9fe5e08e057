"""A student's process is nobody's root, gains nothing, and asks the kernel for little."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from autograde.course import ROOT
from autograde.sandbox.servers import Servers
from autograde.sandbox.syscalls import LEASES, REFUSED, YOUNGER
from tests.autograde.sandbox.conftest import Student, puppets

pytestmark = pytest.mark.sandbox

LIBC = "import ctypes, errno, os; libc = ctypes.CDLL(None, use_errno=True)\n"
SAID = "; found = errno.errorcode.get(ctypes.get_errno(), 'done') if {status} == -1 else 'done'"


def answers(student, calls: str) -> str:
    """The error by which the kernel answers a call."""
    return student.run(f"{LIBC}status = libc.{calls}{SAID.format(status='status')}")


def numbers() -> dict[str, int]:
    """Every refused call that this machine's kernel has, by its number."""
    seccomp = pytest.importorskip("pyseccomp")
    named = {
        name: seccomp.resolve_syscall(seccomp.Arch.NATIVE, name) for names in REFUSED.values() for name in names.split()
    }
    return {name: number for name, number in named.items() if number >= 0}


@pytest.mark.parametrize("call", ["setuid(0)", "setgid(0)", "setreuid(0, 0)", "setgroups(0, 0)", "seteuid(0)"])
def test_it_cannot_become_anybody_else(student, call):
    assert answers(student, call) in ("EPERM", "EINVAL")  # EINVAL: in its namespace there is no such user


def test_it_holds_no_capability(student):
    code = (
        f"{LIBC}header, held = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(); libc.capget(header, held)"
    )
    assert student.run(f"{code}; found = list(held)") == [0] * 6


def test_it_cannot_get_a_capability_back(student):
    assert answers(student, "prctl(47, 2, 0, 0, 0)") in ("EPERM", "EINVAL")  # raise an ambient capability
    assert student.run(f"{LIBC}found = [libc.prctl(23, n, 0, 0, 0) for n in range(41)]") == [0] * 41, "bounding set"


def test_exec_gives_nothing(student):
    assert student.run(f"{LIBC}found = libc.prctl(39, 0, 0, 0, 0)") == 1, "no_new_privs"
    assert answers(student, "prctl(38, 0, 0, 0, 0)") == "EINVAL", "and it cannot be taken off"


@pytest.mark.parametrize(
    "call",
    [
        *(f"unshare({flag:#x})" for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000)),
        "mount(b'tmpfs', b'/tmp', b'tmpfs', 0, 0)",
        "umount2(b'/proc', 2)",
        "umount2(b'/tmp', 2)",
        "chroot(b'/tmp')",
        "sethostname(b'mine', 4)",
        "ptrace(0, 0, 0, 0)",
        "reboot(0)",
    ],
)
def test_namespaces_mounts_and_the_machine_are_not_its_to_change(student, call):
    assert answers(student, call) == "EPERM"


@pytest.mark.parametrize("flag", [0x10000000, 0x20000, 0x20000000, 0x40000000])
def test_clone_makes_no_namespace_either(student, flag):
    clone = numbers_of("clone")
    assert answers(student, f"syscall({clone}, {flag:#x} | 17, 0, 0, 0, 0)") == "EPERM"
    assert answers(student, f"syscall({numbers_of('clone3')}, 0, 0)") == "ENOSYS"


def numbers_of(name: str) -> int:
    seccomp = pytest.importorskip("pyseccomp")
    return int(seccomp.resolve_syscall(seccomp.Arch.NATIVE, name))


def test_every_call_on_the_list_is_refused(student):
    code = f"""{LIBC}
found = {{}}
for name, number in {numbers()!r}.items():
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != errno.EPERM:
        found[name] = ctypes.get_errno()
"""
    assert len(numbers()) > 60 and student.run(code) == {}


@pytest.mark.parametrize("command", [*LEASES, LEASES[0] | 1 << 32], ids=["lease", "notify", "half of a register"])
def test_no_file_of_the_library_can_be_leased(student, command):
    """Everybody who opens it would wait for 45 s: the owner of the library may lease it, and grades as a rule."""
    calls = f"syscall({numbers_of('fcntl')}, os.open(os.__file__, os.O_RDONLY), ctypes.c_long({command}), 1)"
    assert answers(student, calls) == "EPERM"


def test_calls_that_nobody_has_thought_of_yet_are_absent(student):
    code = f"""{LIBC}
found = []
for number in {list(YOUNGER)!r}:
    ctypes.set_errno(0)
    if libc.syscall(number, 0, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != errno.ENOSYS:
        found.append(number)
"""
    assert student.run(code) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a setuid program of root's")
def test_a_setuid_program_of_roots_gives_no_rights(machine, tmp_path):
    program = Path(shutil.copy(shutil.which("id"), tmp_path / "id"))
    program.chmod(0o4755)
    tmp_path.chmod(0o755)
    with Servers(machine, ROOT, programs=puppets(tmp_path)) as servers:
        student = Student(servers)
        code = f"import subprocess; found = subprocess.run([{str(program)!r}], capture_output=True, text=True).stdout"
        said = student.run(code)
        assert "uid=1000" in said and "euid=0" not in said
        student.pair.end()


def test_the_tester_is_confined_as_a_student_is(student):
    code = f"tester:{LIBC}status = libc.unshare(0x10000000)\nfound = [errno.errorcode[ctypes.get_errno()], os.getuid()]"
    assert student.run(code) == ["EPERM", 1000]
