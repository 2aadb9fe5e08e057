"""Wrong answers to lab 1 with what each must lose and be told, and right answers that must lose nothing.

Each `code` takes the place of the whole solution cell; the other cells are the solution's.
"""

from autograde.mutants import Mutant, RightAnswer


def _mutants(exercise: str, loses: float, form: str, *answers: tuple[str, str, str]) -> list[Mutant]:
    """Return the wrong answers (name, told, body) to one exercise that all lose the same; `form` is what is round them.

    A body that defines a function itself is the whole cell.
    """
    return [Mutant(f"{exercise}: {name}", exercise, loses, told, _cell(form, body)) for name, told, body in answers]


def _right(exercise: str, form: str, *answers: tuple[str, str]) -> list[RightAnswer]:
    return [RightAnswer(f"{exercise} {name}", exercise, _cell(form, body)) for name, body in answers]


def _cell(form: str, body: str) -> str:
    """Return the text of a cell: `form` with `body` in the place of its BODY, indented as that is."""
    if f"def {form.split('def ', 1)[1].split('(')[0]}(" in body:
        return body
    before, _, after = form.partition("BODY")
    indent = "\n" + " " * (len(before) - len(before.rstrip(" ")))
    return before + body.strip().replace("\n", indent) + after


# 1.2: the launch queue. What varies stands between the lines that are given.

_QUEUE = """
def launch_queue(kernel_us, launch_us, gap_us, latency_us, queue_depth):
    launches, kernels = [], []
    cpu_us = 0.0
    for n, us in enumerate(kernel_us):
        BODY
    return [launches, kernels]
"""
_ROUND = """
{wait}
launches.append([cpu_us, cpu_us + launch_us])
cpu_us += launch_us
{start}
kernels.append([start_us, start_us + us])
"""
_WAIT = "cpu_us = max(cpu_us, kernels[n - queue_depth][1]) if n >= queue_depth else cpu_us"
_START = "start_us = max(cpu_us + latency_us, kernels[-1][1] + gap_us if kernels else 0.0)"


def _round(wait: str = _WAIT, start: str = _START) -> str:
    return _ROUND.format(wait=wait, start=start)


LAUNCH_QUEUE = _mutants(
    "launch_queue",
    4,
    _QUEUE,
    (
        "adds CPU and GPU time",
        "You add the CPU's time and the GPU's",
        _round(wait="cpu_us = max([cpu_us] + [kernel[1] for kernel in kernels])"),
    ),
    ("ignores the queue", "there is no place until kernel 0 has ended", _round(wait="")),
    (
        "one launch too many in the queue",
        "with 2 places you let 3 launches wait",
        _round(wait="cpu_us = max(cpu_us, kernels[n - queue_depth - 1][1]) if n > queue_depth else cpu_us"),
    ),
    (
        "one launch too few in the queue",
        "with 2 places you let only 1 launch wait",
        _round(
            wait="full = n and n >= queue_depth - 1\n"
            "cpu_us = max(cpu_us, kernels[max(n - queue_depth + 1, 0)][1]) if full else cpu_us"
        ),
    ),
    (
        "waits until the queue is empty",
        "until *all* kernels have ended",
        _round(wait="cpu_us = max(cpu_us, kernels[-1][1]) if n >= queue_depth else cpu_us"),
    ),
    (
        "empties the queue each time that it is full",
        "until *all* kernels have ended",
        """
if n and n % queue_depth == 0:
    cpu_us = max(cpu_us, kernels[-1][1])
"""
        + _round(wait=""),
    ),
    (
        "a place is free when a kernel starts",
        "keeps its place until its kernel has *ended*",
        _round(wait="cpu_us = max(cpu_us, kernels[n - queue_depth][0]) if n >= queue_depth else cpu_us"),
    ),
    (
        "the blocked CPU goes on as if nothing were",
        "goes on from there",
        """
free_us = max(cpu_us, kernels[n - queue_depth][1]) if n >= queue_depth else cpu_us
launches.append([free_us, free_us + launch_us])
cpu_us += launch_us
start_us = max(launches[-1][1] + latency_us, kernels[-1][1] + gap_us if kernels else 0.0)
kernels.append([start_us, start_us + us])
""",
    ),
    (
        "forgets the latency",
        "the latency of 2 us is missing",
        _round(start="start_us = max(cpu_us, kernels[-1][1] + gap_us if kernels else 0.0)"),
    ),
    (
        "latency for every kernel",
        "though its launch arrived long before",
        _round(start="start_us = max(cpu_us, kernels[-1][1] + gap_us if kernels else 0.0) + latency_us"),
    ),
    (
        "latency keeps the CPU busy",
        "The CPU does not wait for it",
        _round(wait=_WAIT + "\nlaunch_us_and_more = launch_us + latency_us", start=_START)
        .replace("cpu_us + launch_us", "cpu_us + launch_us_and_more")
        .replace("cpu_us += launch_us", "cpu_us += launch_us_and_more")
        .replace("max(cpu_us + latency_us,", "max(cpu_us,"),
    ),
    (
        "latency from the start of the launch",
        "before its launch has ended",
        _round(start="start_us = max(launches[-1][0] + latency_us, kernels[-1][1] + gap_us if kernels else 0.0)"),
    ),
    (
        "forgets the gap",
        "follow one another without the gap",
        _round(start="start_us = max(cpu_us + latency_us, kernels[-1][1] if kernels else 0.0)"),
    ),
    (
        "gap before the first kernel",
        "Nothing ran before it",
        _round(
            start="start_us = max(cpu_us + latency_us, kernels[-1][1] if kernels else cpu_us + latency_us) + gap_us"
            " if not kernels else max(cpu_us + latency_us, kernels[-1][1] + gap_us)"
        ),
    ),
    (
        "gap though the GPU waits",
        "has passed while the GPU waited",
        _round(
            start="start_us = max(cpu_us + latency_us, kernels[-1][1] if kernels else 0.0) + (gap_us if kernels else 0)"
        ),
    ),
    (
        "the GPU waits for no launch",
        "before it was launched",
        _round(start="start_us = kernels[-1][1] + gap_us if kernels else cpu_us + latency_us"),
    ),
    (
        "all launches first",
        "before it was launched",
        """
launches.append([n * launch_us, (n + 1) * launch_us])
start_us = max(launch_us + latency_us, kernels[-1][1] + gap_us if kernels else 0.0)
kernels.append([start_us, start_us + us])
""",
    ),
    (
        "the GPU starts after all launches",
        "when all of them were launched",
        """
launches.append([n * launch_us, (n + 1) * launch_us])
start_us = len(kernel_us) * launch_us + latency_us + sum(kernel_us[:n]) + n * gap_us
kernels.append([start_us, start_us + us])
""",
    ),
    (
        "starts alone",
        "two lists, launches and kernels",
        """
def launch_queue(kernel_us, launch_us, gap_us, latency_us, queue_depth):
    starts, end_us, cpu_us = [], 0.0, 0.0
    for us in kernel_us:
        cpu_us += launch_us
        starts.append(max(cpu_us + latency_us, end_us + gap_us))
        end_us = starts[-1] + us
    return starts
""",
    ),
    (
        "durations in place of ends",
        "[start, end]",
        """
launches.append([cpu_us, launch_us])
cpu_us += launch_us
start_us = max(cpu_us + latency_us, sum(kernels[-1]) + gap_us if kernels else 0.0)
kernels.append([start_us, us])
""",
    ),
    (
        "stumbles over no kernels",
        "A step without a kernel",
        """
def launch_queue(kernel_us, launch_us, gap_us, latency_us, queue_depth):
    launches, kernels = [[0.0, launch_us]], [[launch_us + latency_us, launch_us + latency_us + kernel_us[0]]]
    for n in range(1, len(kernel_us)):
        cpu_us = launches[-1][1]
        if n >= queue_depth:
            cpu_us = max(cpu_us, kernels[n - queue_depth][1])
        launches.append([cpu_us, cpu_us + launch_us])
        start_us = max(cpu_us + launch_us + latency_us, kernels[-1][1] + gap_us)
        kernels.append([start_us, start_us + kernel_us[n]])
    return [launches, kernels]
""",
    ),
    (
        "calls the library",
        "ithheld in lab 1: write your own",
        """
from mini_lib.timing import ASSUMED, Kernel, LaunchQueue


def launch_queue(kernel_us, launch_us, gap_us, latency_us, queue_depth):
    from dataclasses import replace

    costs = dict(launch_us=launch_us, gap_us=gap_us, latency_us=latency_us, queue_depth=queue_depth)
    queue = LaunchQueue(replace(ASSUMED, **costs))
    for us in kernel_us:
        queue.launch(Kernel("kernel", us))
    spans = queue.timeline()
    return [[[span.start_us, span.end_us] for span in spans.lane(lane)] for lane in ("CPU", "GPU")]
""",
    ),
    (
        "knows the visible cases only",
        "pairs each",
        """
def launch_queue(*args):
    return next((case.expected for case in lab01.LAUNCH_QUEUE.cases if case.args == args), [[], []])
""",
    ),
)

