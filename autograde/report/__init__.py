"""What an instructor reads and hands on: the class as a table, a page with pictures, and files for other programs."""

from autograde.report.cells import inert
from autograde.report.exports import as_json, grades_csv
from autograde.report.stored import by_lab_and_student, load
from autograde.report.table import table

__all__ = ["as_json", "by_lab_and_student", "grades_csv", "inert", "load", "table"]
