# %% grade_id="double"
import numpy as np


def double(x):
    return np.int64(x) * 2