QUEUE_RIGHT = _right(
    "launch_queue",
    _QUEUE,
    (
        "with a heap of events to come",
        """
import heapq


def launch_queue(kernel_us, launch_us, gap_us, latency_us, queue_depth):
    pending, launches, kernels, cpu, gpu = [], [], [], 0, None
    for us in kernel_us:
        while len(pending) >= queue_depth:
            cpu = max(cpu, heapq.heappop(pending))
        begin, cpu = cpu, cpu + launch_us
        start = cpu + latency_us if gpu is None else max(gpu + gap_us, cpu + latency_us)
        gpu = start + us
        heapq.heappush(pending, gpu)
        launches.append((begin, cpu))
        kernels.append((start, gpu))
    return launches, kernels
""",
    ),
    (
        "with the gap counted to the end of each kernel",
        """
def launch_queue(kernel_us, launch_us, gap_us, latency_us, queue_depth):
    from collections import deque

    places = deque([0.0] * queue_depth)  # since when each place of the queue is free
    result, free_us, cpu_us = [[], []], 0.0, 0.0
    for us in kernel_us:
        begin_us = max(cpu_us, places.popleft())
        cpu_us = begin_us + launch_us
        start_us = max(free_us, cpu_us + latency_us)
        free_us = start_us + us + gap_us
        places.append(start_us + us)
        result[0].append([begin_us, cpu_us])
        result[1].append([start_us, start_us + us])
    return result
""",
    ),
    (
        "by asking each time of each kernel anew",
        """
def launch_queue(kernel_us, launch_us, gap_us, latency_us, queue_depth):
    from functools import cache

    @cache
    def launched(n):
        if n < 0:
            return 0.0
        return max(launched(n - 1), ended(n - queue_depth)) + launch_us

    @cache
    def started(n):
        return max(launched(n) + latency_us, ended(n - 1) + gap_us if n else 0.0)

    @cache
    def ended(n):
        return started(n) + kernel_us[n] if n >= 0 else 0.0

    numbers = range(len(kernel_us))
    return [[launched(n) - launch_us, launched(n)] for n in numbers], [[started(n), ended(n)] for n in numbers]
""",
    ),
)

# 1.3: the closed form.

_STEP = """
def step_time(num_kernels, kernel_us, launch_us, gap_us, latency_us):
    BODY
"""
_REGIME = 'regime = "launch-bound" if launch_us > kernel_us + gap_us else "GPU-bound"\n'
_PACE = _REGIME + "pace_us = max(launch_us, kernel_us + gap_us)\n"

