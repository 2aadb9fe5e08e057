"""Right and wrong answers to the exercises of notebook 09, for test_practice.py."""


def ordered(before, step, after):
    """Return an answer that asks one order of every pair of steps; `{k}` is a step and `{n}` the next one."""

    def overlaps(log, num_steps):
        places = (
            [log.index(event.format(k=k, n=k + 1)) for event in (before, step, after)] for k in range(num_steps - 1)
        )
        return all(first <= second <= third for first, second, third in places)

    return overlaps


def one_pair(log, num_steps):
    return any(log.index(f"launch {k + 1}") < log.index(f"process {k}") < log.index(f"wait {k + 1}")
               for k in range(num_steps - 1))  # fmt: skip


RIGHT = {
    "09/overlaps": ordered("launch {n}", "process {k}", "wait {n}"),
    "09/rows_computed": lambda most, stop_at: most if stop_at is None else min(stop_at + 1, most),
}
WRONG = {
    ("09/overlaps", "compares a step with itself"): ordered("launch {k}", "process {k}", "process {k}"),
    ("09/overlaps", "the wrong way round"): ordered("process {k}", "launch {n}", "wait {n}"),
    ("09/overlaps", "one pair is enough"): one_pair,
    ("09/overlaps", "does not see the wait in the launch"): ordered("launch {n}", "process {k}", "process {k}"),
    ("09/rows_computed", "sees the stop in time"): lambda most, stop_at: stop_at or most,
    ("09/rows_computed", "late at the length too"): lambda most, stop_at: (stop_at or most) + 1,
    ("09/rows_computed", "goes beyond the length"): lambda most, stop_at: most if stop_at is None else stop_at + 1,
}
