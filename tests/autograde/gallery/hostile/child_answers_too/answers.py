# %% grade_id="double"
def double(x):
    import os

    os.fork()
    return 2 * x + (os.getpid() % 2)
