# %% grade_id="double"
def double(x):
    return x * x
