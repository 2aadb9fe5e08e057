"""Lab 1, Launch model: what it says to a student who is working on it.

    1.1 a step to read                      -> pictures.py
    1.2 the launch queue                    -> queue_played.py
    1.3 the closed form                     -> closed_form.py
    1.4 the crossover batch                 -> crossover.py
    1.5 the fit                             -> fitting.py, of the traces in traces.py
    1.6 an unseen sweep                     -> sweep.py
    1.7 three servers                       -> enforcing.py, of the servers in servers.py; ideas in enforcing_ideas.py
    a recorded GPU run, where there is one  -> recorded.py

Here are the visible cases, the wrong ideas that are known by name, and the hints. No function here answers an exercise:
what a check compares with is written out as numbers, which `solutions/` computed.
"""

from mini_lib.labs.lab01.closed_form import STEP_TIME
from mini_lib.labs.lab01.crossover import COSTS, CROSSOVER, KERNELS
from mini_lib.labs.lab01.enforcing import ENFORCE_EAGER
from mini_lib.labs.lab01.fitting import FIT, TRACE
from mini_lib.labs.lab01.pictures import show_step
from mini_lib.labs.lab01.queue_played import LAUNCH_QUEUE
from mini_lib.labs.lab01.recorded import show_recorded
from mini_lib.labs.lab01.servers import SERVERS
from mini_lib.labs.lab01.showing import list_servers, show_queue, show_servers, show_sweep, show_trace
from mini_lib.labs.lab01.sweep import PREDICT_SWEEP

__all__ = [
    "COSTS", "CROSSOVER", "ENFORCE_EAGER", "FIT", "KERNELS", "LAUNCH_QUEUE", "PREDICT_SWEEP", "SERVERS", "STEP_TIME",
    "TRACE", "list_servers", "show_queue", "show_recorded", "show_servers", "show_step", "show_sweep", "show_trace",
]  # fmt: skip
