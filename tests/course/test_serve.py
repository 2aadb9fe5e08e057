"""JupyterLab's start: a free port, an address that opens the first notebook, a browser only where there is one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import serve
from environment import SetupError


def test_a_port_that_is_taken_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]
        assert first < serve.free_port("127.0.0.1", first) <= first + 100


def test_an_address_of_another_machine_is_refused_with_the_way_out():
    with pytest.raises(SetupError, match=r"192\.0\.2\.1.*make lab ARGS"):
        serve.free_port("192.0.2.1", 8888, tries=2)


def test_the_address_opens_the_first_notebook_where_it_is_there(tmp_path):
    assert serve.address(tmp_path, 8890, "abc") == "http://127.0.0.1:8890/lab?token=abc"
    (tmp_path / "notebooks").mkdir()
    (tmp_path / serve.FIRST).write_text("{}")
    assert serve.address(tmp_path, 8890, "abc") == f"http://127.0.0.1:8890/lab/tree/{serve.FIRST}?token=abc"


def test_the_first_notebook_is_in_the_course():
    assert (Path(__file__).resolve().parents[2] / serve.FIRST).is_file()


@pytest.mark.parametrize(
    ("env", "platform", "user", "opens"),
    [
        ({"DISPLAY": ":0"}, "linux", 1000, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", 1000, True),
        ({}, "linux", 1000, False),
        ({"DISPLAY": ":0"}, "linux", 0, False),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "a b c d"}, "linux", 1000, False),
        ({"DISPLAY": ":0", "CI": "true"}, "linux", 1000, False),
        ({}, "darwin", 501, True),
        ({"SSH_CONNECTION": "a b c d"}, "darwin", 501, False),
        ({}, "win32", 1000, True),
    ],
)
def test_a_browser_is_opened_only_where_one_can_open(monkeypatch, env, platform, user, opens):
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    assert serve.browser_can_open(env, platform) is opens


def test_the_token_is_not_on_the_command_line(tmp_path):
    command = serve.lab_arguments(tmp_path, "127.0.0.1", 8888)
    own = serve.lab_variables(Path(sys.executable), tmp_path, "secret")
    assert own["JUPYTER_TOKEN"] == "secret"
    assert not [part for part in command if "secret" in part]


def test_a_server_that_dies_at_once_is_a_sentence():
    with (
        subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"]) as server,
        pytest.raises(SetupError, match="exit status 7"),
    ):
        serve.wait_until_up(server, "127.0.0.1", 9)


@pytest.mark.skipif(os.name == "nt", reason="signals between processes are another matter on Windows")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_make_lab_serves_work_and_ends_cleanly(tmp_path, how):
    """The whole of `course.py lab` but the installation: what it prints, what it serves, how it ends."""
    (tmp_path / "work" / "notebooks").mkdir(parents=True)
    (tmp_path / "work" / serve.FIRST).write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    code = "import sys, pathlib, serve; root = pathlib.Path(sys.argv[1]); "
    code += "sys.exit(serve.serve(pathlib.Path(sys.executable), root, serve.Wish()))"
    own = {"PYTHONPATH": str(Path(serve.__file__).parent), "CI": "true", "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    command = [sys.executable, "-u", "-c", code, str(tmp_path)]
    with subprocess.Popen(command, env=os.environ | own, stdout=subprocess.PIPE, text=True, start_new_session=True) as lab:
        assert lab.stdout is not None
        url = next(line.strip() for line in lab.stdout if "http" in line)
        page = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url).read().decode()
        assert "jupyter-config-data" in page
        os.kill(lab.pid, how)
        rest = lab.stdout.read()
    assert lab.returncode == 0
    assert "Your work is in work/" in rest
    port = int(url.split(":")[2].split("/")[0])
    assert not any(serve.answers("127.0.0.1", port) for _ in range(3) if not time.sleep(0.05)), "it must be gone"
