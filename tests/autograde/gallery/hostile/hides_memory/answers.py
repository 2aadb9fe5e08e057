# %% grade_id="double"
def double(x):
    import ctypes
    import os

    libc, size = ctypes.CDLL(None), 64 * 2**20
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
    libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    for flags, descriptor in ((0x21, -1), (0x1, os.open("/dev/zero", os.O_RDWR))):
        place = libc.mmap(None, size, 3, flags, descriptor, 0)
        if place != 2**64 - 1:
            libc.munmap(place + 4096, size - 4096)
            return x + x
    return 0
