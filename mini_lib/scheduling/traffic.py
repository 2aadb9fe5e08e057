"""Who asks for what and when: three shapes of traffic for measurements, each from a seed.

`offline_ramp` is a batch job: all are there from the start, and the batch shrinks as they finish. `poisson` is many
independent users. `bursty` is the same number of them in crowds. Lengths are uniform between two bounds; real traffic
has long tails, and prompts that share a beginning, neither of which is modelled.

>>> [request.arrival_us for request in bursty(4, burst_size=2, gap_us=1000.0)]
[0.0, 0.0, 1000.0, 1000.0]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from mini_lib.scheduling.workloads import WorkloadRequest


@dataclass(frozen=True, slots=True)
class Lengths:
    """The shortest and the longest prompt and answer, in tokens, and the size of the vocabulary they are drawn from."""

    prompt: tuple[int, int] = (4, 32)
    new: tuple[int, int] = (4, 32)
    vocab_size: int = 97

    def __post_init__(self) -> None:
        for name in ("prompt", "new"):
            shortest, longest = getattr(self, name)
            if not 1 <= shortest <= longest:
                raise ValueError(f"{name} lies between {shortest} and {longest}: 1 <= shortest <= longest must hold.")

    def draw(self, random: Random, arrival_us: float) -> WorkloadRequest:
        """Return a request of random lengths with random tokens."""
        prompt = tuple(random.randrange(self.vocab_size) for _ in range(random.randint(*self.prompt)))
        return WorkloadRequest(prompt, random.randint(*self.new), arrival_us)


def offline_ramp(num_requests: int, *, lengths: Lengths | None = None, seed: int = 0) -> tuple[WorkloadRequest, ...]:
    """Return requests that all arrive at 0, their answers from the shortest to the longest in even steps.

    So the batch passes through every size on its way down, if all of them fit at once.
    """
    lengths = lengths or Lengths()
    shortest, longest = lengths.new
    drawn = _at([0.0] * num_requests, lengths, Random(seed))
    last = max(1, num_requests - 1)
    return tuple(
        one._replace(max_new_tokens=shortest + (longest - shortest) * place // last) for place, one in enumerate(drawn)
    )


def poisson(
    num_requests: int, *, rate_per_s: float, lengths: Lengths | None = None, seed: int = 0
) -> tuple[WorkloadRequest, ...]:
    """Return requests of independent users, `rate_per_s` of them a second on average; the first arrives at 0.

    Raises:
        ValueError: the rate is not above 0.
    """
    if not rate_per_s > 0:
        raise ValueError(f"rate_per_s is {rate_per_s}: at that rate nobody ever arrives.")
    random = Random(seed)
    arrivals = [0.0]
    while len(arrivals) < num_requests:
        arrivals.append(arrivals[-1] + random.expovariate(rate_per_s) * 1e6)
    return _at(arrivals[:num_requests], lengths or Lengths(), random)


def bursty(
    num_requests: int, *, burst_size: int, gap_us: float, lengths: Lengths | None = None, seed: int = 0
) -> tuple[WorkloadRequest, ...]:
    """Return requests in crowds of `burst_size`, one crowd every `gap_us`.

    Raises:
        ValueError: a crowd of nobody, or a negative gap.
    """
    if burst_size < 1 or gap_us < 0:
        raise ValueError(f"bursts of {burst_size} every {gap_us} us: let at least 1 arrive, and 0 us or more pass.")
    arrivals = [place // burst_size * gap_us for place in range(num_requests)]
    return _at(arrivals, lengths or Lengths(), Random(seed))


def _at(arrivals_us: Iterable[float], lengths: Lengths, random: Random) -> tuple[WorkloadRequest, ...]:
    return tuple(lengths.draw(random, arrival_us) for arrival_us in arrivals_us)