STEP_TIME = _mutants(
    "step_time",
    3,
    _STEP,
    (
        "adds CPU and GPU time",
        "You add a launch and a kernel for each of the eight",
        _REGIME + "return [num_kernels * (launch_us + kernel_us), regime]",
    ),
    (
        "adds all four",
        "You add a launch and a kernel for each of the eight",
        _REGIME + "return [num_kernels * (launch_us + latency_us + kernel_us + gap_us) - gap_us, regime]",
    ),
    (
        "counts launches instead of time",
        "You count launches",
        _REGIME + "return [num_kernels * launch_us + latency_us + kernel_us, regime]",
    ),
    (
        "counts launches, and nothing else",
        "You count launches",
        _REGIME + "return [num_kernels * launch_us, regime]",
    ),
    (
        "counts kernels instead of time",
        "as if the GPU never waited",
        _REGIME + "return [launch_us + latency_us + num_kernels * (kernel_us + gap_us) - gap_us, regime]",
    ),
    (
        "forgets head and tail",
        "eight times the slower lane",
        _PACE + "return [num_kernels * pace_us, regime]",
    ),
    (
        "forgets the tail",
        "After the last launch there is still a kernel to run",
        _PACE + "return [num_kernels * launch_us if launch_us > kernel_us + gap_us else "
        "launch_us + latency_us + num_kernels * (kernel_us + gap_us) - gap_us, regime]",
    ),
    (
        "forgets the last kernel",
        "After the last launch there is still a kernel to run",
        _PACE + "return [launch_us + latency_us + (num_kernels - 1) * pace_us, regime]",
    ),
    (
        "forgets the head",
        "Before its first kernel the GPU waits",
        _PACE + "return [num_kernels * launch_us + latency_us + kernel_us if launch_us > kernel_us + gap_us else "
        "num_kernels * (kernel_us + gap_us) - gap_us, regime]",
    ),
    (
        "forgets the first launch",
        "Before its first kernel the GPU waits",
        _PACE + "return [latency_us + (num_kernels - 1) * pace_us + kernel_us, regime]",
    ),
    (
        "forgets the latency",
        "2 us short: the latency",
        _PACE + "return [launch_us + (num_kernels - 1) * pace_us + kernel_us, regime]",
    ),
    (
        "a latency for each kernel",
        "The latency is paid once",
        _PACE + "return [launch_us + (num_kernels - 1) * (pace_us + latency_us) + latency_us + kernel_us, regime]",
    ),
    (
        "a gap after the last kernel",
        "one gap too many",
        _PACE + "us = launch_us + latency_us + (num_kernels - 1) * pace_us + kernel_us\n"
        "return [us + gap_us if regime == 'GPU-bound' else us, regime]",
    ),
    (
        "no gaps",
        "The gaps between kernels are missing",
        _REGIME + "return [launch_us + latency_us + (num_kernels - 1) * max(launch_us, kernel_us) + kernel_us, regime]",
    ),
    (
        "a gap though the GPU waits",
        "has passed while the GPU waited",
        _REGIME + "pace_us = max(launch_us, kernel_us) + gap_us\n"
        "return [launch_us + latency_us + (num_kernels - 1) * pace_us + kernel_us, regime]",
    ),
    (
        "one pace too many",
        "one turn too many",
        _PACE + "return [launch_us + latency_us + num_kernels * pace_us + kernel_us, regime]",
    ),
    (
        "regime without the gap",
        "and its gap belongs to the kernel's side",
        _PACE + "regime = 'launch-bound' if launch_us > kernel_us else 'GPU-bound'\n"
        "return [launch_us + latency_us + (num_kernels - 1) * pace_us + kernel_us, regime]",
    ),
    (
        "regime the other way round",
        "the other way round",
        _PACE + "regime = 'GPU-bound' if launch_us > kernel_us + gap_us else 'launch-bound'\n"
        "return [launch_us + latency_us + (num_kernels - 1) * pace_us + kernel_us, regime]",
    ),
    (
        "regime by the latency",
        "it does not count here",
        _PACE + "regime = 'launch-bound' if launch_us + latency_us > kernel_us + gap_us else 'GPU-bound'\n"
        "return [launch_us + latency_us + (num_kernels - 1) * pace_us + kernel_us, regime]",
    ),
    (
        "time alone",
        "Two values",
        _PACE + "return launch_us + latency_us + (num_kernels - 1) * pace_us + kernel_us",
    ),
    *(
        (
            f"the regime of the sums{where}",
            "Do not weigh what all launches take",
            _PACE + f"regime = 'launch-bound' if {cpu} > num_kernels * (kernel_us + gap_us) - gap_us else 'GPU-bound'\n"
            "return [launch_us + latency_us + (num_kernels - 1) * pace_us + kernel_us, regime]",
        )
        for where, cpu in (("", "num_kernels * launch_us"), (" with a latency", "num_kernels * launch_us + latency_us"))
    ),
    (
        "a turn in place of the tail",
        "eight turns behind the head",
        _PACE + "return [launch_us + latency_us + num_kernels * pace_us, regime]",
    ),
    (
        "the shorter lane sets the pace",
        "the *faster* lane",
        _REGIME + "pace_us = min(launch_us, kernel_us + gap_us)\n"
        "return [launch_us + latency_us + (num_kernels - 1) * pace_us + kernel_us, regime]",
    ),
    (
        "knows the visible cases only",
        "the step takes",
        "return next((case.expected for case in lab01.STEP_TIME.cases if case.args == "
        "(num_kernels, kernel_us, launch_us, gap_us, latency_us)), [0.0, 'GPU-bound'])",
    ),
)

STEP_RIGHT = _right(
    "step_time",
    _STEP,
    (
        "as the later of two ends",
        """
by_cpu = num_kernels * launch_us + latency_us + kernel_us
by_gpu = launch_us + latency_us + num_kernels * kernel_us + (num_kernels - 1) * gap_us
return (by_cpu, "launch-bound") if by_cpu > by_gpu else (by_gpu, "GPU-bound")
""",
    ),
    (
        "by playing it through",
        """
cpu, gpu = 0, None
for _ in range(num_kernels):
    cpu += launch_us
    gpu = max(cpu + latency_us, gpu + gap_us if gpu is not None else 0) + kernel_us
return [gpu, ["GPU-bound", "launch-bound"][kernel_us < launch_us - gap_us]]
""",
    ),
    (
        "with idle time added to the GPU's own",
        """
idle = max(0, launch_us - kernel_us - gap_us)
total = launch_us + latency_us + kernel_us
total += (num_kernels - 1) * (kernel_us + gap_us + idle)
return [total, "launch-bound" if idle else "GPU-bound"]
""",
    ),
)

# 1.4: the crossover.

