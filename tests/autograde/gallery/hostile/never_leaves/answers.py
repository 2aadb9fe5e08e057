# %%
import atexit
import threading


class Stays:
    def __del__(self):
        while True:
            pass


stays = Stays()
atexit.register(stays.__del__)
threading.Thread(target=stays.__del__).start()

# %% grade_id="double"
def double(x):
    return 2 * x
