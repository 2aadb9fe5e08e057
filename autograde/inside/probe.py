"""What a confined process can still do: each protection is tried by breaking it, as a student's process would.

`main` runs in the place of a student's process and answers with one sentence per protection, "" where it held.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autograde.inside import wire

GET_NO_NEW_PRIVS, GET_SECCOMP, FILTERED = 39, 21, 2
NEW_USER_NAMESPACE = 0x1000_0000


def main(connection: socket.socket, settings: Mapping[str, Any]) -> None:
    """Try everything, and say what was possible."""
    wire.send(connection, json.dumps({name: _tried(attack, settings) for name, attack in ATTACKS.items()}))


def _tried(attack: Callable[[Mapping[str, Any]], str], settings: Mapping[str, Any]) -> str:
    try:
        return attack(settings)
    except Exception as error:
        return f"could not be tried: {type(error).__name__}: {error}"


def read_files(settings: Mapping[str, Any]) -> str:
    seen = [path for path in settings["secret"] if Path(path).exists()]
    return f"these can be read: {', '.join(seen)}" if seen else ""


def write_files(settings: Mapping[str, Any]) -> str:
    written = [folder for folder in ("/", "/dev", "/proc", "/usr/lib", *settings["shown"]) if _can_write(Path(folder))]
    return f"these can be written to: {', '.join(written)}" if written else ""


def _can_write(folder: Path) -> bool:
    try:
        (folder / "probe").write_text("")
        return True
    except OSError:
        return False


def reach_network(settings: Mapping[str, Any]) -> str:
    try:
        socket.create_connection(("127.0.0.1", settings["port"]), 1)
        return "a socket of this machine answered"
    except OSError:
        return ""


def see_processes(_: Mapping[str, Any]) -> str:
    if os.getpid() != 1 or os.getppid() != 0:
        return f"it is process {os.getpid()} of {os.getppid()}, among others"
    shown = [path for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return f"/proc shows {len(shown)} processes" if shown else ""


def become_root(_: Mapping[str, Any]) -> str:
    if os.getuid() == 0 or os.geteuid() == 0:
        return "it is root"
    for become in (os.setuid, os.seteuid, os.setgid):
        try:
            become(0)
            return f"{become.__name__}(0) worked"
        except OSError:
            continue
    header, found = (ctypes.c_uint32 * 2)(0x2008_0522, 0), (ctypes.c_uint32 * 6)()
    ctypes.CDLL(None).capget(header, found)
    return f"it holds capabilities {list(found)}" if any(found) else ""


def gain_by_exec(_: Mapping[str, Any]) -> str:
    return "" if _prctl(GET_NO_NEW_PRIVS) == 1 else "a setuid program would give rights"


def call_the_kernel(_: Mapping[str, Any]) -> str:
    if _prctl(GET_SECCOMP) != FILTERED:
        return "no filter of system calls is in force"
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_USER_NAMESPACE) == 0:
        return "it made a namespace of its own"
    return "" if ctypes.get_errno() == errno.EPERM else f"unshare said {os.strerror(ctypes.get_errno())}"


def _prctl(option: int) -> int:
    return int(ctypes.CDLL(None).prctl(option, 0, 0, 0, 0))


def fork_without_end(settings: Mapping[str, Any]) -> str:
    allowed = settings["limits"]["processes"]
    for count in range(1, 3 * allowed):
        try:
            child = os.fork()
        except BlockingIOError:
            return "" if count <= allowed else f"{count} processes at once, where {allowed} are allowed"
        if child == 0:
            os.read(os.pipe()[0], 1)  # until pid 1 ends
    return f"{3 * allowed} processes at once, where {allowed} are allowed"


def fill_memory(settings: Mapping[str, Any]) -> str:
    most = int(settings["limits"]["memory_gb"] * 2**30)
    try:
        bytearray(most)
    except MemoryError:
        return ""
    return f"it holds {most / 2**30:.1f} GB, and as much is allowed for everything together"


def fill_the_disk(settings: Mapping[str, Any]) -> str:
    allowed = settings["limits"]["file_mb"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.getrlimit(resource.RLIMIT_FSIZE)[1],) * 2)
    for number in range(2 * allowed):
        try:
            Path(str(number)).write_bytes(bytes(2**20))
        except OSError:
            return "" if number <= allowed else f"{number} MB were written, where {allowed} are allowed"
    return f"{2 * allowed} MB were written, where {allowed} are allowed"


ATTACKS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "files": read_files,
    "read-only": write_files,
    "network": reach_network,
    "processes": see_processes,
    "user": become_root,
    "exec": gain_by_exec,
    "calls": call_the_kernel,
    "disk": fill_the_disk,
    "memory": fill_memory,
    "forks": fork_without_end,  # last: its children stay until the end
}
