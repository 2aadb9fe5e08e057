"""JupyterLab's start: a free port, an address that opens the first notebook, a browser only where there is one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import serve
from environment import SetupError
from tests.course.running_lab import running_lab


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
    own = serve.lab_variables(Path(sys.executable), "secret")
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
def test_the_lab_serves_and_ends_cleanly(tmp_path, how):
    (tmp_path / "work").mkdir()
    with running_lab(tmp_path, how) as lab:
        page = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(lab.url).read().decode()
        assert "jupyter-config-data" in page
        port = int(lab.url.split(":")[2].split("/")[0])
        assert serve.answers("127.0.0.1", port)
    assert lab.process.returncode == 0
    assert "Your work is in work/" in lab.last_words()
    assert not serve.answers("127.0.0.1", port)
