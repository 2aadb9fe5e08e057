"""Wrong answers to lab 7 with what each must lose and be told, and right answers that must lose nothing.

Each `code` takes the place of the whole solution cell; the other cells are the solution's.
"""

from autograde.mutants import Mutant, RightAnswer


def _mutants(exercise: str, loses: float, *answers: tuple[str, str, str]) -> list[Mutant]:
    """Return the wrong answers (name, told, code) to one exercise that all lose the same."""
    return [Mutant(f"{exercise}: {name}", exercise, loses, told, code) for name, told, code in answers]


# --- 7.3 and 7.5: the two maps

_MAP = """
class {name}:
    def __init__(self, max_num_seqs, device):
        self.max_num_seqs, self.device, self.cursor, self.last = max_num_seqs, device, {start}, None
        self.capacity = {capacity}
        self.tokens = torch.full(({length},), -1, dtype={dtype}, device=device)

    def reserve(self, req_pool_indices):
        n = len(req_pool_indices)
        {reserve}

    def stash(self, ids, tokens):
        {stash}

    def resolve(self, input_ids):
        {resolve}
"""


def _ring(
    start="0",
    capacity="3 * max_num_seqs",
    length="self.capacity",
    dtype="torch.int64",
    reserve="""places = (self.cursor + torch.arange(n, device=self.device)) % self.capacity
        self.cursor = (self.cursor + n) % self.capacity
        return -places - 1""",
    stash="self.tokens[-ids - 1] = tokens",
    resolve="""places = (-input_ids - 1).clamp(min=0)
        return torch.where(input_ids < 0, self.tokens[places], input_ids)""",
):
    return _MAP.format(
        name="RingFutureMap",
        start=start,
        capacity=capacity,
        length=length,
        dtype=dtype,
        reserve=reserve,
        stash=stash,
        resolve=resolve,
    )


_MODULO = "(self.cursor + torch.arange(n, device=self.device)) % self.capacity"
_ADVANCE = "self.cursor = (self.cursor + n) % self.capacity"
_SLICE = """start, self.cursor = self.cursor, self.cursor + n
        return -torch.arange(start, start + n, device=self.device) - 1"""
_SPILL = """start, self.cursor = self.cursor, (self.cursor + n) % self.capacity
        return -torch.arange(start + 1, start + 1 + n, device=self.device)"""

