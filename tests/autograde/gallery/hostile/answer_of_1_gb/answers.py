# %% grade_id="double"
def double(x):
    return 'x' * 1_000_000_000
