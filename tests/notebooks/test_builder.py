"""The builder writes one form: stable ids, plain metadata, nothing that varies."""

import nbformat
import pytest

from tests.notebooks.building import notebook_file, notebooks


def code(source, outputs=(), tags=()):
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs))
    cell.metadata = nbformat.from_dict({"tags": list(tags), "collapsed": True} if tags else {"collapsed": True})
    return cell


def said(text):
    return nbformat.v4.new_output("stream", name="stdout", text=text)


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "07_small.ipynb"
    cells = [nbformat.v4.new_markdown_cell("# 07"), code("old install cell"), code("print(3 + 4)")]
    path.write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))
    return path


def test_ids_come_from_name_and_first_line_and_are_unique():
    def ids(name):
        cells = [code("x = 3"), code("x = 3"), code("x = 3\ny = 4")]
        return [cell.id for cell in notebook_file.normalised(nbformat.v4.new_notebook(cells=cells), name).cells]

    assert ids("00_a") == ids("00_a")
    assert len(set(ids("00_a") + ids("00_b"))) == 6


def test_what_varies_is_dropped_and_the_rest_is_kept():
    cells = [code("a", [said("12 ms")], ["varies"]), code("b", [said("7")])]
    kept = notebook_file.normalised(nbformat.v4.new_notebook(cells=cells), "n").cells
    assert [len(cell.outputs) for cell in kept] == [0, 1]
    assert [cell.metadata for cell in kept] == [{"tags": ["varies"]}, {}]


def test_a_live_widget_is_not_kept():
    widget = nbformat.v4.new_output("display_data", data={notebook_file.WIDGET: {"model_id": "7"}, "text/plain": "w"})
    cells = notebook_file.normalised(nbformat.v4.new_notebook(cells=[code("w", [widget, said("7")])]), "n").cells
    assert [output.output_type for output in cells[0].outputs] == ["stream"]


def test_a_text_in_pieces_becomes_one_and_a_finished_progress_bar_leaves_nothing():
    bar = [said("\rCapturing:  33%|3  | 1/3"), said("\r        "), said("\r")]
    shown = nbformat.v4.new_output("display_data", data={"text/plain": "t"})
    outputs = [*bar, shown, said("a\n"), said("b\n"), said("\r 50%|"), said("\r     \rc\n")]
    (cell,) = notebook_file.normalised(nbformat.v4.new_notebook(cells=[code("w", outputs)]), "n").cells
    assert [output.get("text") for output in cell.outputs] == [None, "a\nb\nc\n"]


def test_a_new_badge_replaces_the_old_one(small):
    once = notebooks.refreshed(small)
    small.write_text(notebook_file.text(once))
    assert notebook_file.text(notebooks.refreshed(small)) == notebook_file.text(once)
    assert once.cells[0].source.count("colab-badge.svg") == 1
    assert "import mini_lib" in once.cells[1].source


def test_a_second_build_changes_no_byte_and_a_hand_edit_is_seen(small, capsys):
    assert notebooks.main(["--check", str(small)]) == 1  # not built yet
    assert "old install cell" in small.read_text()  # and a check writes nothing
    assert notebooks.main([str(small)]) == 0
    first = small.read_text()
    assert '"7\\n"' in first
    assert notebooks.main(["--check", str(small)]) == 0
    small.write_text(first.replace('"7\\n"', '"8\\n"'))
    assert notebooks.main(["--check", str(small)]) == 1
    assert "make notebooks" in capsys.readouterr().out


def test_a_cell_that_raises_stops_the_build(small):
    from nbclient.exceptions import CellExecutionError

    notebook = notebook_file.read(small)
    notebook.cells.append(code("1 / 0"))
    small.write_text(notebook_file.text(notebook))
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebooks.built(small)
