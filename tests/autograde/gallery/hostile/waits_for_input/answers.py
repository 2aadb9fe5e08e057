# %% grade_id="double"
def double(x):
    import os
    import sys

    for read in (sys.stdin.read, sys.__stdin__.read, lambda: os.read(0, 1), lambda: open("/dev/tty").read()):
        try:
            read()
        except Exception:
            pass
    return 2 * x
