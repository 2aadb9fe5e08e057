# %% grade_id="double"
def double(x):
    return "=cmd|' /C calc'!A0<script>alert(4)</script>\x1b[2J\x1b]0;owned\x07\u202e\x00"
