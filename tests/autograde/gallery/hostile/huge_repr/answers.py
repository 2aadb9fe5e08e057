# %%
class Huge:
    __repr__ = lambda self: "r" * 50_000_000
    _repr_html_ = lambda self: "<script>" * 100_000


Huge()

# %%
class Nothing:
    __repr__ = lambda self: 7
    _repr_mimebundle_ = lambda self, **kwargs: {"text/plain": Huge(), 7: b"", "text/html": object()}


Nothing()

# %% grade_id="double"
def double(x):
    return 2 * x