RING_FUTURE_MAP = _mutants(
    "ring_future_map",
    6,
    (
        "an id is 0",
        "One of your ids is 0",
        _ring(
            reserve=f"places = {_MODULO}\n        {_ADVANCE}\n        return -places",
            stash="self.tokens[-ids] = tokens",
            resolve="return torch.where(input_ids < 0, self.tokens[(-input_ids).clamp(min=0)], input_ids)",
        ),
    ),
    (
        "positive ids",
        "Your ids are not below 0",
        _ring(
            reserve=f"places = {_MODULO}\n        {_ADVANCE}\n        return places + 1_000_000",
            stash="self.tokens[ids - 1_000_000] = tokens",
            resolve="""places = (input_ids - 1_000_000).clamp(min=0)
        return torch.where(input_ids >= 1_000_000, self.tokens[places], input_ids)""",
        ),
    ),
    (
        "one id for a batch",
        "the same id to two requests",
        _ring(reserve=f"id = -self.cursor - 1\n        {_ADVANCE}\n        return torch.full((n,), id)"),
    ),
    (
        "resolves token 0",
        "Token 0 is in every vocabulary",
        _ring(
            resolve="""places = (-input_ids - 1).clamp(min=0)
        return torch.where(input_ids <= 0, self.tokens[places], input_ids)"""
        ),
    ),
    (
        "resolves everything",
        "keep what was found only where the entry is below 0",
        _ring(resolve="return self.tokens[(-input_ids - 1).clamp(min=0)]"),
    ),
    (
        "no clamp",
        "Clamp the places first",
        _ring(resolve="return torch.where(input_ids < 0, self.tokens[-input_ids - 1], input_ids)"),
    ),
    (
        "stashes at the cursor",
        "It has to write where *its* ids point",
        _ring(stash="n = len(ids)\n        self.tokens[torch.arange(self.cursor - n, self.cursor)] = tokens"),
    ),
    (
        "stashes where it reserved last",
        "It has to write where *its* ids point",
        _ring(
            reserve=f"self.last = {_MODULO}\n        {_ADVANCE}\n        return -self.last - 1",
            stash="self.tokens[self.last] = tokens",
        ),
    ),
    (
        "never comes round",
        "writes behind the end of your ring",
        _ring(reserve=_SLICE),
    ),
    (
        "slice at the end",
        "a batch is longer than the slice that is left",
        _ring(
            reserve=f"""start = self.cursor
        {_ADVANCE}
        self.last = [*(self.last or []), start]
        return -torch.arange(start, start + n, device=self.device) - 1""",
            stash="""start = self.last.pop(0)
        self.tokens[start : start + len(ids)] = tokens""",
        ),
    ),
    (
        "begins again where a batch does not fit",
        "skip the places that are left",
        _ring(
            reserve="""if self.cursor + n > self.capacity:
            self.cursor = 0
        start, self.cursor = self.cursor, self.cursor + n
        return -torch.arange(start, start + n, device=self.device) - 1"""
        ),
    ),
    (
        "spills without room",
        "writes behind the end of your ring",
        _ring(
            length="self.capacity + 1",
            reserve=_SPILL,
            stash="self.tokens[-ids] = tokens",
            resolve="return torch.where(input_ids < 0, self.tokens[(-input_ids).clamp(min=0)], input_ids)",
        ),
    ),
    ("one lap too short", "count your places", _ring(capacity="3 * max_num_seqs - 1")),
    ("holds one batch", "count your places", _ring(capacity="max_num_seqs")),
    ("holds two batches", "count your places", _ring(capacity="2 * max_num_seqs")),
    (
        "moves on by max_num_seqs",
        "how far the cursor moves",
        _ring(
            reserve=f"places = {_MODULO}\n        "
            "self.cursor = (self.cursor + self.max_num_seqs) % self.capacity\n        return -places - 1"
        ),
    ),
    (
        "places are rows",
        "In a ring each `reserve` hands out new places",
        _ring(reserve="return -req_pool_indices - 1", length="max_num_seqs + 2"),
    ),
    ("32 bits", "your tensor holds 32 bits", _ring(dtype="torch.int32", stash="self.tokens[-ids - 1] = tokens.int()")),
    (
        "ids of 32 bits",
        "ids and tokens are torch.int64",
        _ring(
            reserve="places = (self.cursor + torch.arange(n, dtype=torch.int32)) % self.capacity\n        "
            f"{_ADVANCE}\n        return -places - 1"
        ),
    ),
    (
        "a list of ids",
        "gave a list back",
        _ring(
            reserve=f"ids = [-((self.cursor + i) % self.capacity) - 1 for i in range(n)]\n        "
            f"{_ADVANCE}\n        return ids"
        ),
    ),
    (
        "writes into its caller's tensor",
        "The scheduler's own bookkeeping holds it too",
        _ring(
            resolve="""places = (-input_ids - 1).clamp(min=0)
        return input_ids.copy_(torch.where(input_ids < 0, self.tokens[places], input_ids))"""
        ),
    ),
    (
        "one output buffer",
        "one buffer for all calls",
        _ring(
            resolve="""if not hasattr(self, "out"):
            self.out = torch.empty(64, dtype=torch.int64, device=self.device)
        places = (-input_ids - 1).clamp(min=0)
        out = self.out[: len(input_ids)]
        return out.copy_(torch.where(input_ids < 0, self.tokens[places], input_ids))"""
        ),
    ),
    (
        "hands the batch out backwards",
        "came back in another order",
        _ring(stash="self.tokens[-ids.flip(0) - 1] = tokens"),
    ),
    (
        "puts resolved ids first",
        "the entry at position p",
        _ring(
            resolve="""places = (-input_ids - 1).clamp(min=0)
        found = torch.where(input_ids < 0, self.tokens[places], input_ids)
        return found[torch.argsort((input_ids >= 0).int(), stable=True)]"""
        ),
    ),
    ("stashes sorted", "came back in another order", _ring(stash="self.tokens[-ids - 1] = tokens.sort().values")),
    (
        "fails for nobody",
        "A batch of nobody",
        _ring(stash="self.tokens[-ids - 1] = tokens\n        self.newest = (-ids - 1).max()"),
    ),
    (
        "a mask as an index",
        "`torch.where` waits for nobody",
        _ring(
            resolve="""out = input_ids.clone()
        symbolic = input_ids < 0
        out[symbolic] = self.tokens[-input_ids[symbolic] - 1]
        return out"""
        ),
    ),
    (
        "a dict on the CPU",
        "`torch.where` waits for nobody",
        _ring(
            stash="""self.last = self.last or {}
        self.last.update(zip(ids.tolist(), tokens.tolist()))""",
            resolve="ids = input_ids.tolist()\n        "
            "return torch.tensor([self.last[i] if i < 0 else i for i in ids], dtype=torch.int64)",
        ),
    ),
    ("forgets to return", "gave None back", _ring(resolve="self.tokens[(-input_ids - 1).clamp(min=0)]")),
    (
        "leaves the ids as they are",
        "and left the symbolic ids in it as they are",
        _ring(resolve="return input_ids.clone()"),
    ),
)


