import json
import os

import pytest

import tfrelight
from tfrelight.errors import InputError
from tfrelight.evaluation import report
from tfrelight.evaluation.measurements import Measurements

SETTINGS = {"model": "runs/x", "dataset": "yale_b", "seed": 3}


@pytest.fixture
def document():
    measured = Measurements()
    for subject, si_rmse in [("31", 0.25), ("32", 0.75)]:
        measured.add("cross_relighting", "model", subject, si_rmse=si_rmse, psnr=float("inf"))
        measured.add("cross_relighting", "no relighting", subject, si_rmse=2.0)
    measured.add("light_direction", "model", "31", degrees=10.0)
    measured.add("light_direction", "model", "31", degrees=40.0)
    measured.add("light_direction", "model", "31", degrees=13.0)
    protocol = {"name": "yale_b", "subjects": ["31", "32"]}
    return {**report.document(protocol, measured, SETTINGS), "left_out": ["No LPIPS."]}


def test_document_says_what_was_measured_and_how(document):
    assert document["tfrelight"] == tfrelight.__version__
    assert document["protocol"] == {"name": "yale_b", "subjects": ["31", "32"]}
    assert document["settings"] == SETTINGS
    assert document["results"]["light_direction"]["model"]["degrees"]["median"] == 13.0
    assert document["subjects"]["cross_relighting"]["model"]["si_rmse"]["32"] == 0.75


def test_tables(document):
    first, second, left_out = report.tables(document).split("\n\n")
    header, model, nothing = first.splitlines()
    assert header.split() == ["cross", "relighting", "si_rmse", "psnr"]
    assert model.split() == ["model", "0.5000", "[0.2500,", "0.7500]", "inf"]
    assert nothing.split() == ["no", "relighting", "2.00", "[2.00,", "2.00]"]
    # Columns are aligned.
    assert model.index("0.5000") == nothing.index("2.00") == header.index("si_rmse")
    header, model = second.splitlines()
    assert header.split() == ["light", "direction", "degrees", "median"]
    # One subject: no interval.
    assert model.split() == ["model", "21.00", "13.00"]
    assert left_out == "No LPIPS."


def test_markdown(document):
    page = report.markdown(document).split("\n\n")
    assert page[0] == "# runs/x on yale_b"
    assert "- subjects: 2: 31, 32" in page[2].splitlines()
    head, line, model, nothing = page[3].splitlines()
    assert (head, line) == ("| cross relighting | si_rmse | psnr |", "|---|---|---|")
    # 0.25 and 0.75: a standard deviation of 0.25.
    assert model == "| model | 0.5000 ± 0.2500 [0.2500, 0.7500] | inf |"
    assert nothing == "| no relighting | 2.00 ± 0.0000 [2.00, 2.00] |  |"
    assert page[5] == "No LPIPS.\n"


def test_differences_are_a_table_of_their_own(document):
    found = {"subjects": 2, "difference": -0.1, "interval": (-0.15, -0.05), "relative": -0.25}
    same = {"subjects": 2, "difference": 0.0, "interval": (0.0, 0.0), "relative": 0.0}
    results = {"cross_relighting": {"model": {"si_rmse": found}, "no relighting": {"psnr": same}}}
    text = report.tables({**document, "against": {"model": "runs/y", "results": results}})
    _, _, table, _ = text.split("\n\n")
    head, line = table.splitlines()
    assert head.startswith("difference from runs/y")
    assert line.split("  ")[1:2] == ["cross relighting, model: si_rmse"]
    assert "-0.1000 [-0.1500, -0.0500]" in line and "-25.0 %" in line
    results = {"cross_relighting": {"no relighting": {"psnr": same}}}
    text = report.tables({**document, "against": {"model": "runs/y", "results": results}})
    assert "difference from runs/y: none" in text


def test_json_is_standard(document, tmp_path):
    path = tmp_path / "report.json"
    report.write(path, document)

    def refuse(constant):
        raise AssertionError(constant)

    read = json.loads(path.read_text(), parse_constant=refuse)
    assert read["results"]["cross_relighting"]["model"]["psnr"]["mean"] is None
    assert read["results"]["cross_relighting"]["model"]["si_rmse"]["mean"] == 0.5
    assert read["subjects"] == json.loads(
        json.dumps(document["subjects"]).replace("Infinity", "null")
    )


def test_failed_write_leaves_the_old_report(document, tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    report.write(path, document)
    before = path.read_text()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        report.write(path, {"settings": {}})
    assert path.read_text() == before


def test_unwritable_places_are_refused_before_the_work(tmp_path):
    report.writable(tmp_path / "report.json")
    with pytest.raises(InputError, match="No such folder: .*nowhere"):
        report.writable(tmp_path / "nowhere" / "report.json")
    with pytest.raises(InputError, match="Expected a file name"):
        report.writable(tmp_path)
