# %% grade_id="roots"
def roots(numbers):
    import time

    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass
