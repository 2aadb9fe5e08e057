"""What to do where a machine cannot isolate: the way out for the system that this is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

OS_RELEASE = Path("/etc/os-release")
INSTALL = {
    "debian": "sudo apt install bubblewrap libseccomp2",
    "fedora": "sudo dnf install bubblewrap libseccomp",
    "suse": "sudo zypper install bubblewrap libseccomp2",
    "arch": "sudo pacman -S bubblewrap libseccomp",
}
APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
DEBIAN_SWITCH = Path("/proc/sys/kernel/unprivileged_userns_clone")
HOW_MANY = Path("/proc/sys/user/max_user_namespaces")
UNSAFE = "Or grade with --unsafe, as a user who owns nothing else, on a machine that you can lose."


def no_linux() -> str:
    """Return the way out on a system without Linux's namespaces, or "" on Linux."""
    if sys.platform == "darwin":
        return (
            "macOS cannot isolate a process in this way. Grade in a Linux virtual machine: "
            f"`brew install lima && limactl start`, then this course in it. {UNSAFE}"
        )
    if sys.platform != "linux":
        return f"Only Linux can isolate a process in this way. On Windows use WSL 2: `wsl --install`. {UNSAFE}"
    if "microsoft" in os.uname().release.lower() and not hasattr(os, "pidfd_open"):
        return (
            f"WSL 1 has no namespaces. Turn this distribution into one of WSL 2: `wsl --set-version NAME 2`. {UNSAFE}"
        )
    return ""


def install() -> str:
    """Return how bubblewrap gets onto this machine."""
    known = os_release()
    named = [known.get("ID", ""), *known.get("ID_LIKE", "").split()]
    command = next((INSTALL[name] for name in named if name in INSTALL), " or ".join(INSTALL.values()))
    return f"Install it: {command}. {UNSAFE}"


def os_release() -> dict[str, str]:
    """Return what a distribution says of itself."""
    lines = OS_RELEASE.read_text().splitlines() if OS_RELEASE.is_file() else []
    pairs = [line.partition("=") for line in lines if "=" in line]
    return {name: value.strip("\"'") for name, _, value in pairs}


def no_namespaces() -> str:
    """Return the way out where bubblewrap is there and the kernel refuses what it asks for."""
    if _says(APPARMOR, "1"):
        return (
            "Ubuntu 24.04 and later refuse user namespaces to programs without an AppArmor profile. Allow them: "
            "`sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` until the next boot; for good, put "
            f"`kernel.apparmor_restrict_unprivileged_userns=0` into a file in /etc/sysctl.d. {UNSAFE}"
        )
    if _says(DEBIAN_SWITCH, "0"):
        return f"User namespaces are switched off: `sudo sysctl -w kernel.unprivileged_userns_clone=1`. {UNSAFE}"
    if _says(HOW_MANY, "0"):
        return f"User namespaces are switched off: `sudo sysctl -w user.max_user_namespaces=15000`. {UNSAFE}"
    if in_container():
        return (
            "This is a container, which withholds what a sandbox needs. Start it with `--cap-add SYS_ADMIN "
            "--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt "
            f"systempaths=unconfined` (Docker; Podman: `unmask=ALL`), or grade outside of it. {UNSAFE}"
        )
    return f"Linux 5.3 or later with user namespaces is needed; this one is {os.uname().release}. {UNSAFE}"


def in_container() -> bool:
    return any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv")) or "container" in os.environ


def _says(path: Path, value: str) -> bool:
    try:
        return path.read_text().strip() == value
    except OSError:
        return False
