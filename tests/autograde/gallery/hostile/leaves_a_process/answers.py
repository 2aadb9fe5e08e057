# %%
import subprocess

subprocess.Popen(["sleep", "98765.4321"], start_new_session=True)

# %% grade_id="double"
def double(x):
    return 2 * x
