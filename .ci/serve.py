"""JupyterLab on a student's work/, with the address that opens the first notebook.

JupyterLab runs with the course's own settings in front of the user's (.ci/jupyter): no news, no look for updates, no
request to any other host, and of nbgrader only the Validate button. It listens on this machine alone unless told.
"""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from environment import SetupError, variables

SETTINGS = Path(__file__).with_name("jupyter")
FIRST = "notebooks/00_start_here.ipynb"
PATIENCE_S = 90  # a cold start on a slow disk takes a while


@dataclass(frozen=True)
class Wish:
    """What the person asked for: where to listen, which port to try first, whether to open a browser."""

    ip: str = "127.0.0.1"
    port: int = 8888
    browser: bool = True


def serve(python: Path, root: Path, wish: Wish) -> int:
    """Serve `root`/work until Ctrl-C; return 0 after a clean end, JupyterLab's own status where it died."""
    port, token = free_port(wish.ip, wish.port), secrets.token_hex(24)
    command = [str(python), *lab_arguments(root / "work", wish.ip, port)]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `kill` ends JupyterLab too, not only this process
    with subprocess.Popen(command, cwd=root / "work", env=lab_variables(python, token)) as server:
        try:
            wait_until_up(server, wish.ip, port)
            announce(address(root / "work", port, token), wish.browser and browser_can_open(os.environ, sys.platform))
            return server.wait()
        except KeyboardInterrupt:
            return stop(server)
        except SetupError:
            server.kill()
            raise


def free_port(ip: str, first: int, tries: int = 100) -> int:
    """Return the first port from `first` on that nobody listens on.

    Raises:
        SetupError: `ip` is no address of this machine, or all `tries` ports are taken.
    """
    for port in range(first, min(first + tries, 65536)):
        with socket.socket() as probe:
            if os.name != "nt":  # there the option would let two servers share one port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ip, port))
            except OSError as error:
                reason = error
            else:
                return port
    raise SetupError(f"No port from {first} on can be had at {ip}: {reason}. Another one: make lab ARGS='--port 9999'")


def lab_arguments(work: Path, ip: str, port: int) -> list[str]:
    """Return the arguments that start JupyterLab on `work`, asking nothing of any other host."""
    return [
        "-m", "jupyterlab",
        "--no-browser",  # opened by announce(), once it serves
        "--allow-root",  # a container's user is root
        "--Application.log_level=40",  # errors only: the rest would hide the one line that matters
        f"--ServerApp.root_dir={work}",
        f"--ServerApp.ip={ip}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",  # the port is in the address already
        "--ServerApp.answer_yes=True",  # Ctrl-C ends it without a question
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",  # the other one asks the package index
    ]  # fmt: skip


def lab_variables(python: Path, token: str) -> dict[str, str]:
    """Return JupyterLab's environment: .venv first, our settings first, the token where `ps` does not show it."""
    settings = os.pathsep.join(filter(None, (str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH"))))
    return variables(python) | {"JUPYTER_CONFIG_PATH": settings, "JUPYTER_TOKEN": token}


def wait_until_up(server: subprocess.Popen[bytes], ip: str, port: int) -> None:
    """Return when the server answers.

    Raises:
        SetupError: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SetupError(f"JupyterLab ended before it served (exit status {server.returncode}); see above.")
        if answers("127.0.0.1" if ip == "0.0.0.0" else ip, port):
            return
        time.sleep(0.1)
    raise SetupError(f"JupyterLab did not answer on port {port} within {PATIENCE_S} seconds.")


def answers(ip: str, port: int) -> bool:
    connection = http.client.HTTPConnection(ip, port, timeout=2)
    try:
        connection.request("GET", "/api")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def address(work: Path, port: int, token: str) -> str:
    """Return the URL of the first notebook, of JupyterLab itself where that notebook is not in `work`."""
    page = f"lab/tree/{FIRST}" if (work / FIRST).exists() else "lab"
    return f"http://127.0.0.1:{port}/{page}?token={token}"


def announce(url: str, open_it: bool) -> None:
    opened = open_it and webbrowser.open(url)
    print(f"\nJupyterLab {'is open' if opened else 'serves'} at\n\n    {url}\n\nCtrl-C ends it.", flush=True)


def browser_can_open(env: Mapping[str, str], platform: str) -> bool:
    """Return whether a browser window can appear before the person who typed the command."""
    if env.get("SSH_CONNECTION") or env.get("CI"):
        return False
    if platform in ("darwin", "win32"):
        return True
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0  # browsers refuse to run as root
    return not is_root and bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def stop(server: subprocess.Popen[bytes]) -> int:
    """End JupyterLab and its kernels; a second Ctrl-C ends it at once."""
    server.terminate()
    try:
        server.wait(timeout=15)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        server.kill()
    print("JupyterLab has ended. Your work is in work/.")
    return 0
