"""Wrong answers to lab 4 with what each must lose and be told, and right answers that must lose nothing.

Each `code` takes the place of the whole solution cell; the other cells are the solution's.
"""

from autograde.mutants import Mutant, RightAnswer


def _mutants(exercise: str, loses: float, *answers: tuple[str, str, str]) -> list[Mutant]:
    """Return the wrong answers (name, told, code) to one exercise that all lose the same."""
    return [Mutant(f"{exercise}: {name}", exercise, loses, told, code) for name, told, code in answers]


DEFAULT_SIZES = _mutants(
    "default_sizes",
    4,
    (
        "ends at max_num_seqs",
        "it goes to twice that",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or min(max_num_seqs, 512), max_num_batched_tokens)
    return sorted({*grid(end), end} if max_capture_size is None else grid(end))
""",
    ),
    (
        "no ceiling",
        "cut off at 512",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or 2 * max_num_seqs, max_num_batched_tokens)
    extra = {max_num_batched_tokens} | ({max_num_seqs} if max_capture_size is None else set())
    return sorted({*grid(end), *(size for size in extra if size <= end)})
""",
    ),
    (
        "max_num_seqs above the end",
        "only if it is not above the end",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or min(2 * max_num_seqs, 512), max_num_batched_tokens)
    extra = {max_num_seqs} if max_capture_size is None and max_num_seqs <= max_num_batched_tokens else set()
    return sorted({*grid(end), *extra, *({end} if end == max_num_batched_tokens else ())})
