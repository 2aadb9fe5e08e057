# %% grade_id="double"
def double(x):
    print("half \ud800")
    if x == 3:
        return {"\ud800": "\udfff"}
    raise ValueError("\ud800")
