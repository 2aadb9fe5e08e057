# %%
import os
import time

for _ in range(8):
    if os.fork() == 0:
        kept = bytearray(b"m") * 180_000_000
        time.sleep(1_000)

# %%
time.sleep(1.5)

# %%
time.sleep(1.5)

# %% grade_id="roots"
def roots(numbers):
    time.sleep(1.5)
    return []
