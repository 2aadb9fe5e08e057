# %% grade_id="double"
def double(x):
    import sys
    from IPython.display import clear_output, display, update_display

    for n in range(50):
        print("o" * 1_000_000)
        print("e" * 1_000_000, file=sys.stderr)
        display({"text/plain": "d" * 1_000_000}, raw=True, display_id="d")
        update_display({"text/plain": "u" * 1_000_000}, raw=True, display_id="d")
        clear_output()
    return 2 * x
