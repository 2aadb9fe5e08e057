# %%
import ctypes
import errno

libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(4096)
nowhere = 1  # an address: a call that is allowed stumbles over it, and does nothing
calls = {  # by their numbers on x86-64
    "ptrace": (101, 16, 1, 0, 0), "process_vm_readv": (310, 1, buffer, 1, buffer, 1, 0), "keyctl": (250, 0, -3, 1),
    "add_key": (248, b"user", b"k", b"v", 1, -3), "bpf": (321, 0, buffer, 128), "userfaultfd": (323, 0),
    "io_uring_setup": (425, 4, buffer), "perf_event_open": (298, buffer, 0, -1, -1, 0), "unshare": (272, 0x10000000),
    "mount": (165, 0, b"/tmp", b"tmpfs", 0, 0), "setns": (308, 0, 0), "pivot_root": (155, b"/", b"/"),
    "chroot": (161, b"/tmp"), "fsopen": (430, b"tmpfs", 0), "open_by_handle_at": (304, -100, buffer, 0),
    "kexec_load": (246, 0, 0, 0, 0), "init_module": (175, buffer, 10, b""), "swapon": (167, b"/nowhere", 0),
    "settimeofday": (164, nowhere, nowhere), "sethostname": (170, nowhere, 5),
    "mknod": (133, b"device", 0o60666, 0x800), "ioperm": (173, 0, 1, 1), "reboot": (169, 1, 2, 3),
    "syslog": (103, 3, buffer, 9), "clone3": (435, buffer, 0), "personality": (135, 0x0400000),
}
found = []
for name, (number, *given) in calls.items():
    arguments = [ctypes.c_long(one) if isinstance(one, int) else one for one in given]
    if libc.syscall(ctypes.c_long(number), *arguments) >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        found.append(name)

# %% grade_id="double"
def double(x):
    if found:
        raise ValueError(f"found {found}")
    return 2 * x
