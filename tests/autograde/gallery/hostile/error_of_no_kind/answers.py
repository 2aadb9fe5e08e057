# %% grade_id="double"
class Stop(BaseException):
    pass


def double(x):
    raise Stop("stop everything")
