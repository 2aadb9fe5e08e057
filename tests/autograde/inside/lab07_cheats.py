"""What somebody might hand in to lab 7 who wants points for nothing: an answer to one exercise, and what it is told."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import NamedTuple


class Cheat(NamedTuple):
    """`code` is the answer to `exercise`, or stands in front of a stub; `told` is part of what its author reads."""

    exercise: str
    code: str
    told: str = ""


def _normal(body: str) -> str:
    return "def event_loop_normal(scheduler, runner):\n" + indent(dedent(body).strip(), "    ")


def _overlap(body: str) -> str:
    return "def event_loop_overlap(scheduler, runner):\n" + indent(dedent(body).strip(), "    ")


_STASH = "self.tokens[-ids] = tokens"
_RESOLVE = "return torch.where(input_ids < 0, self.tokens[(-input_ids).clamp(min=0)], input_ids)"


def _pool(stash: str = _STASH, resolve: str = _RESOLVE, above: str = "") -> str:
    methods = {
        "__init__(self, max_num_seqs, device)": "self.kept = {}\n"
        "self.tokens = torch.full((max_num_seqs + 1,), -1, dtype=torch.int64, device=device)",
        "reserve(self, req_pool_indices)": "return -req_pool_indices",
        "stash(self, ids, tokens)": stash,
        "resolve(self, input_ids)": resolve,
    }
    bodies = [f"    def {head}:\n{indent(dedent(body).strip(), ' ' * 8)}" for head, body in methods.items()]
    return dedent(above).strip() + "\n\nclass PoolFutureMap:\n" + "\n\n".join(bodies)


_READS = "Your map makes the CPU wait for a value"
_LOOKS_AROUND = """
import gc, sys
found, frame = [], sys._getframe()
while frame is not None:
    found += [name for name in (*frame.f_locals, *frame.f_globals) if name.startswith("oracle_")]
    found += [name for name, value in frame.f_locals.items() if type(value).__name__ in ("Desk", "Case", "Outcome")]
    frame = frame.f_back
gc.collect()
found += [type(one).__name__ for one in gc.get_objects() if type(one).__name__ in ("Desk", "VirtualDevice", "Outcome")]
texts = [text for one in gc.get_objects() if type(one) is dict for text in one.values() if type(text) is str]
found += [text[:40] for text in texts if "def " + "oracle_" in text]
raise LookupError(f"found {found}")
"""

CHEATS = {
    "asks the desk itself": Cheat(
        "event_loop_normal",
        _normal("""
            desk = scheduler._ask.__self__
            desk.launched = desk.processed = 3
            for request in desk.scheduler.requests.values():
                request.status = 'FINISHED_LENGTH'
        """),
        "AttributeError",
    ),
    "looks into closures": Cheat(
        "event_loop_normal",
        _normal("""
            cells = [cell.cell_contents for cell in type(scheduler).schedule.__closure__]
            raise LookupError(f'found {[one for one in cells if not isinstance(one, str)]}')
        """),
        "found []",
    ),
    "looks into frames and memory": Cheat("event_loop_normal", _normal(_LOOKS_AROUND), "found []"),
    "calls what has an underscore": Cheat(
        "event_loop_normal",
        _normal("scheduler._ask(scheduler.__far__, '_ask', ('has_unfinished',), {})"),
        "_ask is no public method",
    ),
    "never launches": Cheat("event_loop_normal", _normal("return"), "unfinished"),
    "raises the tester's own fault, and names none": Cheat(
        "event_loop_overlap",
        _overlap("""
            from mini_lib.labs.lab07.findings import Fault
            raise Fault('', '')
        """),
    ),
    "says that all is fine": Cheat(
        "event_loop_overlap",
        _overlap("""
            from mini_lib.labs.lab07.findings import FINE
            return FINE
        """),
        "unfinished",
    ),
    "loads the withholding anew": Cheat(
        "event_loop_overlap",
        _overlap("""
            import importlib, mini_lib.withheld, mini_lib.scheduling.event_loops as loops
            importlib.reload(mini_lib.withheld)
            return importlib.reload(loops).event_loop_overlap(scheduler, runner)
        """),
        "Withheld in lab 7",
    ),
    "patches the tests": Cheat(
        "loop_times",
        dedent("""
            import mini_lib.labs.lab07.findings as findings
            import mini_lib.learn as learn, mini_lib.learn.judging as judging, mini_lib.learn.verdicts as verdicts
            for module in (learn, judging, verdicts):
                module.judge = module.require = module.check = lambda *a, **k: verdicts.Verdict("right", "")
            verdicts.NotAttempted.__init__ = verdicts.WrongAnswer.__init__ = lambda *a: None
            findings.fine = lambda *a: True
            findings.Fault.__init__ = lambda self, *a: setattr(self, "finding", findings.FINE)
            def loop_times(*args):
                return [0, 0]
        """),
    ),
    "takes the modes off and reads": Cheat(
        "pool_future_map",
        _pool("""
            import torch.utils._python_dispatch as dispatch
            with torch._C.DisableTorchFunction(), dispatch._disable_current_modes():
                rows = [-int(one) for one in ids]
            self.tokens[torch.tensor(rows, dtype=torch.int64)] = tokens
        """),
        _READS,
    ),
    "stops the noticing": Cheat(
        "pool_future_map",
        _pool(
            "self.tokens[-torch.tensor(ids.tolist(), dtype=torch.int64)] = tokens",
            above="""
                import contextlib, mini_lib.labs.lab07.device_reads as reads, mini_lib.labs.lab07.map_script as script
                reads.noticing_reads = script.noticing_reads = lambda: contextlib.nullcontext([])
            """,
        ),
        _READS,
    ),
    "keeps numbers in a dict": Cheat(
        "pool_future_map",
        _pool(
            "self.kept.update(zip(ids.tolist(), tokens.tolist()))",
            """
            ids = input_ids.tolist()
            return torch.tensor([self.kept[one] if one < 0 else one for one in ids], dtype=torch.int64)
            """,
        ),
        _READS,
    ),
    "reads what it prints": Cheat(
        "pool_future_map",
        _pool("""
            import re
            rows = [int(one) for one in re.findall('[0-9]+', str(ids).split('dtype')[0])]
            self.tokens[torch.tensor(rows, dtype=torch.int64)] = tokens
        """),
        _READS,
    ),
    "reads by errors": Cheat(
        "pool_future_map",
        _pool("""
            for place in range(len(ids)):
                for row in range(len(self.tokens)):
                    try:
                        self.tokens[-ids[place : place + 1] - row + len(self.tokens) - 1]
                    except IndexError:
                        continue
                    self.tokens[row] = tokens[place]
                    break
        """),
        _READS,
    ),
    "forges an engine": Cheat(
        "overlapped_engine",
        dedent("""
            class Forged:
                __class__ = Engine
                def __enter__(self): return self
                def __exit__(self, *ignored): return None
            def overlapped_engine(config, **settings): return Forged()
        """),
        "wants a mini_lib.Engine",
    ),
    "makes an engine of its own": Cheat(
        "overlapped_engine",
        "def overlapped_engine(config, **settings): return object.__new__(Engine)",
        "wants a mini_lib.Engine",
    ),
    "opens the library for its engine": Cheat(
        "overlapped_engine",
        dedent("""
            import importlib, os, mini_lib.withheld
            os.environ.pop("LAUNCH_BOUND_LAB")
            importlib.reload(mini_lib.withheld)
            def overlapped_engine(config, **settings): return Engine(config, **settings)
        """),
        "Withheld in lab 7",
    ),
}
