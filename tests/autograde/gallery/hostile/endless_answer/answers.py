# %% grade_id="double"
class Endless(dict):
    __len__ = lambda self: -1
    __bool__ = lambda self: 1 / 0
    __iter__ = lambda self: iter(int, 1)
    items = keys = values = __iter__


def double(x):
    return Endless(a=1) if x == 3 else iter(int, 1)