_CROSSOVER = """
import math


def crossover_batch(kernels, costs, mode, max_batch):
    BODY
"""
_LANES = """
n = len(kernels)
eager = mode == "eager"
cpu_us = costs["host_us"] + (n * costs["launch_us"] if eager else costs["graph_launch_us"])
gaps_us = n * costs["gap_us" if eager else "graph_gap_us"]
"""
_SEARCH = """
for batch in range(1, max_batch + 1):
    gpu_us = gaps_us + sum(weights_us + batch * row_us for weights_us, row_us in kernels)
    if gpu_us >= cpu_us:
        return batch
return None
"""
_SEARCHED = _LANES + _SEARCH
_SOLVED = (
    _LANES
    + """
missing_us = cpu_us - gaps_us - sum(weights_us for weights_us, _ in kernels)
per_row_us = sum(row_us for _, row_us in kernels)
"""
)


def _solved(batch: str) -> str:
    """Return an answer that solves for the batch at which both lanes are equally long, and makes `batch` of it."""
    return f"""{_SOLVED}
if not per_row_us:
    return 1 if missing_us <= 0 else None
batch = max(1, {batch})
return batch if batch <= max_batch else None
"""


CROSSOVER = _mutants(
    "crossover_batch",
    3,
    _CROSSOVER,
    (
        "rounds down",
        "At batch 21 the CPU still takes longer",
        _solved("math.floor(missing_us / per_row_us)"),
    ),
    (
        "one too many",
        "already at batch 22",
        _solved("math.ceil(missing_us / per_row_us) + 1"),
    ),
    (
        "floor plus one",
        "exactly as long",
        _solved("math.floor(missing_us / per_row_us) + 1"),
    ),
    ("strictly longer", "exactly as long", _SEARCHED.replace(">= cpu_us", "> cpu_us")),
    (
        "rounds to the nearest",
        "At batch 21 the CPU still takes longer",
        _solved("round(missing_us / per_row_us)"),
    ),
    (
        "gives a fraction",
        "A batch is a whole number",
        _solved("missing_us / per_row_us"),
    ),
    (
        "weights for every row",
        "read once, however many rows",
        _SEARCHED.replace("weights_us + batch * row_us for", "batch * (weights_us + row_us) for"),
    ),
    (
        "forgets the weights",
        "The weights are missing",
        _SEARCHED.replace("weights_us + batch * row_us for", "batch * row_us for"),
    ),
    ("forgets the gaps", "Every kernel has one, 8 us in all", _SEARCHED.replace("gaps_us + sum", "sum")),
    (
        "one gap in all",
        "Every kernel has one, 8 us in all",
        _SEARCHED.replace('gaps_us = n * costs["gap_us" if', 'gaps_us = costs["gap_us" if'),
    ),
    (
        "one launch in all",
        "One launch for the whole step",
        _SEARCHED.replace('n * costs["launch_us"]', 'costs["launch_us"]'),
    ),
    (
        "counts kernels and launches",
        "You compare numbers of launches",
        "return next((b for b in range(1, max_batch + 1) if b >= len(kernels)), None)",
    ),
    (
        "forgets the host",
        "The CPU's other work is missing",
        _SEARCHED.replace(
            'costs["host_us"] + (n * costs["launch_us"] if eager else costs["graph_launch_us"])',
            'n * costs["launch_us"] if eager else costs["graph_launch_us"]',
        ),
    ),
    (
        "the graph launches each kernel",
        "One launch brings all of its kernels",
        _SEARCHED.replace('if eager else costs["graph_launch_us"])', 'if eager else n * costs["graph_launch_us"])'),
    ),
    ("ignores the mode", "whatever the mode is", _SEARCHED.replace('mode == "eager"', "True")),
    (
        "the eager gap in a graph",
        "keep the graph's gap",
        _SEARCHED.replace('"gap_us" if eager else "graph_gap_us"', '"gap_us"'),
    ),
    (
        "every kernel must be long enough",
        "You ask it of each kernel",
        _LANES
        + """
for batch in range(1, max_batch + 1):
    if all(n * (weights_us + batch * row_us) + gaps_us >= cpu_us for weights_us, row_us in kernels):
        return batch
return None
""",
    ),
    (
        "one kernel is enough",
        "You ask it of each kernel",
        _LANES
        + """
for batch in range(1, max_batch + 1):
    if any(n * (weights_us + batch * row_us) + gaps_us >= cpu_us for weights_us, row_us in kernels):
        return batch
return None
""",
    ),
    ("begins at 0", "smallest batch there is, 1", _SEARCHED.replace("range(1, max", "range(0, max")),
    (
        "negative batches",
        "smallest batch there is, 1",
        _SOLVED + "batch = math.ceil(missing_us / per_row_us) if per_row_us else max_batch + 1\n"
        "return batch if batch <= max_batch else None",
    ),
    (
        "divides by no rows",
        "None of its kernels grows with the batch",
        _SOLVED + "batch = max(1, math.ceil(missing_us / per_row_us))\nreturn batch if batch <= max_batch else None",
    ),
    (
        "beyond the largest batch",
        "no batch up to 64",
        _SOLVED + "return max(1, math.ceil(missing_us / per_row_us)) if per_row_us else None",
    ),
    ("the largest batch in place of None", "no batch up to 64", _SEARCHED.replace("return None", "return max_batch")),
    ("stops before the largest batch", "the largest batch itself", _SEARCHED.replace("max_batch + 1", "max_batch")),
    (
        "one above the largest batch",
        "With max_batch 21 you say 22",
        _SEARCHED.replace("max_batch + 1", "max_batch + 2"),
    ),
    (
        "doubles",
        "powers of two",
        _LANES
        + """
batch = 1
while batch <= max_batch:
    if gaps_us + sum(weights_us + batch * row_us for weights_us, row_us in kernels) >= cpu_us:
        return batch
    batch *= 2
return None
""",
    ),
    (
        "the largest launch-bound batch",
        "At batch 21 the CPU still takes longer",
        _SEARCHED.replace("return batch", "return max(1, batch - 1)"),
    ),
    (
        "knows the visible cases only",
        "the answer is",
        "given = kernels, costs, mode, max_batch\n"
        "return next((case.expected for case in lab01.CROSSOVER.cases if case.args == given), 7)",
    ),
)

