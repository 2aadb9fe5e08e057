# %%
import os
import sys

for name in ("@course/autograde/submitted/perfect/toy/toy.ipynb", "@course/solutions/toy/toy.py",
             "@course/autograde/secret_seed", "@home/.bashrc"):
    try:
        open(name, "w").close()
        os.unlink(name)
    except OSError:
        pass
folders = ["/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/etc", "/usr/local/bin", "@course", "@home", "@repository",
           "@repository/mini_lib", sys.prefix, f"{sys.prefix}/bin", *filter(None, sys.path)]
for folder in folders:
    for name in ("left_by_a_student.pth", "left_by_a_student.py", "sitecustomize.py"):
        try:
            with open(f"{folder}/{name}", "a") as file:
                file.write("import left_by_a_student\n")
        except OSError:
            pass

# %% grade_id="double"
