# %%
import os
import tempfile

found = []
for place in {os.environ["HOME"], tempfile.gettempdir(), os.getcwd(), "/tmp", "/dev/shm", "/var/tmp"}:
    for folder, _, names in os.walk(place):
        found += [f"{folder}/{name}" for name in names if name.startswith(("filler-", "small-", "left_by_"))]

# %% grade_id="double"
def double(x):
    if found:
        raise ValueError(f"found {found}")
    return 2 * x
