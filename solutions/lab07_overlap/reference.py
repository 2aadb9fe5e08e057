"""Lab 7's oracle: what hidden tests compare with, and the instances that they draw.

The builder copies single functions from here into hidden test cells (`#| include NAME from reference.py`), so each
function stands alone or names the others that it needs. Nothing here is written as the solution is: scripts come with
the tokens that were put in, the fewest steps from a formula, and the loops' times from another one.
"""

from __future__ import annotations

from random import Random


def oracle_loop_cases(rng: Random, families: dict) -> list[tuple[list, dict]]:
    """Return (requests, limits) of the five families, with gaps between arrivals, in both policies."""
    drawn = []
    for name in families:
        for policy in ("mixed", "prefill_first"):
            workload = families[name](rng.randrange(10**6), policy=policy)
            config = workload.scheduler_config
            limits = {field: getattr(config, field) for field in config.__dataclass_fields__}
            requests = [(one.prompt, one.max_new_tokens, one.arrival_us) for one in workload.requests]
            if rng.random() < 0.5:
                requests.append(((3, 1, 4), 3, 200_000.0))  # long after all the others
            drawn.append((requests, limits))
    return drawn


def oracle_ring_script(rng: Random, max_num_seqs: int, num_steps: int) -> list[list]:
    """Return an engine's calls in which some tokens wait for long, but none for more than 3 x max_num_seqs others."""
    script, tokens, waiting, handed_out = [], rng.sample(range(1, 10**6), num_steps * max_num_seqs), [], 0
    for step in range(num_steps):
        size = rng.choice([0, 1, 1, rng.randrange(1, max_num_seqs + 1), max_num_seqs])
        due = [one for one in waiting if handed_out + max_num_seqs - one[1] > 3 * max_num_seqs or rng.random() < 0.3]
        waiting = [one for one in waiting if one not in due]
        mixed = [one[0] for one in due] + rng.sample([0, 1, 7, 40_000, 10**7], 2)
        rng.shuffle(mixed)
        script += [["reserve", rng.sample(range(1, max_num_seqs + 1), size)], ["resolve", mixed]]
        script.append(["stash", step, [tokens.pop() for _ in range(size)]])
        waiting += [(f"{step}.{place}", handed_out + place) for place in range(size)]
        handed_out += size
    return script


def oracle_full_ring(rng: Random, max_num_seqs: int) -> list[list]:
    """Return calls in which one token waits until just 3 x max_num_seqs places were handed out from its own on."""
    script, step = [], 0
    token = iter(rng.sample(range(1, 10**6), 40 * max_num_seqs))

    def hand_out(size: int) -> None:
        nonlocal step
        script.append(["reserve", list(range(1, size + 1))])
        script.append(["stash", step, [next(token) for _ in range(size)]])
        step += 1

    for _ in range(rng.randrange(1, 9)):
        hand_out(rng.randrange(1, max_num_seqs + 1))
    waits, left = step, 3 * max_num_seqs - 1
    hand_out(1)
    while left:
        size = min(left, rng.randrange(1, max_num_seqs + 1))
        hand_out(size)
        left -= size
    return [*script, ["resolve", [f"{waits}.0", 0]]]


def oracle_pool_script(rng: Random, max_num_seqs: int, num_steps: int) -> list[list]:
    """Return an engine's calls with requests that come, wait for any time, are padded, bring pieces, and go."""
    script, tokens = [], rng.sample(range(1, 10**6), num_steps * (max_num_seqs + 2))
    pending: dict[int, str] = {}  # row -> its newest token
    for step in range(num_steps):
        rows = rng.sample(range(1, max_num_seqs + 1), rng.randrange(0, max_num_seqs + 1))
        read = [pending.pop(row) for row in rows if row in pending and rng.random() < 0.7]
        padded = rows + [0] * rng.choice([0, 0, min(2, max_num_seqs - len(rows))])
        mixed = read + rng.sample([0, 1, 7, 40_000, 10**7], 2) + [0] * (len(padded) - len(rows))
        script += [["reserve", padded], ["resolve", mixed], ["stash", step, [tokens.pop() for _ in padded]]]
        pending |= {row: f"{step}.{place}" for place, row in enumerate(rows)}
    return [*script, ["bound", 4 * (max_num_seqs + 1)]]


def oracle_fewest_steps(max_num_seqs: int) -> int:
    """Return in how many steps a ring of 3 x max_num_seqs places can lose a token and have it read, at best.

    Step 0 hands out max_num_seqs places, the first of them to the one who waits; each later step one fewer; and one
    more step reads. Found by trying all small workloads, and true of them (tests/labs).
    """
    return 2 + -(-(2 * max_num_seqs + 1) // (max_num_seqs - 1))


def oracle_steps_credit(steps: dict[int, int]) -> tuple[float, str]:
    """Return (share of the points, sentence) for {max_num_seqs: steps to the loss}; none for twice the fewest."""
    shares, told = [], []
    for max_num_seqs, num_steps in steps.items():
        fewest = oracle_fewest_steps(max_num_seqs)
        shares.append(max(0.0, 1 - (num_steps - fewest) / fewest))
        told.append(f"{num_steps} steps for max_num_seqs={max_num_seqs} where {fewest} do")
    share = sum(shares) / len(shares)
    return share, f"Your workload loses a token, in {', '.join(told)}: {share:.0%} of these points."


def oracle_loop_times(num_steps: int, schedule_us: int, gpu_us: int, process_us: int) -> list[int]:
    """Return [sequential, overlapped] in us, in closed form: who is the slower lane, and what stands at the ends."""
    cpu_us = schedule_us + process_us
    sequential = num_steps * (cpu_us + gpu_us)
    if num_steps == 1:
        return [sequential, sequential]
    if gpu_us >= cpu_us:
        return [sequential, schedule_us + num_steps * gpu_us + process_us]
    ends_us = max(0, gpu_us - schedule_us) + max(0, gpu_us - process_us)
    return [sequential, num_steps * cpu_us + ends_us]
