"""No student's process talks to anybody: not to this machine, not to the world, not to another student."""

from __future__ import annotations

import socket

import pytest

pytestmark = pytest.mark.sandbox


def test_a_server_on_this_machine_hears_nothing(student):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert "PermissionError" in student.error(f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)")
        with socket.create_connection(("127.0.0.1", port), 2):  # whoever is outside reaches it
            listener.accept()[0].close()


def test_not_even_a_box_without_the_filter_reaches_this_machine(machine):
    """The cut does not hang on the filter alone: `probe` calls from the box before anything is confined."""
    network = next(one for one in machine.protections if one.name == "network")
    assert network.works


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "AF_ALG"])
def test_no_socket_of_any_family_can_be_made(student, family):
    code = f"import socket; socket.socket(socket.{family}, socket.SOCK_DGRAM)"
    assert "PermissionError" in student.error(code)


def test_a_stream_pair_works_since_event_loops_need_one(student):
    code = "import socket; a, b = socket.socketpair(); a.send(b'ping'); found = b.recv(4).decode()"
    assert student.run(code) == "ping"


@pytest.mark.parametrize("kind", ["SOCK_DGRAM", "SOCK_SEQPACKET"])
def test_a_pair_that_could_be_turned_to_another_address_cannot_be_made(student, kind):
    """A datagram socket of a pair may send to any abstract address, and two students share one network namespace."""
    assert "PermissionError" in student.error(f"import socket; socket.socketpair(socket.AF_UNIX, socket.{kind})")


def test_the_socket_that_a_student_holds_cannot_be_turned_to_anybody_else(student):
    for call in ("connect('/tmp/x')", "bind('\\0mine')", "listen()"):
        assert "PermissionError" in student.error(f"connection.{call}")


def test_an_event_loop_runs(student):
    code = "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 7\nfound = asyncio.run(f())"
    assert student.run(code) == 7
