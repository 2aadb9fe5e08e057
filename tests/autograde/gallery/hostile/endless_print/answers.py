# %% grade_id="double"
def double(x):
    while True:
        print('all work and no play ' * 50)