def _pool(
    start="0",
    capacity="max_num_seqs + 1",
    length="self.capacity",
    dtype="torch.int64",
    reserve="return -req_pool_indices",
    stash="self.tokens[-ids] = tokens",
    resolve="return torch.where(input_ids < 0, self.tokens[(-input_ids).clamp(min=0)], input_ids)",
):
    return _MAP.format(
        name="PoolFutureMap",
        start=start,
        capacity=capacity,
        length=length,
        dtype=dtype,
        reserve=reserve,
        stash=stash,
        resolve=resolve,
    )


POOL_FUTURE_MAP = _mutants(
    "pool_future_map",
    4,
    ("an entry short", "yours is one entry short", _pool(length="max_num_seqs")),
    (
        "padded rows hit the last request",
        "index -1 is the last place",
        _pool(
            length="max_num_seqs",
            reserve="return -req_pool_indices",
            stash="self.tokens[-ids - 1] = tokens",
            resolve="return torch.where(input_ids < 0, self.tokens[(-input_ids - 1).clamp(min=0)], input_ids)",
        ),
    ),
    (
        "empties at reserve",
        "are gone",
        _pool(reserve="self.tokens[req_pool_indices] = -1\n        return -req_pool_indices"),
    ),
    (
        "still a ring",
        "your map is still a ring",
        _ring().replace("RingFutureMap", "PoolFutureMap"),
    ),
    (
        "a ring of a thousand batches",
        "those by the minute",
        _ring(capacity="1000 * max_num_seqs").replace("RingFutureMap", "PoolFutureMap"),
    ),
    (
        "a list that grows",
        "its memory grows",
        _pool(
            reserve="self.cursor += n\n        "
            "return -torch.arange(self.cursor - n + 1, self.cursor + 1, device=self.device)",
            stash="""if self.cursor >= len(self.tokens):
            self.tokens = torch.cat([self.tokens, self.tokens.new_full((self.cursor + 1,), -1)])
        self.tokens[-ids] = tokens""",
        ),
    ),
    (
        "a place by the position in the batch",
        "one takes the other's places",
        _pool(reserve="return -torch.arange(1, n + 1, device=self.device)"),
    ),
    ("ids are rows", "Your ids are not below 0", _pool(reserve="return req_pool_indices.clone()")),
    (
        "one place too early",
        "One of your ids is 0",
        _pool(reserve="return 1 - req_pool_indices"),
    ),
    (
        "resolves token 0",
        "Token 0 is in every vocabulary",
        _pool(resolve="return torch.where(input_ids <= 0, self.tokens[(-input_ids).clamp(min=0)], input_ids)"),
    ),
    (
        "resolves everything",
        "keep what was found only where the entry is below 0",
        _pool(resolve="return self.tokens[(-input_ids).clamp(min=0)]"),
    ),
    (
        "no clamp",
        "Clamp the places first",
        _pool(resolve="return torch.where(input_ids < 0, self.tokens[-input_ids], input_ids)"),
    ),
    ("32 bits", "your tensor holds 32 bits", _pool(dtype="torch.int32", stash="self.tokens[-ids] = tokens.int()")),
    (
        "negates its caller's rows",
        "The scheduler's own bookkeeping holds it too",
        _pool(reserve="return req_pool_indices.neg_()"),
    ),
    (
        "stashes where it reserved last",
        "It has to write where *its* ids point",
        _pool(
            reserve="self.last = req_pool_indices.clone()\n        return -req_pool_indices",
            stash="self.tokens[self.last] = tokens",
        ),
    ),
    (
        "a mask as an index",
        "`torch.where` waits for nobody",
        _pool(
            resolve="""out = input_ids.clone()
        out[input_ids < 0] = self.tokens[-input_ids[input_ids < 0]]
        return out"""
        ),
    ),
    (
        "a loop over rows",
        "`torch.where` waits for nobody",
        _pool(stash="for id, token in zip(ids, tokens):\n            self.tokens[-int(id)] = token"),
    ),
)

