"""`probe` believes nothing that it has not tried, and says what to do on the system that this is."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from functools import partial

import pytest

from autograde.cli import main
from autograde.course import ROOT, CannotGrade
from autograde.sandbox import advice, machine, servers
from autograde.sandbox.servers import Servers
from tests.autograde.sandbox.conftest import puppets

# A program in bubblewrap's place that starts what it is given, in no box at all.
NO_BOX = """#!/bin/sh
while [ "$1" != "--" ]; do
    [ "$1" = "--setenv" ] && export "$2=$3"
    [ "$1" = "--chdir" ] && cd "$2"
    shift
done
shift
exec "$@"
"""
REFUSES = "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n"


@pytest.fixture
def probe_with(monkeypatch, tmp_path):
    """Return a function that probes this machine with another program in bubblewrap's place."""

    def probe(script: str | None) -> machine.Machine:
        monkeypatch.setenv("PATH", str(tmp_path))
        if script is not None:
            program = tmp_path / "bwrap"
            program.write_text(script)
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return machine.probe.__wrapped__()

    return probe


def says(file, text):
    file.write_text(text)
    return file


@pytest.mark.sandbox
def test_here_every_protection_holds(machine):
    assert [one.name for one in machine.protections if not one.works] == []


@pytest.mark.skipif(sys.platform != "linux", reason="nothing of the kind is tried elsewhere")
def test_a_box_that_isolates_nothing_is_found_out(probe_with):
    found = probe_with(NO_BOX)
    broken = {one.name for one in found.protections if not one.works}
    assert {"files", "network"} <= broken and not found.isolates
    assert "/etc/passwd" in next(one.sentence for one in found.protections if one.name == "files")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the advice is another one")
def test_a_bubblewrap_that_may_not_is_quoted(probe_with):
    found = probe_with(REFUSES)
    assert not found.isolates and "setting up uid map: Permission denied" in found.refusal()


@pytest.mark.parametrize(
    ("system", "command"),
    [
        ("ID=ubuntu\nID_LIKE=debian\n", "apt install bubblewrap"),
        ("ID=debian\n", "apt install bubblewrap"),
        ('ID=fedora\nVERSION="43"\n', "dnf install bubblewrap"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "dnf install bubblewrap"),
        ("ID=arch\n", "pacman -S bubblewrap"),
    ],
)
def test_each_distribution_is_told_its_own_command(tmp_path, monkeypatch, system, command):
    monkeypatch.setattr(advice, "OS_RELEASE", says(tmp_path / "os-release", system))
    assert command in advice.install() and "--unsafe" in advice.install()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the advice is another one")
def test_without_bubblewrap_its_absence_is_named(probe_with):
    refusal = probe_with(None).refusal()
    assert "`bwrap`" in refusal and "Install it" in refusal


@pytest.mark.parametrize(("platform", "way_out"), [("darwin", "Linux virtual machine"), ("win32", "WSL 2")])
def test_other_systems_are_told_where_to_grade(monkeypatch, probe_with, platform, way_out):
    monkeypatch.setattr(sys, "platform", platform)
    assert way_out in probe_with(NO_BOX).refusal()


def test_ubuntus_apparmor_is_recognised(tmp_path, monkeypatch):
    monkeypatch.setattr(advice, "APPARMOR", says(tmp_path / "restrict", "1\n"))
    assert "apparmor_restrict_unprivileged_userns=0" in advice.no_namespaces()


@pytest.mark.parametrize(
    ("switch", "way_out"), [("DEBIAN_SWITCH", "userns_clone=1"), ("HOW_MANY", "max_user_namespaces")]
)
def test_namespaces_that_are_switched_off_are_recognised(tmp_path, monkeypatch, switch, way_out):
    monkeypatch.setattr(advice, "APPARMOR", tmp_path / "none")
    monkeypatch.setattr(advice, switch, says(tmp_path / "switch", "0\n"))
    assert way_out in advice.no_namespaces()


def test_a_container_is_told_how_it_must_be_started(tmp_path, monkeypatch):
    for name in ("APPARMOR", "DEBIAN_SWITCH", "HOW_MANY"):
        monkeypatch.setattr(advice, name, tmp_path / "none")
    monkeypatch.setattr(advice, "in_container", lambda: True)
    assert "--cap-add SYS_ADMIN" in advice.no_namespaces()


def test_servers_refuse_where_nothing_isolates():
    broken = machine.Machine("", (machine.Protection("network", "leaks", False, "Unplug it."),))
    with pytest.raises(CannotGrade, match=r"\(network\). Unplug it\."):
        Servers(broken, ROOT, programs=puppets())


@pytest.mark.sandbox
def test_a_library_that_is_not_there_is_named(machine, tmp_path):
    lab = tmp_path / "labs" / "lab" / "lab.ipynb"
    lab.parent.mkdir(parents=True)
    lab.write_text(json.dumps({"cells": [{"cell_type": "code", "source": ["import a_library_of_nobody"]}]}))
    with pytest.raises(CannotGrade, match="No module named 'a_library_of_nobody'"):
        Servers(machine, tmp_path)


def test_doctor_exits_with_1_where_nothing_isolates(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(
        machine, "probe", lambda: machine.Machine("", (machine.Protection("network", "leaks", False, "No."),))
    )
    assert main(["doctor"]) == 1
    assert "network     NO        leaks" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["isolates"] is False


@pytest.mark.sandbox
def test_doctor_starts_servers_tells_their_memory_and_exits_with_0(machine, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(servers, "Servers", partial(Servers, programs=puppets()))
    assert main(["doctor", "--course", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["isolates"] is True and sorted(found["preloaded_mb"]) == ["student", "tester"]


def test_doctors_help_says_what_it_does():
    done = subprocess.run(
        [sys.executable, "-m", "autograde", "doctor", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert "break out" in done.stdout
