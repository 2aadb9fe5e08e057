# %% grade_id="double"
def double(x):
    return int(input())
