# %%
def times(x, y):
    return x * y

# %% grade_id="double"
def double(x):
    return times(x, 2)

# %%
def times(x, y):
    return y * x

# %% grade_id="roots"
def roots(numbers):
    return [x ** times(1, 0.5) if x >= 0 else None for x in numbers]
