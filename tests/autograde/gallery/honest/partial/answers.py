# %% grade_id="roots"
def roots(numbers):
    return [abs(x) ** 0.5 for x in numbers]