MAP_RIGHT_ANSWERS = [
    RightAnswer(
        "ring_future_map with room behind the end, as SGLang had it",
        "ring_future_map",
        _ring(
            length="5 * max_num_seqs",
            reserve=_SPILL,
            stash="self.tokens[-ids] = tokens",
            resolve="return torch.where(input_ids < 0, self.tokens[(-input_ids).clamp(min=0)], input_ids)",
        ),
    ),
    RightAnswer(
        "ring_future_map that begins again early, in a longer tensor",
        "ring_future_map",
        _ring(
            capacity="4 * max_num_seqs",
            reserve="""if self.cursor + n > self.capacity:
            self.cursor = 0
        ids = torch.arange(-self.cursor - 1, -self.cursor - 1 - n, -1, device=self.device)
        self.cursor += n
        return ids""",
            stash="self.tokens.scatter_(0, -ids - 1, tokens)",
            resolve="""places = torch.where(input_ids < 0, -input_ids - 1, torch.zeros_like(input_ids))
        found = self.tokens.gather(0, places)
        return torch.where(input_ids < 0, found, input_ids)""",
        ),
    ),
    RightAnswer(
        "ring_future_map that counts serial numbers",
        "ring_future_map",
        _ring(
            capacity="3 * max_num_seqs",
            reserve="""self.cursor += n
        return -torch.arange(self.cursor - n + 1, self.cursor + 1, device=self.device)""",
            stash="self.tokens.index_copy_(0, -ids % self.capacity, tokens)",
            resolve="return torch.where(input_ids >= 0, input_ids, self.tokens[-input_ids % self.capacity])",
        ),
    ),
    RightAnswer(
        "ring_future_map by rolling",
        "ring_future_map",
        """
class RingFutureMap:
    def __init__(self, max_num_seqs, device):
        self.size = 3 * max_num_seqs
        self.tokens = torch.zeros(self.size + 1, dtype=torch.long, device=device)
        self.free = torch.arange(1, self.size + 1, device=device)

    def reserve(self, req_pool_indices):
        taken = self.free[: req_pool_indices.numel()].clone()
        self.free = self.free.roll(-req_pool_indices.numel())
        return taken.neg()

    def stash(self, ids, tokens):
        self.tokens = self.tokens.index_put((ids.abs(),), tokens)

    def resolve(self, input_ids):
        return torch.where(input_ids.lt(0), self.tokens.take(input_ids.clamp(max=0).abs()), input_ids)
""",
    ),
    RightAnswer(
        "pool_future_map with two places a row",
        "pool_future_map",
        _pool(
            length="2 * max_num_seqs + 2",
            reserve="""self.cursor = 1 - self.cursor
        return -2 * req_pool_indices - self.cursor - 1""",
            stash="self.tokens[-ids - 1] = tokens",
            resolve="return torch.where(input_ids < 0, self.tokens[(-1 - input_ids).clamp(min=0)], input_ids)",
        ).replace("(2 * max_num_seqs + 2,)", "(2 * max_num_seqs + 3,)"),
    ),
    RightAnswer(
        "pool_future_map that counts rows from the other end",
        "pool_future_map",
        """
class PoolFutureMap:
    def __init__(self, max_num_seqs, device):
        self.tokens = torch.empty(max_num_seqs + 2, dtype=torch.int64, device=device)

    def reserve(self, req_pool_indices):
        return req_pool_indices - len(self.tokens)

    def stash(self, ids, tokens):
        self.tokens[ids] = tokens

    def resolve(self, input_ids):
        return self.tokens[input_ids.clamp(max=-1, min=-len(self.tokens))].where(input_ids < 0, input_ids)
""",
    ),
    RightAnswer(
        "pool_future_map by masks that are multiplied",
        "pool_future_map",
        _pool(
            length="max_num_seqs + 1",
            resolve="""symbolic = (input_ids < 0).long()
        return symbolic * self.tokens[-input_ids * symbolic] + (1 - symbolic) * input_ids""",
        ),
    ),
]


# --- 7.1 and 7.2: the two loops

_NORMAL = """
def event_loop_normal(scheduler, runner):
    {body}
"""
_OVERLAP = """
def event_loop_overlap(scheduler, runner):
    {body}
"""


def _loop(text: str, *answers: tuple[str, str, str]) -> list[tuple[str, str, str]]:
    """Return (name, told, code) of loops whose bodies are indented by four."""
    return [(name, told, text.format(body=body)) for name, told, body in answers]


