# %% grade_id="double"
def double(x):
    raise KeyboardInterrupt
