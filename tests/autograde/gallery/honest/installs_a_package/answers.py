# %%
%pip install --quiet --disable-pip-version-check tqdm==0.0.1

# %% grade_id="double"
def double(x):
    return 2 * x