EVENT_LOOP_NORMAL = _mutants(
    "event_loop_normal",
    2,
    *_loop(
        _NORMAL,
        (
            "launches None",
            "you launched that None as a batch",
            """while scheduler.has_unfinished():
        batch = scheduler.schedule()
        scheduler.update_from_output(batch, runner.execute_model(batch).wait())""",
        ),
        (
            "stops at None",
            "None from schedule() means: not now",
            """while (batch := scheduler.schedule()) is not None:
        scheduler.update_from_output(batch, runner.execute_model(batch).wait())""",
        ),
        (
            "asks again and again",
            "the CPU burns",
            """while scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is not None:
            scheduler.update_from_output(batch, runner.execute_model(batch).wait())""",
        ),
        (
            "never waits",
            "call its wait()",
            """while scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None:
            scheduler.wait_for_arrival()
        else:
            scheduler.update_from_output(batch, runner.execute_model(batch))""",
        ),
        (
            "never processes",
            "The sequential loop waits for a step and processes it",
            """while scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None:
            scheduler.wait_for_arrival()
        else:
            runner.execute_model(batch).wait()""",
        ),
        (
            "already overlaps",
            "only then makes the next batch",
            """before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch)) if batch else None
        if before:
            scheduler.update_from_output(before[0], before[1].wait())
        elif not launched:
            scheduler.wait_for_arrival()
        before = launched""",
        ),
        (
            "processes twice",
            "each step once, or tokens come twice",
            """while scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None:
            scheduler.wait_for_arrival()
            continue
        output = runner.execute_model(batch)
        scheduler.update_from_output(batch, output.wait())
        scheduler.update_from_output(batch, output.wait())""",
        ),
        (
            "the first output for ever",
            "tokens that are not its own",
            """output = None
    while scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None:
            scheduler.wait_for_arrival()
            continue
        launched = runner.execute_model(batch)
        output = output or launched
        scheduler.update_from_output(batch, output.wait())""",
        ),
        (
            "the first batch for ever",
            "each batch is launched once",
            """batch = None
    while scheduler.has_unfinished():
        new = scheduler.schedule()
        if new is None:
            scheduler.wait_for_arrival()
            continue
        batch = batch or new
        scheduler.update_from_output(batch, runner.execute_model(batch).wait())""",
        ),
        (
            "goes on after the last request",
            "it ends when has_unfinished() is False",
            """while True:
        batch = scheduler.schedule()
        if batch is None:
            scheduler.wait_for_arrival()
            continue
        scheduler.update_from_output(batch, runner.execute_model(batch).wait())""",
        ),
        (
            "one step",
            "requests unfinished",
            """if scheduler.has_unfinished():
        batch = scheduler.schedule()
        scheduler.update_from_output(batch, runner.execute_model(batch).wait())""",
        ),
        (
            "schedules twice",
            "nobody computes them",
            """while scheduler.has_unfinished():
        if scheduler.schedule() is None:
            scheduler.wait_for_arrival()
            continue
        batch = scheduler.schedule()
        scheduler.update_from_output(batch, runner.execute_model(batch).wait())""",
        ),
        (
            "sleeps before it asks",
            "there may be work",
            """while scheduler.has_unfinished():
        scheduler.wait_for_arrival()
        batch = scheduler.schedule()
        scheduler.update_from_output(batch, runner.execute_model(batch).wait())""",
        ),
    ),
)

_IDLE = """elif not launched:
            scheduler.wait_for_arrival()
        before = launched"""

