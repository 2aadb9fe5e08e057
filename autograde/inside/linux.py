"""The few calls of the Linux kernel that Python 3.11 has no names for, by ctypes: each returns, or raises OSError.

Importing this on another system is harmless; calling is not possible there.
"""

from __future__ import annotations

import ctypes
import os
import struct

NEWNS, NEWIPC, NEWUSER, NEWPID = 0x0002_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000
NOSUID, NODEV, NOEXEC, READ_ONLY, BIND, ALL_BELOW = 2, 4, 8, 1, 4096, 16_384
_SET_DUMPABLE, _SET_SECCOMP, _CAPBSET_DROP, _SET_NO_NEW_PRIVS, _CAP_AMBIENT = 4, 22, 24, 38, 47
_SECCOMP_FILTER, _AMBIENT_CLEAR_ALL = 2, 4
_CAPABILITY_VERSION_3 = 0x2008_0522

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """A filter as the kernel takes it: how many instructions of eight bytes, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def unshare(namespaces: int) -> None:
    """Leave these namespaces for fresh ones; a new pid namespace begins with the next child."""
    _check(_libc.unshare(namespaces), "unshare")


def setns(namespace: int, kind: int) -> None:
    """Enter the namespace behind a file descriptor."""
    _check(_libc.setns(namespace, kind), "setns")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    """Mount; a bind mount has kind ""."""
    arguments = (source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())
    _check(_libc.mount(*arguments), f"mount {target}")


def set_dumpable(dumpable: bool) -> None:
    """Say whether other processes of the same user may look into this one, and whether /proc shows it as its own."""
    _prctl(_SET_DUMPABLE, int(dumpable))


def gain_nothing_by_exec() -> None:
    """Set no_new_privs: no setuid program gives this process anything, for ever."""
    _prctl(_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Give up every capability, and the right to get one back."""
    _prctl(_CAP_AMBIENT, _AMBIENT_CLEAR_ALL)
    for capability in range(64):
        if _libc.prctl(_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0):
            break  # EINVAL: the kernel knows no more of them
    header, nothing = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)
    _check(_libc.capset(header, nothing), "capset")


def filter_calls(program: bytes) -> None:
    """Install a seccomp filter, exported by libseccomp; it holds for all children and cannot be taken off."""
    loaded = _Program(len(program) // 8, program)
    _prctl(_SET_SECCOMP, _SECCOMP_FILTER, ctypes.addressof(loaded))


def _prctl(option: int, first: int, second: int = 0) -> None:
    _check(_libc.prctl(option, ctypes.c_ulong(first), ctypes.c_ulong(second), 0, 0), f"prctl {option}")


def _check(status: int, what: str) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
