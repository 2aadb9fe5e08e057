# %%
import os
import signal

found = []
for process in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
    if process == os.getpid():
        continue
    try:
        os.kill(process, 0)
        comm = open(f"/proc/{process}/comm").read().strip()
        if process != 1 and process != os.getppid():
            found.append(f"{process} {comm}")
    except OSError:
        pass
try:
    os.sched_setaffinity(os.getppid(), {0})
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    found.append("priority")
except OSError:
    pass

# %% grade_id="double"
def double(x):
    if found:
        raise ValueError(f"found {found}")
    return 2 * x
