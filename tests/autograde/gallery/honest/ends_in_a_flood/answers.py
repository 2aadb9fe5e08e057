# %% grade_id="double"
def double(x):
    for _ in range(40):
        print('n' * 9_000)
    return 0
