# %% grade_id="double"
def double(x):
    return [1 << 20_000_000, 1e999, -1e999, 1e999 - 1e999, complex(1e999, 1)]
