# %%
from IPython.display import HTML, Javascript, display

display(HTML("<script>alert(1)</script>"), Javascript("alert(5)"))
display({"text/html": "<img src=x onerror=alert(6)>"}, raw=True)

# %% grade_id="double"
def double(x):
    raise ValueError("<script>alert(2)</script>")  # <script>alert(3)</script>
