# %%
import matplotlib.pyplot as plt

plt.plot([1, 2, 3])
plt.show()

# %%
from IPython.display import HTML, Markdown, clear_output, display

display(HTML("<b>bold</b>"), Markdown("*text*"), {"a": 1})
clear_output(wait=True)

# %% grade_id="double"
def double(x):
    return 2 * x
