"""Timelines in files: our own schema, which says where the times are from, and reading what others write.

One schema serves what was simulated, measured, recorded and profiled, so that all of them can be drawn in one picture:

    {"schema": "launch-bound/trace", "version": 1,
     "made_by": {"kind": "measured", "device": ..., "versions": ..., "date": ..., "command": ...},
     "spans": [[lane, name, start_us, end_us], ...]}

Not kept: anything about a span beside its lane, its name and its times. For Perfetto write `timeline.save` instead.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mini_lib.timing import profiler_trace
from mini_lib.timing.span import Span
from mini_lib.timing.timeline import Timeline

SCHEMA, VERSION = "launch-bound/trace", 1
KINDS = ("simulated", "measured", "recorded", "profiled", "unknown")


@dataclass(frozen=True)
class TraceFile:
    """A timeline, and what made it.

    `made_by["kind"]` is "simulated" (computed), "measured" (in this run), "recorded" (earlier, elsewhere), "profiled"
    (by torch.profiler) or "unknown" (a Chrome trace does not say). The other entries are for people. `launched_by` has
    for work of a GPU the call that brought it, as far as the trace says so; torch.profiler's do, and no file keeps it.

    Raises:
        ValueError: the kind is none of these, or the timeline is empty.
    """

    made_by: Mapping[str, Any]
    timeline: Timeline
    launched_by: Mapping[Span, Span] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.made_by.get("kind") not in KINDS:
            raise ValueError(
                f"made_by says kind {self.made_by.get('kind')!r}; a trace is one of {', '.join(KINDS)}, "
                "so that nobody takes a computed time for a measured one."
            )
        if not self.timeline.spans:
            raise ValueError("the trace holds no span: no op, no launch, no kernel was seen while it was taken.")

    def save(self, path: str | Path) -> None:
        """Write our schema to `path`, one span a line. Every time comes back bit for bit."""
        head = {"schema": SCHEMA, "version": VERSION, "made_by": dict(self.made_by)}
        rows = (json.dumps([s.lane, s.name, s.start_us, s.end_us]) for s in self.timeline.spans)
        text = f'{json.dumps(head, indent=1)[:-2]},\n "spans": [\n' + ",\n".join(rows) + "\n]}\n"
        Path(path).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> TraceFile:
        """Read a file of our schema.

        Raises:
            ValueError: it is something else, of another version, damaged, or empty; the sentence says which.
            FileNotFoundError: there is no such file.
        """
        return _located(path, _ours)


def read_trace(path: str | Path) -> TraceFile:
    """Read a trace of our schema, of torch.profiler, or in the Chrome format; each may be compressed with gzip.

    `made_by` says which it was: for torch.profiler its "kind" is "profiled", for another Chrome trace "unknown".

    Raises:
        ValueError: it is none of these, of another version, damaged, or empty; the sentence says which.
        FileNotFoundError: there is no such file.
    """
    return _located(path, _ours_or_theirs)


def _located(path: str | Path, read: Any) -> TraceFile:
    """Return what `read` makes of the file's JSON; a refusal names the file first."""
    try:
        return read(_parsed(Path(path)))
    except (AttributeError, KeyError, TypeError) as misshapen:
        raise ValueError(f"{path}: its events are not in the shape of a trace ({misshapen!r}).") from misshapen
    except ValueError as refusal:
        raise ValueError(f"{path}: {refusal}") from refusal


def _ours_or_theirs(content: Any) -> TraceFile:
    if isinstance(content, Mapping) and "schema" in content:
        return _ours(content)
    trace = {"traceEvents": content} if isinstance(content, list) else content  # the format allows the bare list
    if profiler_trace.is_profiler_trace(trace):
        made_by, launched_by = profiler_trace.made_by(trace), profiler_trace.launched_by(trace)
        return TraceFile(made_by, profiler_trace.to_timeline(trace), launched_by)
    return TraceFile({"kind": "unknown", "tool": "Chrome trace"}, Timeline.from_chrome_trace(trace))


def _ours(content: Any) -> TraceFile:
    schema = content.get("schema") if isinstance(content, Mapping) else None
    if schema != SCHEMA:
        raise ValueError(f'its schema is {schema!r}; a trace says "schema": "{SCHEMA}".')
    version = content.get("version")
    if version != VERSION:
        newer = isinstance(version, int) and version > VERSION
        way_out = "Update the course to read it" if newer else "Take the trace again"
        raise ValueError(f"it is version {version!r} of {SCHEMA}, and this course reads version {VERSION}. {way_out}.")
    return TraceFile(content.get("made_by", {}), Timeline(_row(row) for row in content.get("spans", [])))


def _row(row: Any) -> Span:
    match row:
        case [str(lane), str(name), int() | float() as start_us, int() | float() as end_us]:
            return Span(lane, name, start_us, end_us)
    raise ValueError(f"one of its spans is {row!r}; a span is [lane, name, start_us, end_us].")


def _parsed(path: Path) -> Any:
    """Return the file's JSON, unpacked first if it is compressed."""
    if path.is_dir():
        raise ValueError("this is a folder; name one trace file in it (they often end in .json or .json.gz).")
    packed = path.read_bytes()
    try:
        content = gzip.decompress(packed) if packed.startswith(b"\x1f\x8b") else packed
        return json.loads(content, strict=False)  # some writers leave line ends in names
    except (EOFError, OSError, zlib.error) as damaged:
        raise ValueError(
            f"it is compressed, and cannot be unpacked to its end ({damaged}): copy it again."
        ) from damaged
    except UnicodeDecodeError as binary:
        raise ValueError("it is no text, so no JSON: a trace is a .json or a .json.gz file.") from binary
    except json.JSONDecodeError as broken:
        breaks_off = broken.pos >= len(broken.doc.rstrip()) - 1 or "Unterminated" in broken.msg
        why = "breaks off: was its writer stopped before the end?" if breaks_off else "is no JSON."
        where = f"line {broken.lineno}, character {broken.colno}"
        raise ValueError(f"the file {why} ({broken.msg}, {where} of {len(broken.doc):,} characters)") from broken
