"""Traces in files: ours come back bit for bit, others are told apart, and what cannot be read gets a sentence."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mini_lib.timing import Span, Timeline, TraceFile, decode_step, profiler_trace, read_trace
from tests.timing.profiled import STEP, trace

BY = {"kind": "simulated", "device": "H200", "versions": {"mini_lib": "0.1.0"}, "command": "test"}
SHORT = Timeline([Span("CPU", "launch µ", 0.1, 0.7), Span("GPU", "matmul", 1.3, 2.9)])
spans = st.builds(
    lambda lane, name, one, other: Span(lane, name, min(one, other), max(one, other)),
    st.sampled_from(["CPU", "GPU", "GPU stream 7"]),
    st.text(max_size=12),
    st.floats(-1e12, 1e12),
    st.floats(-1e12, 1e12),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(spans, min_size=1, max_size=12).map(Timeline))
def test_a_saved_trace_comes_back_bit_for_bit(tmp_path_factory, timeline):
    path = tmp_path_factory.getbasetemp() / "trace.json"
    TraceFile(BY, timeline).save(path)
    assert TraceFile.load(path) == read_trace(path) == TraceFile(BY, timeline)
    exact = [(s.start_us.hex(), s.end_us.hex()) for s in timeline.spans]
    assert [(s.start_us.hex(), s.end_us.hex()) for s in read_trace(path).timeline.spans] == exact


def test_the_file_is_json_that_says_what_it_is_one_span_a_line(tmp_path):
    TraceFile(BY, SHORT).save(tmp_path / "t.json")
    text = (tmp_path / "t.json").read_text("utf-8")
    content = json.loads(text)
    assert list(content) == ["schema", "version", "made_by", "spans"]
    assert (content["schema"], content["version"], content["made_by"]) == ("launch-bound/trace", 1, BY)
    assert '\n["GPU", "matmul", 1.3, 2.9]\n' in text


def test_a_profile_of_torch_is_read_as_one_and_says_so(tmp_path):
    (tmp_path / "step.pt.trace.json").write_text(json.dumps(trace(*STEP)), "utf-8")
    read = read_trace(tmp_path / "step.pt.trace.json")
    assert read.made_by["kind"] == "profiled" and read.made_by["device"] == "NVIDIA H200"
    assert read.timeline == profiler_trace.to_timeline(trace(*STEP))
    assert read.launched_by == profiler_trace.launched_by(trace(*STEP)) != {}


def test_a_compressed_trace_is_read_whatever_its_name(tmp_path):
    (tmp_path / "worker0.json").write_bytes(gzip.compress(json.dumps(trace(*STEP)).encode()))
    assert read_trace(tmp_path / "worker0.json").made_by["kind"] == "profiled"


def test_a_chrome_trace_of_ours_comes_back_and_does_not_say_what_made_it(tmp_path):
    step = decode_step(num_kernels=5).eager
    step.save(tmp_path / "step.trace.json")
    assert read_trace(tmp_path / "step.trace.json").timeline == step
    assert read_trace(tmp_path / "step.trace.json").made_by["kind"] == "unknown"


def test_a_chrome_trace_may_be_a_bare_list_of_events(tmp_path):
    (tmp_path / "t.json").write_text('[{"ph": "X", "pid": 1, "tid": "io", "name": "read", "ts": 3, "dur": 4}]')
    assert read_trace(tmp_path / "t.json").timeline.spans == (Span("io", "read", 3, 7),)


def test_line_ends_in_names_are_read(tmp_path):
    (tmp_path / "t.json").write_text('[{"ph": "X", "pid": 1, "tid": "io", "name": "a\nb", "ts": 3, "dur": 4}]')
    assert read_trace(tmp_path / "t.json").timeline.spans[0].name == "a\nb"


OURS = {"schema": "launch-bound/trace", "version": 1, "made_by": {"kind": "measured"}, "spans": [["CPU", "a", 1, 2]]}
COMPRESSED = gzip.compress(json.dumps(OURS).encode())
REFUSED = {
    "text that breaks off": (json.dumps(OURS)[:-9], "breaks off: was its writer stopped"),
    "a list that breaks off": (json.dumps(trace(*STEP))[:-40], "breaks off"),
    "a name that breaks off": ('{"traceEvents": [{"name": "aten::', "breaks off"),
    "nothing": ("", "breaks off"),
    "prose": ("No trace, but a letter.", "is no JSON"),
    "a picture": (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "no text"),
    "a gzip file that breaks off": (COMPRESSED[:-12], "cannot be unpacked to its end"),
    "a gzip file with a wrong byte": (COMPRESSED[:20] + b"\x00\x00" + COMPRESSED[22:], "cannot be unpacked"),
    "another schema": ({**OURS, "schema": "launch-bound/recorded"}, "schema is 'launch-bound/recorded'"),
    "a newer version": ({**OURS, "version": 2}, "version 2 .* reads version 1. Update the course"),
    "no version": ({**OURS, "version": None}, "version None .* reads version 1. Take the trace again"),
    "no spans": ({**OURS, "spans": []}, "holds no span"),
    "a span too short": ({**OURS, "spans": [["CPU", "a", 1]]}, r"\['CPU', 'a', 1\]; a span is"),
    "a span of words": ({**OURS, "spans": [["CPU", "a", "1", "2"]]}, r"a span is \[lane, name, start_us, end_us\]"),
    "a span that runs backwards": ({**OURS, "spans": [["CPU", "a", 2, 1]]}, "ends before that"),
    "an unknown kind": ({**OURS, "made_by": {"kind": "guessed"}}, "kind 'guessed'; a trace is one of simulated"),
    "no word on its origin": ({**OURS, "made_by": {}}, "kind None"),
    "an origin of one word": ({**OURS, "made_by": "me"}, "not in the shape of a trace"),
    "no events": ({"traceEvents": []}, "holds no span"),
    "a profile of nothing": (trace(), "holds no span"),
    "another object": ({"cells": []}, "no Chrome trace"),
    "a number": (17, "no Chrome trace"),
    "events that are words": ({"traceEvents": ["X"]}, "not in the shape of a trace"),
    "an event without a start": ([{"ph": "X", "name": "a", "dur": 1}], "not in the shape of a trace.*ts"),
}


@pytest.mark.parametrize(("content", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_its_name_and_the_reason(content, told, tmp_path):
    path = tmp_path / "some.json"
    raw = content if isinstance(content, str | bytes) else json.dumps(content)
    path.write_bytes(raw.encode() if isinstance(raw, str) else raw)
    with pytest.raises(ValueError, match=f"(?s)some.json: .*{told}"):
        read_trace(path)


def test_a_folder_is_refused_with_what_to_name_instead(tmp_path):
    with pytest.raises(ValueError, match=r"folder; name one trace file"):
        read_trace(tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.json"):
        read_trace(tmp_path / "none.json")


def test_load_takes_our_schema_alone(tmp_path):
    SHORT.save(tmp_path / "t.json")
    with pytest.raises(ValueError, match="its schema is None"):
        TraceFile.load(tmp_path / "t.json")


def test_a_trace_of_nothing_is_not_made():
    with pytest.raises(ValueError, match="holds no span"):
        TraceFile(BY, Timeline([]))
