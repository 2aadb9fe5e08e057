# %% grade_id="double"
def double(x):
    import os
    import sys

    return [sys.modules, os, type, get_ipython(), sys._getframe(), double, lambda: 1, double.__globals__]
