"""The calls of the kernel that a sandboxed process is refused: a seccomp filter, made once and handed to the servers.

What is refused looks into other processes, makes namespaces or mounts, opens a socket to anybody, runs code in the
kernel, keeps others waiting, or holds memory that no limit counts. All else stays allowed, so that what a library needs
works. A call that the kernel learned after this was written is answered as by a kernel that lacks it. `setsid` is
answered and not done: many kernels share out the CPU by session, and a student with a hundred busy ones would leave
none to a neighbour.
"""

from __future__ import annotations

import errno
import functools
import socket
import tempfile
from typing import Any

from autograde.course import CannotGrade

REFUSED = {
    "looks into other processes": "ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp "
    "perf_event_open lookup_dcookie",
    "namespaces and mounts": "unshare setns mount umount umount2 pivot_root chroot open_tree move_mount fsopen "
    "fsconfig fsmount fspick mount_setattr open_by_handle_at name_to_handle_at quotactl quotactl_fd fanotify_init",
    "talks to anybody": "socket connect bind listen accept accept4",
    "runs code in the kernel": "bpf userfaultfd io_uring_setup io_uring_enter io_uring_register kexec_load "
    "kexec_file_load init_module finit_module delete_module create_module query_module get_kernel_syms",
    "keys": "keyctl add_key request_key",
    "the machine": "reboot swapon swapoff acct syslog settimeofday stime clock_settime clock_adjtime adjtimex "
    "sethostname setdomainname iopl ioperm modify_ldt vm86 vm86old nfsservctl sysfs _sysctl uselib ustat vhangup "
    "personality move_pages migrate_pages",
    "what others wait for": "sync syncfs inotify_init inotify_init1 io_setup",
    "memory that no limit counts": "memfd_create memfd_secret shmget shmat shmctl shmdt msgget msgsnd msgrcv msgctl "
    "semget semop semtimedop semctl mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr",
}
ABSENT = ("clone3",)  # its flags lie in memory, where no filter looks; libc goes on with clone
YOUNGER = range(457, 600)  # from statmount on: numbers are the same on every architecture there
NEW_NAMESPACES = (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
LEASES = (1024, 1026)  # F_SETLEASE, F_NOTIFY: who opens a leased file of the library waits for 45 s
SHARED_AND_NAMELESS = (0x2F, 0x21)  # MAP_SHARED | MAP_ANONYMOUS: its pages stay when all but one are unmapped
RLIMIT_CORE = 4  # who lowers it from 1 to 0 has the machine's own collector of crashes fed (`inside/bounds.py`)
SOCKET_KINDS = (2, 3, 4, 5, 6, 10)  # all but SOCK_STREAM, which alone cannot be turned to another address


@functools.cache
def refusals() -> bytes:
    """Return the filter as the kernel takes it.

    Raises:
        CannotGrade: pyseccomp or its library is missing.
    """
    try:
        import pyseccomp as seccomp  # type: ignore[import-untyped]
    except (ImportError, RuntimeError, OSError) as error:
        raise CannotGrade(
            f"The filter of system calls cannot be made ({error}). Install it: pip install -e '.[instructor]', and "
            "libseccomp.so.2 (Debian, Ubuntu: apt install libseccomp2; Fedora: dnf install libseccomp)."
        ) from error
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    _refuse(rules, seccomp)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _refuse(rules: Any, seccomp: Any) -> None:
    denied, absent = seccomp.ERRNO(errno.EPERM), seccomp.ERRNO(errno.ENOSYS)
    for names in REFUSED.values():
        for name in names.split():
            _add(rules, denied, name)
    for call in (*ABSENT, *YOUNGER):
        _add(rules, absent, call)
    rules.add_rule(seccomp.ERRNO(0), "setsid")
    for flag in NEW_NAMESPACES:
        rules.add_rule(denied, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    for command in LEASES:
        rules.add_rule(denied, "fcntl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFF_FFFF, command))
    core = (seccomp.MASKED_EQ, 0xFFFF_FFFF, RLIMIT_CORE)
    rules.add_rule(denied, "setrlimit", seccomp.Arg(0, *core))
    rules.add_rule(denied, "prlimit64", seccomp.Arg(1, *core), seccomp.Arg(2, seccomp.NE, 0))
    rules.add_rule(denied, "mmap", seccomp.Arg(3, seccomp.MASKED_EQ, *SHARED_AND_NAMELESS))
    rules.add_rule(denied, "socketpair", seccomp.Arg(0, seccomp.NE, int(socket.AF_UNIX)))
    for kind in SOCKET_KINDS:
        rules.add_rule(denied, "socketpair", seccomp.Arg(1, seccomp.MASKED_EQ, 0xF, kind))


def _add(rules: Any, action: int, call: str | int) -> None:
    """Add a rule; a name that this libseccomp has not heard of is among the younger numbers, or of another machine."""
    try:
        rules.add_rule(action, call)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
