# %% grade_id="event_loop_normal"
def event_loop_normal(scheduler, runner):
    while True:
        try:
            scheduler.has_unfinished()
        except Exception:
            pass
