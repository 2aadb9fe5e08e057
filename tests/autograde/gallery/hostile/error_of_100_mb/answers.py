# %% grade_id="double"
def double(x):
    error = ValueError("e" * 100_000_000)
    error.add_note("n" * 10_000_000)
    for _ in range(1_000):
        try:
            raise KeyError("c" * 1_000) from error
        except KeyError as caught:
            error = caught
    raise error
