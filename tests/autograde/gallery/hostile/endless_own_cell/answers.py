# %%
while True:
    pass

# %% grade_id="double"