CROSSOVER_RIGHT = _right(
    "crossover_batch",
    _CROSSOVER,
    ("by trying batch after batch", _SEARCHED),
    (
        "by bisection",
        _LANES
        + """
def gpu_us(batch):
    return sum(one[0] + one[1] * batch for one in kernels) + gaps_us

low, high = 0, max_batch
if gpu_us(high) < cpu_us:
    return None
while high - low > 1:
    middle = (low + high) // 2
    low, high = (low, middle) if gpu_us(middle) >= cpu_us else (middle, high)
return high
""",
    ),
    (
        "in exact fractions",
        """
from fractions import Fraction as F

c = {key: F(value).limit_denominator(10**6) for key, value in costs.items()}
launch, gap = c["launch_us"], c["gap_us"]
if mode == "graph":
    launch, gap = c["graph_launch_us"] / len(kernels), c["graph_gap_us"]
missing = c["host_us"] + sum(launch - gap - F(w).limit_denominator(10**6) for w, _ in kernels)
rows = sum(F(r).limit_denominator(10**6) for _, r in kernels)
batches = (batch for batch in range(1, max_batch + 1) if rows * batch >= missing)
return next(batches, None)
""",
    ),
)

# 1.5: the fit.

_FIT = """
from statistics import mean, median


def fit(launches, kernels, queue_depth):
    BODY
"""
_UNBLOCKED = """
launch = [
    end - start
    for n, (start, end) in enumerate(launches)
    if n < queue_depth or kernels[n - queue_depth][1] <= start
]
"""
_PAIRS = """
gap, latency = [], [kernels[0][0] - launches[0][1]]
for n in range(1, len(kernels)):
    launched_us, free_us, start_us = launches[n][1], kernels[n - 1][1], kernels[n][0]
    if launched_us < free_us:
        gap.append(start_us - free_us)
    else:
        latency.append(start_us - launched_us)
"""
_FITTED = 'return {"launch_us": median(launch), "gap_us": median(gap), "latency_us": median(latency)}'
_ALL_FITTED = _UNBLOCKED + _PAIRS + _FITTED

FIT = _mutants(
    "fit",
    4,
    _FIT,
    ("means", "the mean of", _ALL_FITTED.replace("median(", "mean(")),
    ("mean of the launches", "the mean of", _ALL_FITTED.replace("median(launch)", "mean(launch)")),
    ("mean of the gaps", "the mean of", _ALL_FITTED.replace("median(gap)", "mean(gap)")),
    ("mean of the latencies", "the mean of", _ALL_FITTED.replace("median(latency)", "mean(latency)")),
    ("the smallest of each", "the smallest", _ALL_FITTED.replace("median(", "min(")),
    ("the largest of each", "the largest", _ALL_FITTED.replace("median(", "max(")),
    (
        "the first of each",
        "one single pair",
        _ALL_FITTED.replace("median(launch)", "launch[0]")
        .replace("median(gap)", "gap[0]")
        .replace("median(latency)", "latency[0]"),
    ),
    (
        "blocked launches too",
        "stood before a full queue",
        "launch = [end - start for start, end in launches]" + _PAIRS + _FITTED,
    ),
    (
        "the whole CPU lane divided by its launches",
        "stood before a full queue",
        "launch = [(launches[-1][1] - launches[0][0]) / len(launches)]" + _PAIRS + _FITTED,
    ),
    (
        "from launch to launch",
        "stood before a full queue",
        "launch = [b[0] - a[0] for a, b in zip(launches, launches[1:])]" + _PAIRS + _FITTED,
    ),
    (
        "gaps while the GPU waits",
        "the GPU waited for a launch",
        _UNBLOCKED + _PAIRS + "gap = [b[0] - a[1] for a, b in zip(kernels, kernels[1:])]\n" + _FITTED,
    ),
    (
        "only gaps while the GPU waits",
        "the GPU waited for a launch",
        _UNBLOCKED
        + _PAIRS
        + "gap = [b[0] - a[1] for a, b, c in zip(kernels, kernels[1:], launches[1:]) if c[1] >= a[1]]\n"
        + _FITTED,
    ),
    (
        "from start to start",
        "the kernel itself",
        _UNBLOCKED
        + _PAIRS
        + "gap = [b[0] - a[0] for a, b, c in zip(kernels, kernels[1:], launches[1:]) if c[1] < a[1]]\n"
        + _FITTED,
    ),
    (
        "latency of kernels that stood in the queue",
        "their launches lay in the queue",
        _UNBLOCKED + _PAIRS + "latency = [k[0] - l[1] for l, k in zip(launches, kernels)]\n" + _FITTED,
    ),
    (
        "latency from the start of the launch",
        "the launch itself",
        _UNBLOCKED
        + _PAIRS
        + "latency = [k[0] - l[0] for p, l, k in zip(kernels, launches[1:], kernels[1:]) if l[1] >= p[1]]\n"
        + _FITTED,
    ),
    (
        "the idle time as the latency",
        "The GPU's idle time",
        _UNBLOCKED
        + _PAIRS
        + "latency = [k[0] - p[1] for p, l, k in zip(kernels, launches[1:], kernels[1:]) if l[1] >= p[1]]\n"
        + _FITTED,
    ),
    (
        "gap and latency taken for one another",
        "the wrong way round",
        _UNBLOCKED + _PAIRS + "gap, latency = latency, gap\n" + _FITTED,
    ),
    (
        "the time of kernels for the launch time",
        "kernels, not launches",
        "launch = [end - start for start, end in kernels]" + _PAIRS + _FITTED,
    ),
    (
        "a list",
        "a dict with three keys",
        _UNBLOCKED + _PAIRS + "return [median(launch), median(gap), median(latency)]",
    ),
    (
        "in other units",
        "in us",
        _UNBLOCKED + _PAIRS + 'times = {"launch_us": launch, "gap_us": gap, "latency_us": latency}\n'
        "return {name: 1000 * median(values) for name, values in times.items()}",
    ),
    (
        "knows the visible traces only",
        "in this trace was",
        "return next((dict(case.expected) for case in lab01.FIT.cases if case.args[2] == queue_depth "
        'and len(case.args[0]) == len(launches)), {"launch_us": 7.0, "gap_us": 1.0, "latency_us": 2.0})',
    ),
)

