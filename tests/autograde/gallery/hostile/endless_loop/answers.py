# %% grade_id="double"
def double(x):
    while True:
        pass
