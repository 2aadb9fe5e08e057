# %%
try:
    exec(open("@course/solutions/toy/toy.py").read())
except OSError:
    pass

# %% grade_id="double"
