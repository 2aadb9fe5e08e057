"""Frames: whole, in order, or a clear end. Nothing waits for ever, and nothing is allocated on a stranger's word."""

import socket
import struct
import threading
import time
import tracemalloc

import pytest

from autograde.inside import wire


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def soon(seconds=0.05):
    return time.monotonic() + seconds


def test_frames_arrive_whole_and_in_order(ends):
    for text in ("", "abc", "ü" * 1000, '{"a": 1}'):
        wire.send(ends[0], text)
    assert [wire.receive(ends[1]) for _ in range(4)] == ["", "abc", "ü" * 1000, '{"a": 1}']


def test_a_frame_larger_than_what_a_socket_holds_arrives(ends):
    text = "x" * 5_000_000
    sender = threading.Thread(target=wire.send, args=(ends[0], text))
    sender.start()
    assert wire.receive(ends[1]) == text
    sender.join()


def test_a_frame_above_the_cap_is_refused_before_it_is_read(ends):
    ends[0].sendall(struct.pack(">I", 2**32 - 1))
    tracemalloc.start()
    with pytest.raises(wire.Broken, match="4294967295 bytes was announced, and 1000 is the most"):
        wire.receive(ends[1], cap=1000)
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_memory_grows_with_what_has_come_and_not_with_what_was_announced(ends):
    ends[0].sendall(struct.pack(">I", wire.MAX_FRAME) + b"x" * 100)
    ends[0].close()
    tracemalloc.start()
    with pytest.raises(wire.Broken, match="ended in the middle"):
        wire.receive(ends[1])
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("sent", [b"\x00", b"\x00\x00\x00\x05abc"])
def test_a_frame_that_ends_in_the_middle_is_broken(ends, sent):
    ends[0].sendall(sent)
    ends[0].close()
    with pytest.raises(wire.Broken):
        wire.receive(ends[1])


def test_an_end_between_two_frames_is_no_fault_of_a_frame(ends):
    ends[0].close()
    with pytest.raises(wire.Closed):
        wire.receive(ends[1])
    with pytest.raises(wire.Closed):
        wire.send(ends[1], "anybody?")


def test_bytes_that_are_no_text_are_broken(ends):
    ends[0].sendall(b"\x00\x00\x00\x02\xff\xfe")
    with pytest.raises(wire.Broken, match="no UTF-8"):
        wire.receive(ends[1])


@pytest.mark.parametrize("sent", [b"", b"\x00\x00", b"\x00\x00\x00\x09abc"])
def test_silence_ends_at_the_deadline(ends, sent):
    ends[0].sendall(sent)
    with pytest.raises(wire.Silent):
        wire.receive(ends[1], deadline=soon())


def test_one_who_never_stops_sending_does_not_get_past_the_deadline(ends):
    wire.send(ends[0], "more")
    with pytest.raises(wire.Silent):
        wire.receive(ends[1], deadline=time.monotonic())


def test_who_does_not_listen_is_not_waited_for(ends):
    with pytest.raises(wire.Silent):
        wire.send(ends[0], "x" * 10_000_000, deadline=soon())


def test_no_frame_is_sent_that_no_reader_takes(ends):
    with pytest.raises(wire.Broken):
        wire.send(ends[0], "x" * (wire.MAX_FRAME + 1))
