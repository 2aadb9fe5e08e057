# %%
import fcntl
import os
import termios

found = []
for name in ("/dev/tty", "/dev/console", "/dev/tty1", "/dev/pts/0"):
    try:
        fcntl.ioctl(os.open(name, os.O_RDWR | os.O_NOCTTY), termios.TIOCSTI, b"i")
        found.append(name)
    except OSError:
        pass
for descriptor in range(256):
    try:
        target = os.readlink(f"/proc/self/fd/{descriptor}")
        fcntl.ioctl(descriptor, termios.TIOCSTI, b"i")
        found.append(target)
    except OSError:
        pass
for descriptor in range(256):
    try:
        target = os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        continue
    if target.startswith("/") and not target.startswith(("/dev/null", "/proc/self", f"/proc/{os.getpid()}", "/tmp", "/dev/urandom")):
        found.append(target)

# %% grade_id="double"
def double(x):
    if found:
        raise ValueError(f"found {found}")
    return 2 * x
