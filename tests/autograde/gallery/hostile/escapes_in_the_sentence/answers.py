# %% grade_id="double"
def double(x):
    raise ValueError("\x1b[2J\x1b[1;1H\x1b]8;;http://example.org\x07all right\x1b]8;;\x07\r\x08\x9b31m\u202egnorw")