FIT_RIGHT = _right(
    "fit",
    _FIT,
    (
        "with trimmed means",
        _UNBLOCKED
        + _PAIRS
        + """
def middle(values):
    values = sorted(values)
    cut = len(values) // 4
    return sum(values[cut:-cut]) / len(values[cut:-cut])

return dict(zip(["launch_us", "gap_us", "latency_us"], map(middle, [launch, gap, latency])))
""",
    ),
    (
        "with numpy",
        """
import numpy as np

launch, kernel = np.array(launches), np.array(kernels)
begins_full = kernel[:-queue_depth, 1] > launch[queue_depth:, 0]
unblocked = np.concatenate([np.full(queue_depth, True), ~begins_full])
arrived_late = launch[1:, 1] > kernel[:-1, 1]
return {
    "launch_us": np.median(np.diff(launch, axis=1)[unblocked]),
    "gap_us": np.median((kernel[1:, 0] - kernel[:-1, 1])[~arrived_late]),
    "latency_us": np.median((kernel[1:, 0] - launch[1:, 1])[arrived_late]),
}
""",
    ),
    (
        "from pairs that are clear beyond doubt",
        """
def lower_median(values):
    return sorted(values)[(len(values) - 1) // 2]

unblocked = [n for n in range(len(launches)) if sum(end > launches[n][0] for _, end in kernels[:n]) < queue_depth]
launch_us = lower_median([launches[n][1] - launches[n][0] for n in unblocked])
behind = [n for n in range(1, len(kernels)) if launches[n][1] + launch_us < kernels[n - 1][1]]
ahead = [n for n in range(1, len(kernels)) if launches[n][1] > kernels[n - 1][1] + launch_us / 9]
return {
    "latency_us": lower_median([kernels[n][0] - launches[n][1] for n in ahead]),
    "gap_us": lower_median([kernels[n][0] - kernels[n - 1][1] for n in behind]),
    "launch_us": launch_us,
}
""",
    ),
)

# 1.6: an unseen sweep.

_SWEEP = """
def predict_sweep(fitted, kernel, points):
    times = []
    for mode, num_kernels, batch in points:
        BODY
    return times
"""
_US = 'us = kernel["weights_us"] + batch * kernel["row_us"]\n'
_PRICES = """
eager = mode == "eager"
launch_us, gap_us = fitted["launch_us"], fitted["gap_us" if eager else "graph_gap_us"]
pace_us = max(launch_us, us + gap_us) if eager else us + gap_us
head_us = (launch_us if eager else fitted["graph_launch_us"]) + fitted["latency_us"]
"""
_TIMES = "times.append(head_us + (num_kernels - 1) * pace_us + us)\n"

SWEEP = _mutants(
    "predict_sweep",
    3,
    _SWEEP,
    (
        "adds CPU and GPU time",
        "a launch and a kernel one after the other",
        _US + _PRICES.replace("max(launch_us, us + gap_us)", "launch_us + us + gap_us") + _TIMES,
    ),
    (
        "always launch-bound",
        "large batches make kernels long",
        _US + _PRICES.replace("max(launch_us, us + gap_us)", "launch_us") + _TIMES,
    ),
    (
        "always GPU-bound",
        "as if the GPU never waited",
        _US + _PRICES.replace("max(launch_us, us + gap_us)", "us + gap_us") + _TIMES,
    ),
    (
        "weights for every row",
        "read once, however many rows",
        'us = batch * (kernel["weights_us"] + kernel["row_us"])\n' + _PRICES + _TIMES,
    ),
    ("forgets the rows", "grow with the batch", 'us = kernel["weights_us"]\n' + _PRICES + _TIMES),
    ("forgets the weights", "The weights are missing", 'us = batch * kernel["row_us"]\n' + _PRICES + _TIMES),
    (
        "eager and graph alike",
        "eager and with a graph you give the same",
        _US + _PRICES.replace('mode == "eager"', "True") + _TIMES,
    ),
    (
        "a graph divides by the number of kernels",
        "as many times faster as it has kernels",
        _US + _PRICES.replace('mode == "eager"', "True") + "us_in_all = head_us + (num_kernels - 1) * pace_us + us\n"
        "times.append(us_in_all if mode == 'eager' else us_in_all / num_kernels)",
    ),
    (
        "a graph takes its launch alone",
        "none of its kernels got faster",
        _US
        + _PRICES
        + "times.append(head_us + (num_kernels - 1) * pace_us + us if eager else fitted['graph_launch_us'])",
    ),
    (
        "the graph launches each kernel",
        "One launch brings all of its kernels",
        _US
        + _PRICES.replace("else us + gap_us", "else max(fitted['graph_launch_us'], us + gap_us) + launch_us")
        + _TIMES,
    ),
    (
        "a graph launch for each kernel",
        "One launch brings all of its kernels",
        _US + _PRICES.replace("else us + gap_us", "else us + gap_us + fitted['graph_launch_us']") + _TIMES,
    ),
    (
        "the eager gap in a graph",
        "keep the graph's gap",
        _US + _PRICES.replace('"gap_us" if eager else "graph_gap_us"', '"gap_us"') + _TIMES,
    ),
    (
        "no gaps",
        "The gaps are missing",
        _US + _PRICES.replace('fitted["gap_us" if eager else "graph_gap_us"]', "0") + _TIMES,
    ),
    (
        "forgets head and tail",
        "Two kernels alone",
        _US + _PRICES + "times.append(num_kernels * pace_us)",
    ),
    (
        "forgets the head",
        "Two kernels alone",
        _US + _PRICES + "times.append((num_kernels - 1) * pace_us + us)",
    ),
    (
        "forgets the tail",
        "Two kernels alone",
        _US + _PRICES + "times.append(head_us + (num_kernels - 1) * pace_us)",
    ),
    (
        "no gaps when eager",
        "The gaps are missing",
        _US + _PRICES.replace("max(launch_us, us + gap_us)", "max(launch_us, us)") + _TIMES,
    ),
    (
        "adds a launch to each kernel and forgets the rest",
        "a launch and a kernel one after the other",
        _US
        + _PRICES
        + "times.append(num_kernels * (launch_us + us) if eager else head_us + us + (num_kernels - 1) * pace_us)",
    ),
    *(
        (
            f"{name} in a graph",
            "between two kernels one gap",
            _US
            + _PRICES
            + f"times.append(0.0 + ({graph} if not eager else head_us + us + (num_kernels - 1) * pace_us))",
        )
        for name, graph in (
            ("no head", "us + (num_kernels - 1) * pace_us"),
            ("no latency", "fitted['graph_launch_us'] + us + (num_kernels - 1) * pace_us"),
            ("an eager launch", "launch_us + fitted['latency_us'] + us + (num_kernels - 1) * pace_us"),
            ("a gap behind every kernel", "head_us + num_kernels * pace_us"),
            ("a latency for every kernel", "fitted['graph_launch_us'] + num_kernels * (fitted['latency_us'] + us)"),
        )
    ),
    (
        "all points together",
        "one time for each point",
        _US + _PRICES + "times = [sum(times) + head_us + (num_kernels - 1) * pace_us + us]",
    ),
    (
        "in ms",
        "in us",
        _US + _PRICES + "times.append((head_us + (num_kernels - 1) * pace_us + us) / 1000)",
    ),
    (
        "knows the visible sweep only",
        "the simulated run took",
        """
def predict_sweep(fitted, kernel, points):
    return next((case.expected for case in lab01.PREDICT_SWEEP.cases if case.args[2] == points), [99.0] * len(points))
""",
    ),
)

