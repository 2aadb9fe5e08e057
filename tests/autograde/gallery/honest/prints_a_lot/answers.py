# %% grade_id="double"
def double(x):
    print('y' * 3_000_000)
    return 2 * x
