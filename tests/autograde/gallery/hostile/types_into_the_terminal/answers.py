# %%
import fcntl
import os
import stat
import termios

found = []
for name in ("/dev/tty", "/dev/console", "/dev/tty1", "/dev/pts/0", "/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda"):
    try:
        os.close(os.open(name, os.O_RDWR | os.O_NOCTTY))
        found.append(name)
    except OSError:
        pass
for descriptor in range(1_024):
    try:
        status = os.fstat(descriptor)
    except OSError:
        continue
    if stat.S_ISDIR(status.st_mode) or stat.S_ISBLK(status.st_mode) or stat.S_ISREG(status.st_mode):
        found.append(f"descriptor {descriptor} is open: {status}")
    try:
        fcntl.ioctl(descriptor, termios.TIOCSTI, b"i")
        found.append(f"descriptor {descriptor} is a terminal")
    except OSError:
        pass

# %% grade_id="double"
def double(x):
    if found:
        raise ValueError(f"found {found}")
    return 2 * x