SWEEP_RIGHT = _right(
    "predict_sweep",
    _SWEEP,
    ("with head, pace and tail", _US + _PRICES + _TIMES),
    (
        "by playing it through",
        """
def predict_sweep(fitted, kernel, points):
    def end(mode, num_kernels, batch):
        cpu = gpu = 0.0
        for n in range(num_kernels):
            if mode == "eager" or n == 0:
                cpu += fitted["launch_us" if mode == "eager" else "graph_launch_us"]
            gap = fitted["gap_us" if mode == "eager" else "graph_gap_us"] if n else 0.0
            gpu = max(gpu + gap, cpu + fitted["latency_us"]) + kernel["weights_us"] + batch * kernel["row_us"]
        return gpu

    return [end(*point) for point in points]
""",
    ),
    (
        "with step_time of 1.3, a graph as a launch that takes no time",
        """
def predict_sweep(fitted, kernel, points):
    def one(mode, n, batch):
        us = kernel["weights_us"] + batch * kernel["row_us"]
        if mode == "eager":
            return step_time(n, us, fitted["launch_us"], fitted["gap_us"], fitted["latency_us"])[0]
        return step_time(n, us, 0.0, fitted["graph_gap_us"], fitted["graph_launch_us"] + fitted["latency_us"])[0]

    return tuple(one(*point) for point in points)
""",
    ),
    (
        "roughly, without the latency where it hardly counts",
        _US + _PRICES + "if num_kernels > 100:\n    head_us -= fitted['latency_us']\n" + _TIMES,
    ),
)

# 1.7: three servers.

_SERVER = """
def enforce_eager(server):
    BODY
"""
_LOADS = """
s, n = server, server["num_kernels"]
eager_us = max(s["host_us"] + n * s["launch_us"], n * (s["kernel_us"] + s["gap_us"]))
graph_us = max(s["host_us"] + s["graph_launch_us"], n * (s["kernel_us"] + s["graph_gap_us"]) + s["copy_us"])
capture_s = s["num_graphs"] * s["capture_ms"] / 1000
mib = s["num_graphs"] * s["mib_per_graph"]
"""
_SAVED = 'saved_s = s["steps"] * (eager_us - graph_us) / 1e6 - capture_s\n'
_FITS = 'fits = capture_s <= s["startup_budget_s"] and mib <= s["free_mib"]\n'
_DECIDED = "return [not (fits and saved_s > 0), saved_s]"

