# %% grade_id="double"
from functools import lru_cache


@lru_cache
def double(x):
    return 2 * x
