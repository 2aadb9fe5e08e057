"""What a process inside the box gives up before it serves a student: Linux namespaces, its user, every privilege.

    box (bubblewrap)          no network, read-only files, nothing secret to read
      └─ server               root over an empty user namespace of its own: may fork into new pid namespaces
           └─ child           pid 1 of its own pid namespace; own user, mount and ipc namespaces; nobody's root

A child that returned from `confine` holds no capability, gains none by exec, has its own /tmp of limited size, sees
no process but its own, and asks the kernel only for what the filter lets through. Whoever kills it kills all that it
started: it is pid 1. /proc is covered by an empty read-only folder: a fresh one could not be mounted (bubblewrap covers
parts of its own), and what is not there cannot be read.

Started as root, the server lends each child a user of its own: no two share a count of processes, or anything else.
Otherwise all have the user who grades; they are still apart by their namespaces, and a kernel from 5.14 on counts
processes by user namespace.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from autograde.inside import linux
from autograde.inside.bounds import bound_this_process

INSIDE_ID = 1000  # what a child's os.getuid() says, whoever it is outside: results must not differ by it
INODES = 20_000


@dataclass(frozen=True)
class Users:
    """The real users that a server started as root may lend: `count` of them from `first` on; none without root."""

    first: int = 0
    count: int = 0


def become_root_of_nothing(users: Users, in_tmp: Sequence[str]) -> None:
    """Go on in a new process: pid 1 and root of namespaces that hold nothing. What called it waits for its end."""
    if users.count:
        os.setgroups([])  # before the new user namespace, where it would not be allowed
        _unshare_mapped(users)
        os.setresgid(0, 0, 0)  # in there: the first of the users lent
        os.setresuid(0, 0, 0)
    else:
        user, group = os.getuid(), os.getgid()
        linux.unshare(linux.NEWUSER | linux.NEWPID | linux.NEWNS)
        _map("self", f"0 {user} 1", f"0 {group} 1")
    child = os.fork()
    if child:
        _end_like(child)
    _mount_own_tmp("size=32m,mode=755", in_tmp)  # for caches of libraries; children cover it by their own
    linux.set_dumpable(False)


def _unshare_mapped(users: Users) -> None:
    """Enter a user namespace of many users: their map is written from outside of it, by a child that stays behind."""
    ready, go = os.pipe()
    linux.set_dumpable(True)
    writer = os.fork()
    if writer == 0:
        os.close(go)
        os.read(ready, 1)
        lent = f"0 {users.first} {users.count}"
        try:
            _map(str(os.getppid()), lent, lent, setgroups=True)
        finally:
            os._exit(0)  # the parent sees by its own map whether it worked
    linux.unshare(linux.NEWUSER | linux.NEWPID | linux.NEWNS)
    os.write(go, b"!")
    os.close(go)
    os.close(ready)
    os.waitpid(writer, 0)


def _map(process: str, users: str, groups: str, setgroups: bool = False) -> None:
    here = Path("/proc") / process
    if not setgroups:
        (here / "setgroups").write_text("deny")
    (here / "uid_map").write_text(users)
    (here / "gid_map").write_text(groups)


def _end_like(child: int) -> NoReturn:
    """Close everything, wait for `child`, and end as it ended."""
    os.closerange(0, 2**16)
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def fork_as_pid_one(own_namespace: int) -> int:
    """Fork; the child is pid 1 of a new pid namespace. `own_namespace` is /proc/self/ns/pid of the caller, opened."""
    linux.unshare(linux.NEWPID)
    try:
        child = os.fork()
    except OSError:
        linux.setns(own_namespace, linux.NEWPID)
        raise
    if child:
        linux.setns(own_namespace, linux.NEWPID)
    return child


def confine(user: int, limits: Mapping[str, Any], calls: bytes, in_tmp: Sequence[str]) -> None:
    """Give up everything, in a process that `fork_as_pid_one` made. `user` as the server's namespace counts them."""
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    linux.set_dumpable(True)  # or /proc/self would belong to somebody else, and the maps could not be written
    linux.unshare(linux.NEWUSER | linux.NEWNS | linux.NEWIPC)
    _map("self", f"{INSIDE_ID} {user} 1", f"{INSIDE_ID} {user} 1")
    Path("/proc/self/oom_score_adj").write_text("1000")  # if the machine runs out of memory, students go first
    os.umask(0o077)
    _mount_own_tmp(f"size={int(limits['file_mb'])}m,nr_inodes={INODES},mode=700", in_tmp)
    _cover_proc_and_share_memory()
    bound_this_process(limits, count_processes=True)  # after unshare: the count is that of the new namespace
    linux.drop_capabilities()
    linux.gain_nothing_by_exec()
    linux.set_dumpable(False)
    linux.filter_calls(calls)


def _mount_own_tmp(options: str, in_tmp: Sequence[str]) -> None:
    """Mount an empty /tmp, and into it again what the box shows in there, as where the course itself lies in /tmp."""
    shown = {path: os.open(path, os.O_PATH) for path in in_tmp}
    linux.mount("tmpfs", "/tmp", "tmpfs", linux.NOSUID | linux.NODEV, options)
    for path, handle in shown.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).mkdir() if stat.S_ISDIR(os.fstat(handle).st_mode) else Path(path).touch()
        linux.mount(f"/proc/self/fd/{handle}", path, "", linux.BIND | linux.ALL_BELOW)
        os.close(handle)


def _cover_proc_and_share_memory() -> None:
    quiet = linux.NOSUID | linux.NODEV
    shared = Path("/tmp/.shm")  # multiprocessing keeps its semaphores in /dev/shm: within the same limit of size
    shared.mkdir()
    linux.mount(str(shared), "/dev/shm", "", linux.BIND)
    linux.mount("tmpfs", "/proc", "tmpfs", quiet | linux.NOEXEC | linux.READ_ONLY, "size=4k,nr_inodes=1,mode=555")
