# %% grade_id="double"
import mini_lib


def double(x):
    return 2 * x
