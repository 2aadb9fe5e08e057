# %%
import json
import sqlite3

try:
    book = sqlite3.connect("@course/autograde/out/class/gradebook.db")
    book.execute("UPDATE grade SET manual_score = 100, auto_score = 100")
    book.commit()
except Exception:
    pass
for student in ("perfect", "writes_its_own_score"):
    try:
        with open(f"@course/autograde/out/class/results/{student}/toy/results.json", "w") as file:
            json.dump({"score": 100}, file)
    except OSError:
        pass

# %% grade_id="double"
