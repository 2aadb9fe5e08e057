# %%
# @mark
