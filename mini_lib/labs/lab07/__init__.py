"""Lab 7, Overlap and FutureMap: what it says to a student who is working on it.

    7.1 sequential loop, 7.2 overlap loop   -> loops.py, run by loop_run.py: handles.py outside, desk.py inside
    7.3 ring, 7.5 map by rows               -> ring.py, pool.py, driven by map_script.py
    7.4 the workload that breaks the ring   -> ring_workload.py, run by ring_run.py
    7.6 both pieces in the engine           -> engine_run.py
    7.7 when does it help                   -> times.py
    the student's pieces at work            -> showing.py
    the device that all of them run on      -> virtual_device.py

Scheduler, device, clock and log stay on the tester's side: a student's code gets names to call and plain numbers.
Here are the visible cases, the wrong ideas that are known by name, and the hints. No function here answers an exercise.
"""

from mini_lib.labs.lab07.desk import COSTS
from mini_lib.labs.lab07.engine_run import OVERLAPPED_ENGINE
from mini_lib.labs.lab07.loops import EVENT_LOOP_NORMAL, EVENT_LOOP_OVERLAP
from mini_lib.labs.lab07.pictures import show_steps
from mini_lib.labs.lab07.pool import POOL_FUTURE_MAP
from mini_lib.labs.lab07.ring import RING_FUTURE_MAP
from mini_lib.labs.lab07.ring_workload import CORRUPTING_SOON, CORRUPTING_WORKLOAD
from mini_lib.labs.lab07.showing import loop_us, show_engine, show_gains, show_loops, show_loss
from mini_lib.labs.lab07.times import LOOP_TIMES

__all__ = [
    "CORRUPTING_SOON", "CORRUPTING_WORKLOAD", "COSTS", "EVENT_LOOP_NORMAL", "EVENT_LOOP_OVERLAP", "LOOP_TIMES",
    "OVERLAPPED_ENGINE", "POOL_FUTURE_MAP", "RING_FUTURE_MAP", "loop_us", "show_engine", "show_gains", "show_loops",
    "show_loss", "show_steps",
]  # fmt: skip