EVENT_LOOP_OVERLAP = _mutants(
    "event_loop_overlap",
    5,
    *_loop(
        _OVERLAP,
        (
            "the sequential loop",
            "You process step 0 before step 1 is launched",
            """while scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None:
            scheduler.wait_for_arrival()
            continue
        scheduler.update_from_output(batch, runner.execute_model(batch).wait())""",
        ),
        (
            "waits where it launches",
            "the CPU would wait for itself for ever",
            """before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch).wait()) if batch else None
        if before:
            scheduler.update_from_output(*before)
        """
            + _IDLE,
        ),
        (
            "waits for the wrong step",
            "the CPU would wait for itself for ever",
            """before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch)) if batch else None
        if before:
            (launched or before)[1].wait()
            scheduler.update_from_output(before[0], before[1].wait())
        """
            + _IDLE,
        ),
        (
            "waits before it launches",
            "launch first, then wait for the step before",
            """before = None
    while before or scheduler.has_unfinished():
        tokens = before[1].wait() if before else None
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch)) if batch else None
        if before:
            scheduler.update_from_output(before[0], tokens)
        """
            + _IDLE,
        ),
        (
            "launches last",
            "You process step 0 before step 1 is launched",
            """before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        if before:
            scheduler.update_from_output(before[0], before[1].wait())
        elif batch is None:
            scheduler.wait_for_arrival()
        before = (batch, runner.execute_model(batch)) if batch else None""",
        ),
        (
            "waits between making a batch and launching it",
            "launch first, then wait for the step before",
            """before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        tokens = before[1].wait() if before else None
        launched = (batch, runner.execute_model(batch)) if batch else None
        if before:
            scheduler.update_from_output(before[0], tokens)
        """
            + _IDLE,
        ),
        (
            "overlaps every other step",
            "before step 2 is launched",
            """while scheduler.has_unfinished():
        pair = []
        for _ in range(2):
            batch = scheduler.schedule()
            if batch:
                pair.append((batch, runner.execute_model(batch)))
        for batch, output in pair:
            scheduler.update_from_output(batch, output.wait())
        if not pair:
            scheduler.wait_for_arrival()""",
        ),
        (
            "processes both",
            "the CPU would wait for itself for ever",
            """before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch)) if batch else None
        tokens = launched[1].wait() if launched else None
        if before:
            scheduler.update_from_output(before[0], before[1].wait())
        """
            + _IDLE,
        ),
        (
            "no flush",
            "nobody processes it",
            """before = None
    while scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None and not before:
            scheduler.wait_for_arrival()
            continue
        if batch is None:
            break
        launched = (batch, runner.execute_model(batch))
        if before:
            scheduler.update_from_output(before[0], before[1].wait())
        before = launched""",
        ),
        (
            "leaves the dropped tokens in flight",
            "the last step still has to be processed",
            """before = None
    while scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch)) if batch else None
        if before:
            scheduler.update_from_output(before[0], before[1].wait())
        """
            + _IDLE,
        ),
        (
            "goes round with a step in flight",
            "On a GPU this loop would ask for ever",
            """before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None:
            continue
        launched = (batch, runner.execute_model(batch))
        if before:
            scheduler.update_from_output(before[0], before[1].wait())
        before = launched""",
        ),
        (
            "sleeps with a step in flight",
            "Process what is in flight first",
            """before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None:
            scheduler.wait_for_arrival()
            continue
        launched = (batch, runner.execute_model(batch))
        if before:
            scheduler.update_from_output(before[0], before[1].wait())
        before = launched""",
        ),
        (
            "two steps behind",
            "at most one step is in flight",
            """flying = []
    while flying or scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch:
            flying.append((batch, runner.execute_model(batch)))
        if len(flying) > 2 or (flying and not batch):
            done, output = flying.pop(0)
            scheduler.update_from_output(done, output.wait())
        elif not batch:
            scheduler.wait_for_arrival()""",
        ),
        (
            "processes all at the end",
            "at most one step is in flight",
            """flying = []
    while scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None:
            break
        flying.append((batch, runner.execute_model(batch)))
    for batch, output in flying:
        scheduler.update_from_output(batch, output.wait())""",
        ),
        (
            "last in, first out",
            "the CPU would wait for itself for ever",
            """flying = []
    while flying or scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch:
            flying.append((batch, runner.execute_model(batch)))
        if len(flying) > 1 or (flying and not batch):
            done, output = flying.pop()
            scheduler.update_from_output(done, output.wait())
        elif not batch:
            scheduler.wait_for_arrival()""",
        ),
        (
            "the new batch with the old output",
            "results are taken in launch order",
            """before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        output = runner.execute_model(batch) if batch else None
        if before:
            scheduler.update_from_output(batch, before.wait())
        elif not batch:
            scheduler.wait_for_arrival()
        before = output""",
        ),
        (
            "the old batch with older tokens",
            "A batch and its output belong together",
            """before, tokens = None, None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch)) if batch else None
        if before:
            fresh = before[1].wait()
            scheduler.update_from_output(before[0], tokens or fresh)
            tokens = fresh
        """
            + _IDLE,
        ),
        (
            "processes what is not there",
            "which schedule() never gave",
            """before = (None, None)
    while before[0] or scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch) if batch else None)
        scheduler.update_from_output(before[0], before[1] and before[1].wait())
        before = launched""",
        ),
        (
            "launches None",
            "you launched that None as a batch",
            """before = None
    while before or scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = (batch, runner.execute_model(batch))
        if before:
            scheduler.update_from_output(before[0], before[1].wait())
        before = launched""",
        ),
        (
            "schedules ahead",
            "nobody computes them",
            """batch, before = scheduler.schedule(), None
    while scheduler.has_unfinished():
        ahead = scheduler.schedule()
        launched = (batch, runner.execute_model(batch)) if batch else None
        if before:
            scheduler.update_from_output(before[0], before[1].wait())
        batch, before = ahead, launched""",
        ),
        (
            "processes before it is launched",
            "which was made but not launched",
            """while scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is None:
            scheduler.wait_for_arrival()
            continue
        scheduler.update_from_output(batch, [0])
        runner.execute_model(batch).wait()""",
        ),
        (
            "catches everything",
            "the CPU would wait for itself for ever",
            """before = None
    for _ in range(9999):
        try:
            batch = scheduler.schedule()
            launched = (batch, runner.execute_model(batch)) if batch else None
            if launched:
                launched[1].wait()
            if before:
                scheduler.update_from_output(before[0], before[1].wait())
            before = launched
        except Exception:
            pass""",
        ),
        (
            "the library's loop",
            "Withheld in lab 7: write your own",
            """from mini_lib.scheduling import event_loop_overlap as mine
    return mine(scheduler, runner)""",
        ),
        (
            "the library's loop, unwrapped",
            "AttributeError",
            """from mini_lib.scheduling import event_loop_overlap as mine
    return mine.__wrapped__(scheduler, runner)""",
        ),
    ),
)

