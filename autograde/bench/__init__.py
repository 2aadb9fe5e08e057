"""How fast is this grader, beside `nbgrader autograde` on the same class? `python -m autograde bench`."""