""",
    ),
    (
        "max_num_seqs off stride forgotten",
        "max_num_seqs is a size of its own",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or min(2 * max_num_seqs, 512), max_num_batched_tokens)
    return sorted({*grid(end), *({max_num_batched_tokens} if end == max_num_batched_tokens else ())})
""",
    ),
    (
        "exceeds max_num_batched_tokens",
        "captured and never used",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = max_capture_size or min(2 * max_num_seqs, 512)
    extra = {max_num_batched_tokens} | ({max_num_seqs} if max_capture_size is None else set())
    return sorted({*grid(end), *(size for size in extra if size <= end)})
""",
    ),
    (
        "token limit is no size",
        "it is a size itself",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or min(2 * max_num_seqs, 512), max_num_batched_tokens)
    return sorted({*grid(end), *({max_num_seqs} if max_capture_size is None and max_num_seqs <= end else ())})
""",
    ),
    (
        "max_num_seqs above the token limit",
        "a batch that no step can have",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    wanted = max_capture_size or min(2 * max_num_seqs, 512)
    end = min(wanted, max_num_batched_tokens)
    extra = {max_num_seqs} if max_capture_size is None and max_num_seqs <= wanted else set()
    return sorted({*grid(end), *extra, *({end} if end == max_num_batched_tokens else ())})
""",
    ),
    (
        "explicit maximum kept off the grid",
        "cuts an explicit maximum off silently",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or min(2 * max_num_seqs, 512), max_num_batched_tokens)
    extra = {max_num_batched_tokens, max_num_seqs if max_capture_size is None else max_capture_size}
    return sorted({*grid(end), *(size for size in extra if size <= end)})
""",
    ),
    (
        "explicit maximum rounded up",
        "you capture 48",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    if max_capture_size is not None and max_capture_size > 4:
        step = 8 if max_capture_size <= 256 else 16
        return grid(min(-(-max_capture_size // step) * step, max_num_batched_tokens))
    end = min(max_capture_size or min(2 * max_num_seqs, 512), max_num_batched_tokens)
    extra = {max_num_batched_tokens} | ({max_num_seqs} if max_capture_size is None else set())
    return sorted({*grid(end), *(size for size in extra if size <= end)})
""",
    ),
    (
        "explicit maximum keeps max_num_seqs",
        "An explicit maximum switches that off",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or min(2 * max_num_seqs, 512), max_num_batched_tokens)
    return sorted({*grid(end), *(size for size in {max_num_seqs, max_num_batched_tokens} if size <= end)})
""",
    ),
    (
        "explicit maximum not above twice max_num_seqs",
        "it is not held against it",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or 512, 2 * max_num_seqs, 512, max_num_batched_tokens)
    extra = {max_num_batched_tokens} | ({max_num_seqs} if max_capture_size is None else set())
    return sorted({*grid(end), *(size for size in extra if size <= end)})
""",
    ),
    (
        "explicit maximum above the token limit",
        "The token limit cuts an explicit maximum off, too",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    if max_capture_size is not None:
        return grid(max_capture_size)
    end = min(2 * max_num_seqs, 512, max_num_batched_tokens)
    return sorted({*grid(end), *(size for size in (max_num_seqs, max_num_batched_tokens) if size <= end)})
""",
    ),
    (
        "explicit maximum under the ceiling",
        "is taken at its word",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or 2 * max_num_seqs, 512, max_num_batched_tokens)
    extra = {max_num_batched_tokens} | ({max_num_seqs} if max_capture_size is None else set())
    return sorted({*grid(end), *(size for size in extra if size <= end)})
""",
    ),
    (
        "nano-vLLM's small sizes always",
        "as nano-vLLM does",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or min(2 * max_num_seqs, 512), max_num_batched_tokens)
    extra = {max_num_batched_tokens} | ({max_num_seqs} if max_capture_size is None else set())
    return sorted({1, 2, 4, 8, *grid(end), *(size for size in extra if size <= end)})
""",
    ),
    (
        "steps of 8 to the end",
        "which gives 67 sizes",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or min(2 * max_num_seqs, 512), max_num_batched_tokens)
    sizes = {size for size in (1, 2, 4, *range(8, end + 1, 8)) if size <= end}
    extra = {max_num_batched_tokens} | ({max_num_seqs} if max_capture_size is None else set())
    return sorted(sizes | {size for size in extra if size <= end})
""",
    ),
    (
        "not in order",
        "not ascending, or one stands twice",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = min(max_capture_size or min(2 * max_num_seqs, 512), max_num_batched_tokens)
    extra = [max_num_batched_tokens] + ([max_num_seqs] if max_capture_size is None else [])
    return grid(end) + [size for size in extra if size <= end]
""",
    ),
    (
        "calls the library",
        "ithheld in lab 4: write your own",
        """
from mini_lib import default_capture_sizes


def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    return default_capture_sizes(
        max_num_seqs=max_num_seqs,
        max_num_batched_tokens=max_num_batched_tokens,
        max_cudagraph_capture_size=max_capture_size,
    )
""",
    ),
    (
        "knows the visible cases only",
        "the answer is [",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    for case in lab04.DEFAULT_SIZES.cases:
        if case.args == (max_num_seqs, max_num_batched_tokens, max_capture_size):
            return case.expected
    return [1, 2, 4, 8]
""",
    ),
)

SIZE_FOR = _mutants(
    "size_for",
    2,
    (
        "rounds down",
        "you round down",
        """
def size_for(num_tokens, sizes):
    if not sizes or num_tokens > sizes[-1]:
        return None
    return max((size for size in sizes if size <= num_tokens), default=sizes[0])
""",
    ),
    (
        "nearest size",
        "the nearest size",
        """
def size_for(num_tokens, sizes):
    if not sizes or num_tokens > sizes[-1]:
        return None
    return min(sizes, key=lambda size: (abs(size - num_tokens), -size))
""",
    ),
    (
        "off by one at an exact size",
        "a batch of exactly 4 rides in the graph for 4",
        """
from bisect import bisect_right


def size_for(num_tokens, sizes):
    place = bisect_right(sizes, num_tokens)
    return sizes[place] if place < len(sizes) else None
""",
    ),
    (
        "raises above the largest",
        "nothing exceptional, it runs eagerly",
        """
def size_for(num_tokens, sizes):
    if not sizes:
        return None
    return next(size for size in sizes if size >= num_tokens)
""",
    ),
    (
        "largest size above the largest",
        "The seventeenth row has no place",
        """
def size_for(num_tokens, sizes):
    return next((size for size in sizes if size >= num_tokens), sizes[-1] if sizes else None)
""",
    ),
    (
        "unpadded above the largest",
        "there is no graph for 17",
        """
def size_for(num_tokens, sizes):
    return next((size for size in sizes if size >= num_tokens), num_tokens)
""",
    ),
    (
        "raises on no sizes",
        "enforce_eager=True",
        """
def size_for(num_tokens, sizes):
    if num_tokens > max(sizes):
        return None
    return min(size for size in sizes if size >= num_tokens)
""",
    ),
    (
        "index instead of size",
        "where the size stands in the list",
        """
def size_for(num_tokens, sizes):
    return next((place for place, size in enumerate(sizes) if size >= num_tokens), None)
""",
    ),
    (
        "next power of two",
        "do not look at `sizes`",
        """
def size_for(num_tokens, sizes):
    if num_tokens in sizes:
        return num_tokens
    return None if not sizes or num_tokens > sizes[-1] else 1 << (num_tokens - 1).bit_length()
""",
    ),
    (
        "calls the library",
        "ithheld in lab 4: write your own",
        """
from mini_lib.dispatch import CaptureSizes


def size_for(num_tokens, sizes):
    return CaptureSizes(sizes).pad(num_tokens)
""",
    ),
    (
        "knows the visible cases only",
        "the answer is",
        """
def size_for(num_tokens, sizes):
    return next((case.expected for case in lab04.SIZE_FOR.cases if case.args == (num_tokens, sizes)), None)
""",
    ),
)

PADDING_WASTE = _mutants(
    "padding_waste",
    3,
    (
        "rounds down on the way",
        "a batch was given fewer rows than it has",
        """
def padding_waste(sizes, histogram):
    rides = [(max([s for s in sizes if s <= batch], default=batch), batch, n) for batch, n in histogram.items()]
    computed = sum(size * steps for size, batch, steps in rides)
    return sum((size - batch) * steps for size, batch, steps in rides) / computed if computed else 0.0
""",
    ),
    (
        "divided by real rows",
        "ten padded rows for thirty real ones",
        """
def padding_waste(sizes, histogram):
    real = sum(batch * steps for batch, steps in histogram.items())
    padded = sum(((size_for(batch, sizes) or batch) - batch) * steps for batch, steps in histogram.items())
    return padded / real if real else 0.0
""",
    ),
    (
        "divided by steps",
        "not by the steps",
        """
def padding_waste(sizes, histogram):
    padded = sum(((size_for(batch, sizes) or batch) - batch) * steps for batch, steps in histogram.items())
    return padded / sum(histogram.values()) if histogram else 0.0
""",
    ),
    (
        "eager rows left out of the total",
        "their thirty rows are computed and belong to the total",
        """
def padding_waste(sizes, histogram):
    rides = [(size_for(batch, sizes), batch, steps) for batch, steps in histogram.items()]
    rides = [(size, batch, steps) for size, batch, steps in rides if size]
    computed = sum(size * steps for size, batch, steps in rides)
    return sum((size - batch) * steps for size, batch, steps in rides) / computed if computed else 0.0
""",
    ),
    (
        "eager rows cut off at the largest size",
        "with all of its rows",
        """
def padding_waste(sizes, histogram):
    padded = computed = 0
    for batch, steps in histogram.items():
        size = size_for(batch, sizes) or max(sizes, default=batch)
        computed += size * steps
        padded += max(size - batch, 0) * steps
    return padded / computed if computed else 0.0
""",
    ),
    (
        "steps counted once",
        "you count each batch size once",
        """
def padding_waste(sizes, histogram):
    computed = sum(size_for(batch, sizes) or batch for batch in histogram)
    return (computed - sum(histogram)) / computed if computed else 0.0
""",
    ),
    (
        "mean of the shares",
        "add up rows first, divide once",
        """
def padding_waste(sizes, histogram):
    share = 0.0
    for batch, steps in histogram.items():
        size = size_for(batch, sizes) or batch
        share += steps * (size - batch) / size
    return share / sum(histogram.values()) if histogram else 0.0
""",
    ),
    (
        "share of steps",
        "a share of rows",
        """
def padding_waste(sizes, histogram):
    padded = sum(steps for batch, steps in histogram.items() if size_for(batch, sizes) not in (batch, None))
    return padded / sum(histogram.values()) if histogram else 0.0
""",
    ),
    (
        "reckons with None",
        "with None you cannot reckon",
        """
def padding_waste(sizes, histogram):
    computed = sum(size_for(batch, sizes) * steps for batch, steps in histogram.items())
    real = sum(batch * steps for batch, steps in histogram.items())
    return (computed - real) / computed if computed else 0.0
""",
    ),
    (
        "divides by nothing",
        "Where nothing was computed nothing was wasted",
        """
def padding_waste(sizes, histogram):
    computed = sum((size_for(batch, sizes) or batch) * steps for batch, steps in histogram.items())
    return 1 - sum(batch * steps for batch, steps in histogram.items()) / computed
""",
    ),
    (
        "calls the library",
        "ithheld in lab 4: write your own",
        """
import mini_lib


def padding_waste(sizes, histogram):
    return mini_lib.padding_waste(sizes, histogram)
""",
    ),
)

_PADS = """
def pad_batch(batch, size):
    more = size - len(batch["input_ids"])
    harmless = {{"input_ids": 0, "positions": 0, "slot_mapping": 0, "seq_lens": 1, "req_pool_indices": 0}}
    padded = {{name: column + [harmless[name]] * more for name, column in batch.items()}}
    {}
    return padded
"""

PAD_BATCH = _mutants(
    "pad_batch",
    4,
    (
        "slot -1",
        "cache[-1] is the last slot",
        _PADS.format('padded["slot_mapping"] = batch["slot_mapping"] + [-1] * more'),
    ),
    (
        "repeats the last row",
        "two rows now write the same cache entry",
        """
def pad_batch(batch, size):
    return {name: column + [column[-1]] * (size - len(column)) for name, column in batch.items()}
""",
    ),
    (
        "slot of the first live row",
        "Your padded rows write into the slot of a live row",
        _PADS.format('padded["slot_mapping"] = batch["slot_mapping"] + batch["slot_mapping"][:1] * more'),
    ),
    (
        "slots count on",
        "the slots after the last live one",
        _PADS.format(
            'last = batch["slot_mapping"][-1]; padded["slot_mapping"][size - more:] = range(last + 1, last + 1 + more)'
        ),
    ),
    (
        "keeps the last batch",
        "Reset the tail each time",
        """
static = {}


def pad_batch(batch, size):
    for name, column in batch.items():
        buffer = static.setdefault(name, [0] * 64)
        buffer[: len(column)] = column
    return {name: static[name][:size] for name in batch}
""",
    ),
    (
        "pads after the metadata",
        "Some of your lists are padded and some are not",
        """
def pad_batch(batch, size):
    more = size - len(batch["input_ids"])
    inputs = {name: batch[name] + [0] * more for name in ("input_ids", "positions", "slot_mapping")}
    return {**batch, **inputs}
""",
    ),
    ("seq_len 0", "divides by it", _PADS.format('padded["seq_lens"] = batch["seq_lens"] + [0] * more')),
    (
        "request row of a live request",
        "They read its whole context for nothing",
        _PADS.format('padded["req_pool_indices"] = batch["req_pool_indices"] + batch["req_pool_indices"][-1:] * more'),
    ),
    (
        "positions count on",
        "a position other than 0",
        _PADS.format('padded["positions"] = batch["positions"] + list(range(len(batch["positions"]), size))'),
    ),
    (
        "padding in front",
        "padding goes behind them",
        """
def pad_batch(batch, size):
    more = size - len(batch["input_ids"])
    return {name: [int(name == "seq_lens")] * more + column for name, column in batch.items()}
""",
    ),
    (
        "changes the batch",
        "Your function changed batch",
        """
def pad_batch(batch, size):
    more = size - len(batch["input_ids"])
    for name in batch:
        batch[name] += [int(name == "seq_lens")] * more
    return batch
""",
    ),
    (
        "gives nothing back",
        "is a `return` missing?",
        """
def pad_batch(batch, size):
    padded = {name: column + [int(name == "seq_lens")] * (size - len(column)) for name, column in batch.items()}
""",
    ),
    (
        "pads to eight always",
        "Your input_ids has 8 entries, and the graph reads 4",
        _PADS.format("padded = {name: (column + [harmless[name]] * 8)[:8] for name, column in batch.items()}"),
    ),
)

# The two checks of 4.5: two points where a ladder has to be a best one, three by the gap to the best.
_BEST = """
def best_sizes(histogram, budget, cost):
    batches = sorted(histogram)
    for_graphs_mib = budget["memory_mib"] - cost["mib_per_row"] * batches[-1]
    by_memory, by_time = for_graphs_mib // cost["mib_per_graph"], budget["startup_ms"] // cost["ms_per_graph"]
    num_graphs = min(budget["num_graphs"], by_memory, by_time, len(batches))
    {changed}
    if num_graphs < 1:
        return []
    best = [(0, [])] + [(float("inf"), [])] * len(batches)
    for _ in range(num_graphs):
        longer = [best[0]]
        for last, size in enumerate(batches):
            padded, options = 0, []
            for first in range(last, -1, -1):
                padded += {steps} * (size - batches[first])
                options.append((best[first][0] + padded, first))
            rows, first = min(options)
            longer.append((rows, best[first][1] + [size]))
        best = longer
    return best[-1][1]
"""
_STEPS = "histogram[batches[first]]"
_CHOOSES = """
def best_sizes(histogram, budget, cost):
    batches, top = sorted(histogram), max(histogram)
    for_graphs_mib = budget["memory_mib"] - cost["mib_per_row"] * top
    by_memory, by_time = for_graphs_mib // cost["mib_per_graph"], budget["startup_ms"] // cost["ms_per_graph"]
    num_graphs = min(budget["num_graphs"], by_memory, by_time, len(batches))
    if num_graphs < 1:
        return []
    padded = lambda sizes: sum(
        steps * (min(size for size in sizes if size >= batch) - batch) for batch, steps in histogram.items()
    )
    {chosen}
"""

BEST_SIZES = [
    *_mutants(
        "best_sizes",
        2.5,
        (
            "greedy",
            "The second choice makes the first one poor",
            _CHOOSES.format(
                chosen="""sizes = [top]
    while len(sizes) < num_graphs:
        sizes.append(min(set(batches) - set(sizes), key=lambda size: (padded([*sizes, size]), size)))
    return sorted(sizes)"""
            ),
        ),
        (
            "drops the least useful",
            "What was dropped early",
            _CHOOSES.format(
                chosen="""sizes, riding = batches, [histogram[batch] for batch in batches]
    while len(sizes) > num_graphs:
        gone = min(range(len(sizes) - 1), key=lambda place: riding[place] * (sizes[place + 1] - sizes[place]))
        riding[gone + 1] += riding[gone]
        del sizes[gone], riding[gone]
    return sizes"""
            ),
        ),
    ),
    *_mutants(
        "best_sizes",
        4,
        (
            "equal steps",
            "Traffic is not equal",
            _CHOOSES.format(
                chosen="return sorted({-(-top * step // num_graphs) for step in range(1, num_graphs + 1)})"
            ),
        ),
        (
            "powers of two",
            "made of powers of two",
            _CHOOSES.format(
                chosen="return [2**k for k in range(top.bit_length() + 1) if 2**k < 2 * top][-num_graphs:]"
            ),
        ),
        (
            "most frequent batches",
            "the batches that occur most",
            _CHOOSES.format(
                chosen="""often = sorted(batches[:-1], key=lambda batch: -histogram[batch])
    return sorted([*often[: num_graphs - 1], top])"""
            ),
        ),
        (
            "equal shares of the steps",
            "how far each is padded",
            _CHOOSES.format(
                chosen="""sizes, so_far, total = set(), 0, sum(histogram.values())
    for batch in batches:
        so_far += histogram[batch]
        if so_far * num_graphs >= total * (len(sizes) + 1):
            sizes.add(batch)
    return sorted(sizes)"""
            ),
        ),
        (
            "ignores the number of graphs",
            "more than three sizes",
            _BEST.format(steps=_STEPS, changed="num_graphs = min(by_memory, by_time, len(batches))"),
        ),
        (
            "ignores the memory budget",
            "Yours has more and runs out of memory",
            _BEST.format(steps=_STEPS, changed='num_graphs = min(budget["num_graphs"], by_time, len(batches))'),
        ),
        (
            "ignores the memory of the pool",
            "Their shared pool needs 19 rows",
            _BEST.format(
                steps=_STEPS,
                changed='num_graphs = min(budget["num_graphs"], by_time, len(batches), '
                'budget["memory_mib"] // cost["mib_per_graph"])',
            ),
        ),
        (
            "ignores start-up time",
            "can be captured in time",
            _BEST.format(steps=_STEPS, changed='num_graphs = min(budget["num_graphs"], by_memory, len(batches))'),
        ),
        (
            "leaves the largest batch out",
            "the most expensive step of all runs eagerly",
            _BEST.format(steps=_STEPS, changed="batches = batches[:-1]; num_graphs = min(num_graphs, len(batches))"),
        ),
        (
            "production's ladder",
            "more than three sizes",
            """
def best_sizes(histogram, budget, cost):
    return default_sizes(max(histogram))
""",
        ),
    ),
    *_mutants(
        "best_sizes",
        2.5,
        ("steps counted once", "each batch size occurs once", _BEST.format(steps="1", changed="")),
        (
            "a graph too few",
            "one graph is left over",
            _BEST.format(steps=_STEPS, changed="num_graphs -= num_graphs > 1"),
        ),
    ),
    *_mutants(
        "best_sizes",
        2,
        (
            "one graph where none fits",
            "everything runs eagerly",
            _BEST.format(steps=_STEPS, changed="num_graphs = max(num_graphs, 1)"),
        ),
        (
            "captures what nobody rides in",
            "a key counts only if it can be reached",
            _BEST.format(
                steps=_STEPS,
                changed="""spare = budget["num_graphs"] - len(batches)
    if spare > 0 and num_graphs == len(batches):
        return sorted({*batches, batches[0] - 1, batches[-1] + 1} - {0})[: len(batches) + spare]""",
            ),
        ),
    ),
]

_PAYS = """
def break_even_steps(histogram, few, many, ms_per_graph, us_per_padded_row):
    import math

    def rows(sizes):
        return sum({steps} * (size_for(batch, sizes) - batch) for batch, steps in histogram.items())

    saved_us = us_per_padded_row * (rows(few) - rows(many)) / {over}
    {guard}
    return {rounded}({dearer} / saved_us)
"""
_GUARD, _DEARER = "if saved_us <= 0: return None", "(1000 * ms_per_graph * (len(many) - len(few)))"


def _pays(steps="steps", over="sum(histogram.values())", guard=_GUARD, rounded="math.ceil", dearer=_DEARER):
    return _PAYS.format(steps=steps, over=over, guard=guard, rounded=rounded, dearer=dearer)


BREAK_EVEN = _mutants(
    "break_even_steps",
    2,
    ("units", "off by a factor of 1000", _pays(dearer="(ms_per_graph * (len(many) - len(few)))")),
    (
        "pays for all graphs",
        "only the difference has to be earned back",
        _pays(dearer="(1000 * ms_per_graph * len(many))"),
    ),
    ("saving per day", "what one step saves on average", _pays(over="1")),
    ("steps counted once", "Weigh each with its number of steps", _pays(steps="1", over="len(histogram)")),
    ("rounds down", "After 83 the finer ladder is still", _pays(rounded="math.floor")),
    ("divides by no saving", "it never pays", _pays(guard="")),
)

MUTANTS = [*DEFAULT_SIZES, *SIZE_FOR, *PADDING_WASTE, *PAD_BATCH, *BEST_SIZES, *BREAK_EVEN]

RIGHT_ANSWERS = [
    RightAnswer(
        "default_sizes without the given grid",
        "default_sizes",
        """
def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    explicit = max_capture_size is not None
    end = min(max_capture_size if explicit else min(2 * max_num_seqs, 512), max_num_batched_tokens)
    sizes = []
    for n in range(1, end + 1):
        on_grid = n in (1, 2, 4) or (n < 256 and n % 8 == 0) or (n >= 256 and n % 16 == 0)
        if on_grid or n == max_num_batched_tokens or (n == max_num_seqs and not explicit):
            sizes.append(n)
    return tuple(sizes)
""",
    ),
    RightAnswer(
        "default_sizes in numpy",
        "default_sizes",
        """
import numpy as np


def default_sizes(max_num_seqs, max_num_batched_tokens=8192, max_capture_size=None):
    end = 2 * max_num_seqs if max_capture_size is None else max_capture_size
    end = min(end, 512) if max_capture_size is None else end
    end = min(end, max_num_batched_tokens)
    sizes = np.concatenate([[1, 2, 4], np.arange(8, 256, 8), np.arange(256, max(end, 256) + 1, 16)])
    sizes = np.append(sizes, [max_num_batched_tokens] + [max_num_seqs] * (max_capture_size is None))
    return [int(size) for size in np.unique(sizes) if size <= end]
""",
    ),
    RightAnswer(
        "size_for by bisection",
        "size_for",
        """
from bisect import bisect_left


def size_for(num_tokens, sizes):
    place = bisect_left(sizes, num_tokens)
    return None if place == len(sizes) else sizes[place]
""",
    ),
    RightAnswer(
        "size_for by recursion",
        "size_for",
        """
def size_for(num_tokens, sizes):
    if not sizes:
        return None
    middle = len(sizes) // 2
    if sizes[middle] < num_tokens:
        return size_for(num_tokens, sizes[middle + 1 :])
    found = size_for(num_tokens, sizes[:middle])
    return sizes[middle] if found is None else found
""",
    ),
    RightAnswer(
        "size_for in numpy",
        "size_for",
        """
import numpy as np


def size_for(num_tokens, sizes):
    place = np.searchsorted(np.array(sizes, dtype=int), num_tokens)
    return np.array(sizes)[place] if place < len(sizes) else None
""",
    ),
    RightAnswer(
        "padding_waste without the lookup, in numpy",
        "padding_waste",
        """
import numpy as np


def padding_waste(sizes, histogram):
    batches, steps = np.array(list(histogram), dtype=int), np.array(list(histogram.values()), dtype=int)
    computed = np.where(batches > max(sizes, default=0), batches, 0)
    for size in sorted(sizes, reverse=True):
        computed = np.where(batches <= size, size, computed)
    total = (computed * steps).sum()
    return ((computed - batches) * steps).sum() / total if total else 0
""",
    ),
    RightAnswer(
        "padding_waste from fractions, one step at a time",
        "padding_waste",
        """
from fractions import Fraction


def padding_waste(sizes, histogram):
    rows = [(batch, size_for(batch, sizes) or batch) for batch, steps in histogram.items() for _ in range(steps)]
    if not rows:
        return 0
    real, computed = map(sum, zip(*rows))
    return float(1 - Fraction(real, computed))
""",
    ),
    RightAnswer(
        "pad_batch with another harmless token",
        "pad_batch",
        """
def pad_batch(batch, size):
    padded = {}
    for name in batch:
        filler = {"input_ids": 49, "seq_lens": 1}.get(name, 0)
        padded[name] = [batch[name][row] if row < len(batch[name]) else filler for row in range(size)]
    return padded
""",
    ),
    RightAnswer(
        "pad_batch on a deep copy",
        "pad_batch",
        """
import copy


def pad_batch(batch, size):
    padded = copy.deepcopy(batch)
    while len(padded["seq_lens"]) < size:
        padded["seq_lens"].append(1)
        for name in ("input_ids", "positions", "slot_mapping", "req_pool_indices"):
            padded[name].append(0)
    return padded
""",
    ),
    RightAnswer(
        "best_sizes by recursion with a memory",
        "best_sizes",
        """
from functools import cache


def best_sizes(histogram, budget, cost):
    batches = sorted(histogram)
    by_memory = (budget["memory_mib"] - cost["mib_per_row"] * batches[-1]) // cost["mib_per_graph"]
    graphs = min(budget["num_graphs"], by_memory, budget["startup_ms"] // cost["ms_per_graph"])

    @cache
    def padded(first, last):
        if first > last:
            return 0
        steps = sum(histogram[batch] for batch in batches[first:last])
        return padded(first, last - 1) + steps * (batches[last] - batches[last - 1]) if last > first else 0

    @cache
    def best(last, graphs):
        whole = (padded(0, last), (batches[last],))
        if graphs == 1:
            return whole
        parts = [(best(cut, graphs - 1), padded(cut + 1, last)) for cut in range(last)]
        return min([whole, *((part[0] + rows, (*part[1], batches[last])) for part, rows in parts)])

    return list(best(len(batches) - 1, graphs)[1]) if graphs >= 1 else []
""",
    ),
    RightAnswer(
        "best_sizes on prefix sums, in numpy",
        "best_sizes",
        """
import numpy as np


def best_sizes(histogram, budget, cost):
    sizes = np.array(sorted(histogram))
    counts = np.array([histogram[int(size)] for size in sizes])
    left = budget["memory_mib"] - cost["mib_per_row"] * int(sizes[-1])
    limits = [budget["num_graphs"], left // cost["mib_per_graph"], budget["startup_ms"] // cost["ms_per_graph"]]
    graphs = min(*limits, len(sizes))
    if graphs < 1:
        return []
    steps, rows = np.concatenate([[0], counts.cumsum()]), np.concatenate([[0], (counts * sizes).cumsum()])
    price = sizes[:, None] * (steps[1:, None] - steps[:-1]) - (rows[1:, None] - rows[:-1])
    price = np.where(np.tri(len(sizes), dtype=bool), price, np.inf)
    best, cuts = price[:, 0], []
    for _ in range(graphs - 1):
        options = price[:, 1:] + best[:-1]
        cuts.append(options.argmin(axis=1))
        best = options.min(axis=1) if len(sizes) > 1 else best
    ladder, last = [int(sizes[-1])], len(sizes) - 1
    for cut in reversed(cuts):
        last = int(cut[last])
        ladder.append(int(sizes[last]))
    return sorted(ladder)
""",
    ),
    RightAnswer(
        "break_even_steps by doubling and halving",
        "break_even_steps",
        """
def break_even_steps(histogram, few, many, ms_per_graph, us_per_padded_row):
    rows = lambda sizes: sum(
        steps * (min(size for size in sizes if size >= batch) - batch) for batch, steps in histogram.items()
    )
    total, saved = sum(histogram.values()), us_per_padded_row * (rows(few) - rows(many))
    dearer = 1000 * ms_per_graph * (len(many) - len(few)) * total
    if saved <= 0:
        return None
    low, high = 0, 1
    while high * saved < dearer:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if middle * saved >= dearer else (middle, high)
    return high
""",
    ),
    RightAnswer(
        "break_even_steps in floats",
        "break_even_steps",
        """
import math


def break_even_steps(histogram, few, many, ms_per_graph, us_per_padded_row):
    steps = sum(histogram.values())
    mean = lambda sizes: sum(n / steps * (size_for(batch, sizes) - batch) for batch, n in histogram.items())
    saved_s = (mean(few) - mean(many)) * us_per_padded_row * 1e-6
    return None if saved_s <= 1e-15 else math.ceil((len(many) - len(few)) * ms_per_graph * 1e-3 / saved_s)
""",
    ),
]
