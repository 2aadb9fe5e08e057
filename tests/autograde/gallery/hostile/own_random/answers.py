# %% grade_id="double"
import random


def double(x):
    return 2 * x
