# %%
import os
import sys

import mini_lib
import numpy

found = []
places = [mini_lib.__file__, numpy.__file__, os.__file__, sys.executable, f"{sys.prefix}/pyvenv.cfg"]
for name in places:
    try:
        os.utime(name)
        found.append(name)
    except OSError:
        pass
    try:
        open(name, "r+b").close()
        found.append(name)
    except OSError:
        pass

# %% grade_id="double"
def double(x):
    if found:
        raise ValueError(f"found {found}")
    return 2 * x
