# %% grade_id="double"
def double(x):
    answer = []
    for _ in range(100_000):
        answer = [answer]
    return answer
