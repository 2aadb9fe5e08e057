# %% grade_id="double"
def double(x):
    raise type("", (Exception,), {"__module__": "builtins", "__qualname__": "\x1b[31m<script>"})("=1+1")
