"""The bar shows itself on stdout, to a person, after two seconds; never on stderr."""

import io
import sys

import pytest

from mini_lib.graphs import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def no_patience(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)


def test_a_program_that_nobody_watches_prints_nothing(capsys, no_patience):
    assert list(progress.progress_bar([4, 2, 1], "Capturing")) == [4, 2, 1]
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_the_bar_goes_to_stdout_only(monkeypatch, capsys, no_patience):
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert list(progress.progress_bar([4, 2, 1], "Capturing")) == [4, 2, 1]
    assert "Capturing" in sys.stdout.getvalue()
    assert capsys.readouterr().err == ""


def test_a_short_job_shows_no_bar_even_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert list(progress.progress_bar([4, 2, 1], "Capturing")) == [4, 2, 1]
    assert sys.stdout.getvalue() == ""


def test_a_bar_that_is_not_wanted_does_not_show(monkeypatch, no_patience):
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert list(progress.progress_bar([4], "Capturing", wanted=False)) == [4]
    assert sys.stdout.getvalue() == ""


def test_a_notebook_counts_as_a_person(monkeypatch):
    class ZMQInteractiveShell:
        pass

    class IPython:
        get_ipython = ZMQInteractiveShell

    monkeypatch.setitem(sys.modules, "IPython", IPython)
    assert progress.person_watches()
