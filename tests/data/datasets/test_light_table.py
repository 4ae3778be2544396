"""`lights.csv` as spreadsheets of any country and people write it."""

import numpy as np
import pytest

from tfrelight.data.datasets import light_table
from tfrelight.errors import InputError

PLAIN = """photo,azimuth,elevation,intensity
photo1.png,-40,0.5,1
photo2.png,40,-10.25,0.5
the third photo.png,0,30,1
"""
EXPECTED = {
    "photo1.png": (-40, 0.5, 1),
    "photo2.png": (40, -10.25, 0.5),
    "the third photo.png": (0, 30, 1),
}


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", ";").replace(".5", ",5").replace(".25", ",25"),
        PLAIN.replace(",", "\t").replace(".5", ",5"),
        PLAIN.replace(",", " , "),
        PLAIN.replace(",", " ; ").upper().replace("PNG", "png").replace("PHOTO", "photo").lower(),
        "sep=;\n" + PLAIN.replace(",", ";"),
        "\n\n" + PLAIN.replace("\n", "\n\n") + ";;;\n".replace(";", ","),
        "# our rig\n" + PLAIN.replace(",1\n", ",1  # the key\n", 1),
        "\n".join(",".join(f'"{word}"' for word in line.split(",")) for line in PLAIN.split("\n")),
        "\n".join(";".join(line.split(",")[::-1]) for line in PLAIN.split("\n")),
        PLAIN.replace(",1\n", ",\n"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_table(tmp_path, text, encoding, end):
    (tmp_path / "lights.csv").write_bytes(text.replace("\n", end).encode(encoding))
    assert light_table.read(tmp_path / "lights.csv") == EXPECTED


def test_spaces_alone(tmp_path):
    text = "photo  azimuth elevation\nphoto1.png -40  0,5\n  photo#2.png\t40 -10\n"
    (tmp_path / "lights.csv").write_text(text)
    expected = {"photo1.png": (-40, 0.5, 1), "photo#2.png": (40, -10, 1)}
    assert light_table.read(tmp_path / "lights.csv") == expected


@pytest.mark.parametrize(
    "text,expected",
    [
        ("photo;azimuth\na;1\n", "begins with photo,azimuth, expected photo,azimuth,elevation"),
        ("photo;azimuth;elevation\na;1\n", "line 2: no valid light for 'a'"),
        ("photo;azimuth;elevation\n\na;1;left\n", "line 3: no valid light for 'a'"),
        ("photo,azimuth,elevation\na,1,nan\n", "line 2: no valid light for 'a'"),
        ("photo,azimuth,elevation,intensity\na,1,2,-1\n", "line 2: no valid light for 'a'"),
        ("photo azimuth elevation\na 1 2\na 1 2\n", "line 3: 'a' is listed twice"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path, text, expected):
    (tmp_path / "lights.csv").write_text(text)
    with pytest.raises(InputError, match=expected):
        light_table.read(tmp_path / "lights.csv")


def test_what_is_written_is_read(tmp_path):
    directions = np.array([[0.0, 0.0, 1.0], [0.6, 0.0, 0.8]])
    light_table.write(tmp_path / "lights.csv", ["a, b.png", "c.png"], directions, [1.0, 0.5])
    found = light_table.read(tmp_path / "lights.csv")
    assert found["a, b.png"] == (0, 0, 1)
    np.testing.assert_allclose(found["c.png"], (-36.870, 0, 0.5), atol=1e-3)
