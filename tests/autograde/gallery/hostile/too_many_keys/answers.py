# %% grade_id="double"
class Key(str):
    __hash__ = lambda self: 1
    __eq__ = lambda self, other: False


def double(x):
    return {Key(n): n for n in range(1_000)} | {n: n for n in range(300_000)}