LOOP_RIGHT_ANSWERS = [
    RightAnswer(
        "event_loop_normal as a generator",
        "event_loop_normal",
        _NORMAL.format(
            body="""while scheduler.has_unfinished():
        while (batch := scheduler.schedule()) is None:
            scheduler.wait_for_arrival()
        yield scheduler.update_from_output(batch, runner.execute_model(batch).wait())"""
        ),
    ),
    RightAnswer(
        "event_loop_overlap with a deque",
        "event_loop_overlap",
        _OVERLAP.format(
            body="""from collections import deque

    flying = deque()
    while flying or scheduler.has_unfinished():
        batch = scheduler.schedule()
        if batch is not None:
            flying.append((batch, runner.execute_model(batch)))
        if len(flying) == 2 or (flying and batch is None):
            done, output = flying.popleft()
            scheduler.update_from_output(done, output.wait())
        elif batch is None:
            scheduler.wait_for_arrival()"""
        ),
    ),
    RightAnswer(
        "event_loop_overlap as a generator",
        "event_loop_overlap",
        _OVERLAP.format(
            body="""before = None
    while scheduler.has_unfinished():
        batch = scheduler.schedule()
        launched = None if batch is None else (batch, runner.execute_model(batch))
        if before is not None:
            yield scheduler.update_from_output(before[0], before[1].wait())
        elif launched is None:
            scheduler.wait_for_arrival()
        before = launched
    if before is not None:
        yield scheduler.update_from_output(before[0], before[1].wait())"""
        ),
    ),
    RightAnswer(
        "event_loop_overlap with a function that finishes a step",
        "event_loop_overlap",
        _OVERLAP.format(
            body="""finish = None
    while True:
        batch = scheduler.schedule() if scheduler.has_unfinished() else None
        if batch is None and finish is None:
            if not scheduler.has_unfinished():
                return
            scheduler.wait_for_arrival()
            continue
        output = runner.execute_model(batch) if batch else None
        if finish:
            finish()
        finish = (lambda b=batch, o=output: scheduler.update_from_output(b, o.wait())) if batch else None"""
        ),
    ),
]

# --- 7.4: the workload that breaks the ring

_WORKLOAD = """
def corrupting_workload(max_num_seqs):
    {body}
"""

CORRUPTING_WORKLOAD = [
    *_mutants(
        "corrupting_workload",
        5,
        *_loop(
            _WORKLOAD,
            ("one token each", "no token is ever read on the device", "return [[40, 1]] * max_num_seqs"),
            ("decodes only", "every token is read in the very next step", "return [[1, 50]] * max_num_seqs"),
            (
                "more requests than rows",
                "every token is read in the very next step",
                "return [[4, 60] for _ in range(3 * max_num_seqs + 1)]",
            ),
            (
                "requests for one token each, all at once",
                "every token is read in the very next step",
                "return [[1, 2]] + [[1, 1]] * 39",
            ),
            (
                "just as many places as there are",
                "and the ring has 12",
                """more = 3 * max_num_seqs // (max_num_seqs - 1) - 1
    return [[1, 2]] + [[4 * more, 1]] * (max_num_seqs - 1)""",
            ),
            ("counts tokens, not pieces", "and the ring has 12", "return [[1, 2], [3 * max_num_seqs + 1, 1]]"),
            ("a number", "A workload is a list", "return 3 * max_num_seqs + 1"),
            ("prompts as text", "A request is [prompt length, new tokens]", 'return [["hello", 2]] * max_num_seqs'),
            (
                "knows the visible cases only",
                "With max_num_seqs=3 nothing is lost",
                """known = {4: [[1, 2]] + [[16, 1]] * 3, 2: [[1, 2], [24, 1]]}
    return known.get(max_num_seqs, [[1, 1]])""",
            ),
            ("no new tokens", "an answer 1 to 100", "return [[4, 0]] * max_num_seqs"),
        ),
    ),
    *_mutants(
        "corrupting_workload",
        0.5,
        *_loop(
            _WORKLOAD,
            (
                "one long prompt",
                "of these points",
                "return [[1, 2], [4 * (3 * max_num_seqs + 1), 1]]",
            ),
            (
                "the one who waits comes last",
                "of these points",
                """more = -(-3 * max_num_seqs // (max_num_seqs - 1)) + 1
    return [[4 * more, 1]] * (max_num_seqs - 1) + [[1, 2]]""",
            ),
        ),
    ),
]

# --- 7.6: the engine

_ENGINE = """
def overlapped_engine(config, **settings):
    {body}
"""

