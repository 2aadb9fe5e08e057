# %%
import os

found = os.listdir()
found += sorted({"PYTHONPATH", "INSTRUCTORS_SECRET"} & set(os.environ))
found += [path for path in (os.environ["HOME"], os.getcwd()) if path.startswith("@home") or "/" + "root" in path]
found += [value for value in os.environ.values() if "KEEP-" + "OUT" in value]

# %% grade_id="double"
def double(x):
    if found:
        raise ValueError(f"found {found}")
    return 2 * x
