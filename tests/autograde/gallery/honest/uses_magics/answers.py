# %%
%timeit -n 1 -r 1 sum(range(10))

# %%
%%time
total = sum(range(10))

# %%
%%writefile notes.txt
two times two

# %% grade_id="double"
def double(x):
    return 2 * x
