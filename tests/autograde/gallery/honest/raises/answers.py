# %% grade_id="double"
def double(x):
    return x / 0
