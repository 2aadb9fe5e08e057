# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     name: python3
# ---

# %% [markdown]
# # A toy lab
#
# Small enough to grade in a second: no torch, no numpy.

# %% grade_id="setup" locked=true
# ruff: noqa: F821  (the builder brings what hidden tests name)
import math


class NotAttempted(Exception):
    """The exercise is still the stub."""


class WrongAnswer(Exception):
    """The sentence says what is wrong."""


# %% [markdown]
# ### Double a number


# %% grade_id="double"
def double(x):
    """Return x twice over."""
    ### BEGIN SOLUTION
    return x + x  # the answer of the toy
    ### END SOLUTION


# %% grade_id="test_double" points=2
assert callable(double)
### BEGIN HIDDEN TESTS
#| include expected_double, ask from reference.py
#| seed
for number in (3, 5, SEED):
    answer = ask(double, number)
    if answer != expected_double(number):
        raise WrongAnswer(f"For {number} the answer is {expected_double(number)}, yours is {answer}.")
### END HIDDEN TESTS

# %% [markdown]
# ### Square roots, as far as they go


# %% grade_id="roots"
def roots(numbers):
    """Return the square root of each number, None for a negative one."""
    ### BEGIN SOLUTION
    return [math.sqrt(x) if x >= 0 else None for x in numbers]
    ### END SOLUTION


# %% grade_id="test_roots" points=4
assert callable(roots)
### BEGIN HIDDEN TESTS
#| include ask from reference.py
right_ones = [ask(roots, [16]) == [4.0], ask(roots, [16, -1]) == [4.0, None]]
print(f"{sum(right_ones)} of 2 lists are right.")
2.0 * sum(right_ones)
### END HIDDEN TESTS

# %% [markdown]
# ### Say why

# %% [markdown] grade_id="why" points=3
# ### BEGIN SOLUTION
# Because a negative number has no real root, says the toy.
# ### END SOLUTION

# %%
print("a plain cell that nobody grades")
