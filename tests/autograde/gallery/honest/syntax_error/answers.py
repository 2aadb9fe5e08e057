# %% grade_id="double"
def double(x)
    return 2 * x
