"""The command line of the bench: one verb per measurement."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mini_lib.bench.verbs import (
    Verb,
    crossover,
    decode,
    diagnose,
    fit,
    graph,
    overlap,
    record,
    targets,
    trace,
    twin,
    vllm,
)

VERBS: tuple[Verb, ...] = (
    graph,
    decode,
    overlap,
    trace,
    diagnose,
    twin,
    record,
    vllm,
    targets,
    crossover,
    fit,
)
DESCRIPTION = """\
Measures what the course talks about, on this machine.

Each verb prints a table for people, then one line of JSON for programs. New here? Start with
    python -m mini_lib.bench graph
which runs a small model normally and from a CUDA graph, and runs into everything a graph refuses. Then
    python -m mini_lib.bench overlap
which runs the same batches with the CPU working before the GPU, and beside it, and
    python -m mini_lib.bench decode
which lets the engine decode in four modes.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    top = argparse.ArgumentParser(
        prog="python -m mini_lib.bench", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    words = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in VERBS:
        name = verb.__name__.rpartition(".")[2]
        own = words.add_parser(name, help=verb.HELP, description=verb.HELP + verb.MORE)
        verb.add_arguments(own)
        own.set_defaults(run=verb.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return 0; wrong usage ends in exit status 2, as argparse has it, and Ctrl-C in 130."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    options = parser().parse_args(arguments)
    try:
        options.run(options, arguments)
    except KeyboardInterrupt:
        print(f"\npython -m mini_lib.bench {options.verb}: stopped.", file=sys.stderr)
        return 130  # as a shell counts a program that Ctrl-C ended
    return 0


if __name__ == "__main__":
    sys.exit(main())
