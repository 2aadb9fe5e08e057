# %%
kept = []

# %% grade_id="event_loop_normal"
def event_loop_normal(scheduler, runner):
    import threading

    def run():
        for _ in range(50):
            try:
                scheduler.schedule()
                scheduler.has_unfinished()
                runner.execute_model(1)
            except BaseException:
                pass

    kept.append(scheduler)
    threads = [threading.Thread(target=run, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for one in kept:
        try:
            one.schedule()
        except BaseException:
            pass


# %% grade_id="event_loop_overlap"
def event_loop_overlap(scheduler, runner):
    import threading

    def run():
        for _ in range(50):
            try:
                scheduler.schedule()
                scheduler.has_unfinished()
                runner.execute_model(1)
            except BaseException:
                pass

    kept.append(scheduler)
    threads = [threading.Thread(target=run, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for one in kept:
        try:
            one.schedule()
        except BaseException:
            pass
