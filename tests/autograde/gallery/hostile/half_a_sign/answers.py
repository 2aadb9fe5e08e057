# %% grade_id="double"
def double(x):
    if x == 3:
        return {"\ud800": "\udfff"}
    raise ValueError("\ud800")
