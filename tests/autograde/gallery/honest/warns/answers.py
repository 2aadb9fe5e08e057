# %% grade_id="double"
import warnings


def double(x):
    warnings.warn('hm')
    return 2 * x