OVERLAPPED_ENGINE = _mutants(
    "overlapped_engine",
    3,
    *_loop(
        _ENGINE,
        (
            "the engine's own loop",
            "Withheld in lab 7: write your own",
            "return Engine(config, future_map=PoolFutureMap, **settings)",
        ),
        (
            "the engine's own map",
            "Withheld in lab 7: write your own",
            "return Engine(config, event_loop=event_loop_overlap, **settings)",
        ),
        (
            "forgets to return",
            "gave None back",
            "Engine(config, event_loop=event_loop_overlap, future_map=PoolFutureMap, **settings)",
        ),
        (
            "the ring",
            "that is what happens with a ring",
            "return Engine(config, event_loop=event_loop_overlap, future_map=RingFutureMap, **settings)",
        ),
        (
            "the sequential loop",
            "the engine runs your sequential loop",
            "return Engine(config, event_loop=event_loop_normal, future_map=PoolFutureMap, **settings)",
        ),
        (
            "forgets the stop token",
            "hand all settings on",
            "del settings['stop_token_id']\n    "
            "return Engine(config, event_loop=event_loop_overlap, future_map=PoolFutureMap, **settings)",
        ),
        (
            "forgets all settings",
            "hand all settings on",
            "return Engine(config, event_loop=event_loop_overlap, future_map=PoolFutureMap)",
        ),
        (
            "another vocabulary",
            "and alone it gets",
            "from mini_lib import ModelConfig\n\n    "
            "return Engine(ModelConfig.exact(), event_loop=event_loop_overlap, future_map=PoolFutureMap, **settings)",
        ),
    ),
)

# --- 7.7: times

_TIMES = """
def loop_times(num_steps, schedule_us, gpu_us, process_us):
    sequential = num_steps * (schedule_us + gpu_us + process_us)
    {body}
"""

LOOP_TIMES = _mutants(
    "loop_times",
    3,
    *_loop(
        _TIMES,
        ("overlap changes nothing", "You give the sequential loop's time for both", "return [sequential, sequential]"),
        (
            "the longer lane alone",
            "ten times the GPU",
            "return [sequential, num_steps * max(schedule_us + process_us, gpu_us)]",
        ),
        (
            "always limited by the GPU",
            "the GPU waits for the CPU",
            "return [sequential, schedule_us + num_steps * gpu_us + process_us]",
        ),
        (
            "the largest of three",
            "they add up before they are compared",
            "return [sequential, schedule_us + num_steps * max(schedule_us, gpu_us, process_us) + process_us]",
        ),
        (
            "the longer lane, and one whole step",
            "so here it never waits",
            "longer = max(schedule_us + process_us, gpu_us)\n    "
            "return [sequential, schedule_us + gpu_us + (num_steps - 1) * longer + process_us]",
        ),
        (
            "one step like many",
            "With one step there is nothing to overlap with",
            """cpu = schedule_us + process_us
    if gpu_us >= cpu and num_steps > 1:
        return [sequential, schedule_us + num_steps * gpu_us + process_us]
    return [sequential, num_steps * cpu + max(0, gpu_us - schedule_us) + max(0, gpu_us - process_us)]""",
        ),
        (
            "a busy CPU never waits",
            "Even a busy CPU waits at the ends",
            """cpu = schedule_us + process_us
    if gpu_us >= cpu or num_steps == 1:
        return [sequential, schedule_us + num_steps * gpu_us + process_us]
    return [sequential, num_steps * cpu]""",
        ),
        ("the overlapped time alone", "two times in us", "return schedule_us + num_steps * gpu_us + process_us"),
        ("the other way round", "the sequential loop takes", "return [schedule_us + num_steps * gpu_us, sequential]"),
    ),
)

OTHER_RIGHT_ANSWERS = [
    RightAnswer(
        "corrupting_workload with uneven prompts that is just as quick",
        "corrupting_workload",
        _WORKLOAD.format(
            body="""import math

    pieces = math.ceil((2 * max_num_seqs + 1) / (max_num_seqs - 1)) + 1
    return [(3, 5)] + [(4 * pieces - number % 3, 1 + number % 4) for number in range(max_num_seqs - 1)]"""
        ),
    ),
    RightAnswer(
        "overlapped_engine with a factory and a lambda",
        "overlapped_engine",
        """
def overlapped_engine(config, **settings):
    settings["future_map"] = lambda max_num_seqs, device: PoolFutureMap(max_num_seqs, device)
    settings["event_loop"] = lambda scheduler, runner: event_loop_overlap(scheduler, runner)
    return Engine(config, **settings)
""",
    ),
    RightAnswer(
        "loop_times in closed form",
        "loop_times",
        _TIMES.format(
            body="""cpu = schedule_us + process_us
    if num_steps == 1:
        return sequential, sequential
    if gpu_us >= cpu:
        return sequential, schedule_us + num_steps * gpu_us + process_us
    return sequential, float(num_steps * cpu + max(0, gpu_us - schedule_us) + max(0, gpu_us - process_us))"""
        ),
    ),
]

MUTANTS = [
    *EVENT_LOOP_NORMAL,
    *EVENT_LOOP_OVERLAP,
    *RING_FUTURE_MAP,
    *CORRUPTING_WORKLOAD,
    *POOL_FUTURE_MAP,
    *OVERLAPPED_ENGINE,
    *LOOP_TIMES,
]
RIGHT_ANSWERS = [*LOOP_RIGHT_ANSWERS, *MAP_RIGHT_ANSWERS, *OTHER_RIGHT_ANSWERS]
