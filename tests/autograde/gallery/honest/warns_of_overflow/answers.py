# %% grade_id="double"
import numpy as np


def double(x):
    np.float32(3e38) * np.float32(10)
    return 2 * x
