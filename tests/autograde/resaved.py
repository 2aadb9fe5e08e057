"""The same notebook in another file format, encoding or version: nothing that a student wrote is lost in it."""

from __future__ import annotations

import json

from tests.autograde.damage import BOTH, DOUBLE, Notebook, cell


def byte_order_mark(notebook: Notebook) -> bytes:
    return b"\xef\xbb\xbf" + json.dumps(notebook).encode()


def utf_16(notebook: Notebook) -> bytes:
    """What an old Windows editor saves as "Unicode"."""
    return json.dumps(notebook).encode("utf-16")


def windows_lines(notebook: Notebook) -> bytes:
    for one in notebook["cells"]:
        one["source"] = one["source"].replace("\n", "\r\n") if isinstance(one["source"], str) else one["source"]
    return json.dumps(notebook, indent=1).replace("\n", "\r\n").encode()


def lines_as_lists(notebook: Notebook) -> None:
    """Every source a list of lines, as Jupyter itself writes it."""
    for one in notebook["cells"]:
        one["source"] = "".join(one["source"]).splitlines(keepends=True)


def half_surrogate(notebook: Notebook) -> None:
    cell(notebook, "double")["source"] = DOUBLE + "  # \ud800"


def version_3(notebook: Notebook) -> Notebook:
    cells = [
        {"cell_type": "code", "input": text, "language": "python", "outputs": [], "metadata": {}}
        for text in BOTH.values()
    ]
    sheet = {"cells": cells, "metadata": {}}
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [sheet]}


def version_5(notebook: Notebook) -> None:
    """A version that nobody has written yet."""
    notebook.update(nbformat=5, nbformat_minor=7)


def no_version(notebook: Notebook) -> None:
    del notebook["nbformat"], notebook["nbformat_minor"], notebook["metadata"]


def infinities(notebook: Notebook) -> None:
    """NaN and Infinity, which Python writes into JSON and which are none."""
    notebook["metadata"]["scroll"] = [float("nan"), float("inf"), -float("inf")]
    notebook["cells"][0]["metadata"]["score"] = float("nan")


def keys_twice(notebook: Notebook) -> bytes:
    """`cells` stands in the file twice; the second counts, as in every reader of JSON."""
    return b'{"cells": [{"cell_type": "code", "source": "1 / 0"}],' + json.dumps(notebook)[1:].encode()


def much_metadata(notebook: Notebook) -> None:
    """1.5 MB of widgets' state: more than the notebook, less than the limit."""
    notebook["metadata"]["widgets"] = {"state": {str(n): {"value": "x" * 100} for n in range(12_000)}}


def pictures(notebook: Notebook) -> None:
    """Saved with its outputs and with a picture in a text cell."""
    picture = "iVBORw0KGgo" + "A" * 200_000
    notebook["cells"][0]["attachments"] = {"image.png": {"image/png": picture}}
    cell(notebook, "double")["outputs"] = [
        {"output_type": "display_data", "data": {"image/png": picture}, "metadata": {}}
    ]


def odd_outputs(notebook: Notebook) -> None:
    """Outputs that no Jupyter writes."""
    cell(notebook, "double")["outputs"] = [None, {"output_type": "error"}, {"output_type": 7, "data": []}, "text"]
    cell(notebook, "double")["execution_count"] = -1


def right_outputs(notebook: Notebook) -> None:
    """The test cells bring outputs by hand, as if they had run and given all points."""
    result = {"output_type": "execute_result", "data": {"text/plain": "4.0"}, "metadata": {}, "execution_count": 7}
    for name in ("test_double", "test_roots"):
        cell(notebook, name).update(outputs=[result], execution_count=7)


def escaped(notebook: Notebook) -> bytes:
    r"""Every sign beyond ASCII written as \uXXXX, slashes as \/, and white space around everything."""
    return b" \n" + json.dumps(notebook, indent=7, ensure_ascii=True).replace("/", "\\/").encode() + b"\n \t"
