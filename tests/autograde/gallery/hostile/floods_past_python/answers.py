# %% grade_id="double"
def double(x):
    import os
    import subprocess

    subprocess.run(["/bin/sh", "-c", "head -c 50000000 /dev/zero; head -c 50000000 /dev/zero >&2"])
    for descriptor in (1, 2):
        try:
            for _ in range(50):
                os.write(descriptor, b"y" * 1_000_000)
        except OSError:
            pass
    return 2 * x