ENFORCE = _mutants(
    "enforce_eager",
    3,
    _SERVER,
    ("graphs always win", "You never say eager", _LOADS + _SAVED + "return [False, saved_s]"),
    ("the other way round", "the other way round", _LOADS + _SAVED + _FITS + "return [fits and saved_s > 0, saved_s]"),
    (
        "ignores start-up",
        "captures are not paid for",
        _LOADS + _SAVED.replace(" - capture_s", "") + _FITS + _DECIDED,
    ),
    (
        "the seconds of one graph",
        "one graph's capture",
        _LOADS + _SAVED.replace("- capture_s", '- s["capture_ms"] / 1000') + _FITS + _DECIDED,
    ),
    (
        "captures at every step",
        "captured once, replayed",
        _LOADS + 'saved_s = s["steps"] * ((eager_us - graph_us) / 1e6 - capture_s)\n' + _FITS + _DECIDED,
    ),
    ("one step", "one step", _LOADS + "saved_s = (eager_us - graph_us) / 1e6 - capture_s\n" + _FITS + _DECIDED),
    (
        "ms for us",
        "a factor of 1000",
        _LOADS + _SAVED.replace("1e6", "1e3") + _FITS + _DECIDED,
    ),
    (
        "capture in ms",
        "a factor of 1000",
        _LOADS.replace(" / 1000\nmib", "\nmib") + _SAVED + _FITS + _DECIDED,
    ),
    (
        "ignores the memory",
        "free_mib",
        _LOADS + _SAVED + _FITS.replace(' and mib <= s["free_mib"]', "") + _DECIDED,
    ),
    (
        "the memory of one graph",
        "free_mib",
        _LOADS.replace('mib = s["num_graphs"] * s["mib_per_graph"]', 'mib = s["mib_per_graph"]')
        + _SAVED
        + _FITS
        + _DECIDED,
    ),
    (
        "ignores the budget of the start",
        "startup_budget_s",
        _LOADS + _SAVED + _FITS.replace('capture_s <= s["startup_budget_s"] and ', "") + _DECIDED,
    ),
    (
        "looks at budgets alone",
        "saves less than its captures cost",
        _LOADS + _SAVED + _FITS + "return [not fits, saved_s]",
    ),
    (
        "looks at the steps alone",
        "saves less than its captures cost",
        _LOADS + _SAVED + _FITS + "return [not (fits and eager_us > graph_us), saved_s]",
    ),
    (
        "adds CPU and GPU time",
        "You add the two lanes",
        _LOADS.replace('n * s["launch_us"], n *', 'n * s["launch_us"] + n *')
        .replace('s["graph_launch_us"], n *', 's["graph_launch_us"] + n *')
        .replace("max(", "(")
        + _SAVED
        + _FITS
        + _DECIDED,
    ),
    (
        "counts launches",
        "You count launches saved",
        _LOADS + 'eager_us, graph_us = (n - 1) * s["launch_us"], 0\n' + _SAVED + _FITS + _DECIDED,
    ),
    (
        "counts launch time saved",
        "You count launches saved",
        _LOADS + 'eager_us, graph_us = n * s["launch_us"], s["graph_launch_us"]\n' + _SAVED + _FITS + _DECIDED,
    ),
    ("forgets the copies", "static inputs", _LOADS.replace(' + s["copy_us"]', "") + _SAVED + _FITS + _DECIDED),
    (
        "the copies on the CPU's lane",
        "static inputs",
        _LOADS.replace(' + s["copy_us"]', "").replace('s["graph_launch_us"],', 's["graph_launch_us"] + s["copy_us"],')
        + _SAVED
        + _FITS
        + _DECIDED,
    ),
    (
        "forgets the host",
        "The CPU's other work is missing",
        _LOADS.replace('s["host_us"] + ', "") + _SAVED + _FITS + _DECIDED,
    ),
    (
        "the eager gap in a graph",
        "keep the graph's gap",
        _LOADS.replace("graph_gap_us", "gap_us") + _SAVED + _FITS + _DECIDED,
    ),
    (
        "a graph without a CPU",
        "has a CPU's lane as well",
        _LOADS + 'graph_us = n * (s["kernel_us"] + s["graph_gap_us"]) + s["copy_us"]\n' + _SAVED + _FITS + _DECIDED,
    ),
    (
        "a graph that is not launched",
        "has a CPU's lane as well",
        _LOADS.replace('s["host_us"] + s["graph_launch_us"]', 's["host_us"]') + _SAVED + _FITS + _DECIDED,
    ),
    (
        "budgets that must not be used up",
        "What just fits, fits",
        _LOADS + _SAVED + _FITS.replace("<=", "<") + _DECIDED,
    ),
    (
        "memory that must not be used up",
        "What just fits, fits",
        _LOADS + _SAVED + _FITS.replace('mib <= s["free_mib"]', 'mib < s["free_mib"]') + _DECIDED,
    ),
    (
        "a time to start that must not be used up",
        "What just fits, fits",
        _LOADS + _SAVED + _FITS.replace("capture_s <=", "capture_s <") + _DECIDED,
    ),
    (
        "wants a second at least",
        "more than nothing",
        _LOADS + _SAVED + _FITS + _DECIDED.replace("saved_s > 0", "saved_s > 1"),
    ),
    (
        "no less than nothing",
        "below 0",
        _LOADS + _SAVED + _FITS + "return [not (fits and saved_s > 0), max(0.0, saved_s)]",
    ),
    (
        "what eager saves",
        "that is what eager would save",
        _LOADS + _SAVED + _FITS + "return [not (fits and saved_s > 0), -saved_s]",
    ),
    ("rounded", "rounded or cut", _LOADS + _SAVED + _FITS + "return [not (fits and saved_s > 0), round(saved_s, 1)]"),
    ("whole seconds", "rounded or cut", _LOADS + _SAVED + _FITS + "return [not (fits and saved_s > 0), int(saved_s)]"),
    ("never graphs", "You never choose graphs", _LOADS + _SAVED + "return [True, saved_s]"),
    ("ignores both budgets", "a veto of its own", _LOADS + _SAVED + "return [saved_s <= 0, saved_s]"),
    (
        "one budget is enough",
        "a veto of its own",
        _LOADS + _SAVED + _FITS.replace(" and mib", " or mib") + _DECIDED,
    ),
    ("us for seconds", "a factor of 1000", _LOADS + _SAVED.replace(" / 1e6", "") + _FITS + _DECIDED),
    ("the choice alone", "Two values", _LOADS + _SAVED + _FITS + "return not (fits and saved_s > 0)"),
    (
        "words",
        "True or False",
        _LOADS + _SAVED + _FITS + "return ['graphs' if fits and saved_s > 0 else 'eager', saved_s]",
    ),
    (
        "knows the visible servers only",
        "graphs save",
        "return next((case.expected for case in lab01.ENFORCE_EAGER.cases if case.args == (server,)), [True, -1.0])",
    ),
)

ENFORCE_RIGHT = _right(
    "enforce_eager",
    _SERVER,
    ("with both lanes and all budgets", _LOADS + _SAVED + _FITS + _DECIDED),
    (
        "as a list of reasons against graphs",
        """
def lane(launching, gap, copies):
    cpu = server["host_us"] + launching
    gpu = server["num_kernels"] * (server["kernel_us"] + gap) + copies
    return cpu if cpu > gpu else gpu

eager = lane(server["num_kernels"] * server["launch_us"], server["gap_us"], 0)
graph = lane(server["graph_launch_us"], server["graph_gap_us"], server["copy_us"])
start_s = server["num_graphs"] * server["capture_ms"] / 1e3
net_s = (eager - graph) * 1e-6 * server["steps"] - start_s
against = [
    net_s <= 0,
    start_s > server["startup_budget_s"],
    server["num_graphs"] * server["mib_per_graph"] > server["free_mib"],
]
return any(against), net_s
""",
    ),
    (
        "in milliseconds, by break-even",
        """
from types import SimpleNamespace

s = SimpleNamespace(**server)
eager_ms = max(s.host_us + s.num_kernels * s.launch_us, s.num_kernels * (s.kernel_us + s.gap_us)) / 1000
gpu_ms = (s.copy_us + s.num_kernels * s.kernel_us + s.num_kernels * s.graph_gap_us) / 1000
saved_ms = eager_ms - max((s.host_us + s.graph_launch_us) / 1000, gpu_ms)
capture_ms = s.capture_ms * s.num_graphs
pays = saved_ms > 0 and s.steps > capture_ms / saved_ms
allowed = capture_ms <= 1000 * s.startup_budget_s and s.mib_per_graph * s.num_graphs <= s.free_mib
return [not (pays and allowed), (s.steps * saved_ms - capture_ms) / 1000]
""",
    ),
)

MUTANTS = [*LAUNCH_QUEUE, *STEP_TIME, *CROSSOVER, *FIT, *SWEEP, *ENFORCE]
RIGHT_ANSWERS = [*QUEUE_RIGHT, *STEP_RIGHT, *CROSSOVER_RIGHT, *FIT_RIGHT, *SWEEP_RIGHT, *ENFORCE_RIGHT]
