# %%
import os
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 256)
        os.execve("/bin/sleep", ["sleep", "98765.4321"], {})
    os._exit(0)
time.sleep(0.1)

# %% grade_id="double"
def double(x):
    return 2 * x
