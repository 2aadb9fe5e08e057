# %%
kept = []

# %% grade_id="event_loop_normal"
def event_loop_normal(scheduler, runner):
    kept.append((scheduler, runner))
    for before, its_runner in kept[:3]:
        for _ in range(5):
            try:
                before.schedule()
                its_runner.execute_model(1).wait()
                before.update_from_output(1, [1])
                before.wait_for_arrival()
            except BaseException:
                pass


# %% grade_id="event_loop_overlap"
def event_loop_overlap(scheduler, runner):
    for before, its_runner in list(kept[:3]):
        event_loop_normal(before, its_runner)
