"""Random programs: replay equals eager bit for bit on several inputs, or the capture is refused by name.

`LAUNCH_BOUND_FUZZ_PROGRAMS` sets how many (2,000 unless told; `make soak` asks for 100,000). Planted bugs in the replay
show that the comparison can fail.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mini_lib.graphs import cuda_graph, recorder
from mini_lib.graphs.errors import CaptureError, FirstLine
from mini_lib.graphs.nodes import Node
from tests.graphs.programs import COMPUTES, READS, VIEWS, WRITES, Instruction, State, run

NUM_PROGRAMS = int(os.environ.get("LAUNCH_BOUND_FUZZ_PROGRAMS", "2000"))
NEVER_REFUSED = (*COMPUTES, *VIEWS, *WRITES)
MAX_STEPS = 10
MAX_OPERAND = 9
FIRST_LINES = (FirstLine.UNSUPPORTED_900, FirstLine.INVALIDATED_901, FirstLine.PAGEABLE_COPY)
END = ("neg", 0, 0, 0)  # so that no graph is empty
MODES = {"no_grad": torch.no_grad, "inference_mode": torch.inference_mode, "grad": torch.enable_grad}


def instruction(names: Sequence[str]) -> st.SearchStrategy[Instruction]:
    """Return instructions, each decoded from one number: hypothesis pays for every draw."""
    base = MAX_OPERAND + 1

    def decode(code: int) -> Instruction:
        return names[code // base**3], code // base**2 % base, code // base % base, code % base

    return st.integers(0, len(names) * base**3 - 1).map(decode)


PROGRAMS = st.lists(instruction(NEVER_REFUSED), min_size=2, max_size=MAX_STEPS)
# One program in about sixteen reads a value back, somewhere.
READING = st.tuples(st.integers(0, 2**20), st.integers(0, MAX_STEPS), instruction(tuple(READS)))


def state_of(seed: int) -> State:
    source = torch.Generator().manual_seed(seed)
    x, y, buffer = (torch.randn(rows, 6, generator=source) for rows in (4, 4, 7))
    return State(x, y, torch.randperm(7, generator=source)[:4], buffer)


def refill(state: State, seed: int) -> None:
    """Put the inputs of `seed` to the addresses of `state`. The buffer stays as the program left it."""
    fresh = state_of(seed)
    with torch.no_grad():
        for mine, new in ((state.x, fresh.x), (state.y, fresh.y), (state.ids, fresh.ids)):
            mine.copy_(new)


def same(mine: Sequence[torch.Tensor], its: Sequence[torch.Tensor]) -> bool:
    """Compare bit for bit, and strides with them: NaN equals NaN, and 0.0 is not -0.0."""
    if [(one.shape, one.stride()) for one in mine] != [(one.shape, one.stride()) for one in its]:
        return False
    pairs = zip(mine, its, strict=True)
    return all(torch.equal(*(t.detach().contiguous().view(torch.int32) for t in pair)) for pair in pairs)


def check(program: Sequence[Instruction], mode: str) -> str:
    """Return what became of `program`: "equal", "refused", or "invalid" if eager itself rejects it."""
    with MODES[mode]():
        eager, static = state_of(1), state_of(1)
        differentiate = mode == "grad"
        try:
            run(program, state_of(1), differentiate)
        except RuntimeError:
            return "invalid"
        graph, refusal = recorder.CUDAGraph(), None
        try:
            with recorder.graph(graph):
                replayed = run([*program, END], static, differentiate)
        except CaptureError as error:
            refusal = error
        if refusal is not None:
            assert refusal.first_line in FIRST_LINES
            assert refusal.hint
            return "refused"
        for seed in (2, 3, 4):
            refill(static, seed)
            refill(eager, seed)
            torch.default_generator.manual_seed(seed)
            graph.replay()
            torch.default_generator.manual_seed(seed)
            expected = run([*program, END], eager, differentiate)
            assert same([*replayed, static.x, static.y, static.buffer], [*expected, eager.x, eager.y, eager.buffer])
        return "equal"


def with_a_read(program: list[Instruction], reading: tuple[int, int, Instruction]) -> list[Instruction]:
    """Return `program`, with a read put somewhere in it now and then."""
    chance, place, read = reading
    return [*program[:place], read, *program[place:]] if chance % 16 == 11 else program


def fuzz(num_programs: int, phases: Sequence[Phase] = tuple(Phase)) -> Counter[str]:
    """Run random programs; return how many were equal, refused or invalid."""
    outcomes: Counter[str] = Counter()

    @settings(
        max_examples=num_programs, deadline=None, database=None, phases=phases, derandomize=num_programs <= 2000,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(PROGRAMS, READING, st.sampled_from(sorted(MODES)))
    def one(program: list[Instruction], reading: tuple[int, int, Instruction], mode: str) -> None:
        whole = with_a_read(program, reading)
        outcome = check(whole, mode)
        outcomes[outcome] += 1
        reads = any(name in READS for name, *_ in whole)
        assert outcome == "invalid" or (outcome == "refused") == reads

    one()
    return outcomes


def test_replay_equals_eager_on_random_programs():
    outcomes = fuzz(NUM_PROGRAMS)
    assert outcomes.total() >= NUM_PROGRAMS
    assert 0 < outcomes["refused"] < 0.10 * outcomes.total()
    assert outcomes["invalid"] < 0.10 * outcomes.total()


def _without_last(nodes: list[Node]) -> list[Node]:
    return nodes[:-2] + nodes[-1:]


def _backwards(nodes: list[Node]) -> list[Node]:
    return nodes[::-1]


def _first_write_lost(nodes: list[Node]) -> list[Node]:
    written = [place for place, node in enumerate(nodes) if node.name.endswith("_")]
    return [node for place, node in enumerate(nodes) if place not in written[:1]]


def _twice(nodes: list[Node]) -> list[Node]:
    return [same_node for node in nodes for same_node in (node, node)]


@pytest.mark.parametrize("bug", [_without_last, _backwards, _first_write_lost, _twice])
def test_the_fuzz_finds_a_planted_bug(bug: Callable[[list[Node]], list[Node]], monkeypatch: pytest.MonkeyPatch):
    replay = cuda_graph.run
    monkeypatch.setattr(cuda_graph, "run", lambda nodes: replay(bug(list(nodes))))
    with pytest.raises(AssertionError):
        fuzz(200, phases=[Phase.generate])


def test_the_fuzz_finds_an_address_given_away_too_early(monkeypatch: pytest.MonkeyPatch):
    from mini_lib.graphs.pool import Pool, Segment

    take = Segment.take

    def take_nothing(self, stretch, num_bytes, label):
        take(self, stretch, num_bytes, label)
        stretch.live = False

    monkeypatch.setattr(Segment, "take", take_nothing)
    monkeypatch.setattr(Pool, "_release", lambda *_: None)
    with pytest.raises(AssertionError):
        fuzz(200, phases=[Phase.generate])


@pytest.mark.parametrize("name", NEVER_REFUSED)
def test_what_must_never_be_refused_is_not(name: str):
    assert check([(name, 1, 1, 1), ("add", 3, 0, 0)], "no_grad") == "equal"


@pytest.mark.parametrize("name", READS)
def test_what_reads_back_is_refused(name: str):
    assert check([("add", 0, 1, 0), (name, 1, 1, 1)], "no_grad") == "refused"
