# %% grade_id="double"
def double(x):
    return 0
