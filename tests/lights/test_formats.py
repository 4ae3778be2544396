"""Lights from and to the numbers of other tools."""

import json

import numpy as np
import pytest

from tests.conftest import ROOT
from tfrelight import harmonics, lights
from tfrelight.errors import InputError
from tfrelight.lights import formats


def test_sfsnet_numbers_shade_as_in_its_formula():
    """SFSNet: sum of c_k times 0.886227, 1.023327 (z, x, y), 0.247708 (2z²-x²-y²), 0.858086 ..."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=27).astype(np.float32)
    n = rng.normal(size=(20, 3))
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    x, y, z = n.T
    one = np.ones(20)
    basis = [
        0.886227 * one,
        1.023327 * z,
        1.023327 * x,
        1.023327 * y,
        0.247708 * (2 * z * z - x * x - y * y),
        0.858086 * x * z,
        0.858086 * y * z,
        0.429043 * (x * x - y * y),
        0.858086 * x * y,
    ]
    expected = np.stack(basis, -1) @ numbers.reshape(3, 9).T
    light = formats.decode(numbers, "sfsnet")
    np.testing.assert_allclose(harmonics.shade(n, light), expected, atol=1e-4)
    np.testing.assert_allclose(formats.encode(light, "sfsnet"), numbers, atol=1e-5)


def test_dpr_axes_are_x_right_y_into_the_scene_z_up():
    # DPR's order is 1, y, z, x, ... in its own axes; its light from above has a positive z term.
    for index, expected in [(1, [0, 0, -1]), (2, [0, 1, 0]), (3, [1, 0, 0])]:
        numbers = np.zeros(9)
        numbers[0], numbers[index] = 1.0, 0.5
        light = formats.decode(numbers, "dpr")
        np.testing.assert_allclose(lights.direction(light), expected, atol=1e-5)


@pytest.mark.parametrize("order", formats.ORDERS)
def test_round_trip_of_a_grey_light(order):
    numbers = np.random.default_rng(1).normal(size=9).astype(np.float32)
    light = formats.decode(numbers, order)
    assert light.shape == (9, 3) and light.dtype == np.float32
    np.testing.assert_allclose(light[:, 0], light[:, 2], rtol=1e-6)
    encoded = formats.encode(light, order)
    again = formats.decode(encoded, order)
    np.testing.assert_allclose(again, light, atol=1e-5)


def test_our_27_numbers_are_colour_by_colour_of_each_coefficient():
    light = formats.decode(np.arange(27))
    np.testing.assert_array_equal(light[1], [3, 4, 5])
    np.testing.assert_array_equal(formats.encode(light), np.arange(27))


_NUMBERS = [round(-1.5 + 0.25 * k, 2) for k in range(27)]


def _rows(separator, end, count=3):
    rows = [_NUMBERS[k : k + count] for k in range(0, 27, count)]
    return end.join(separator.join(map(str, row)) for row in rows)


@pytest.mark.parametrize(
    "text",
    [
        *(separator.join(map(str, _NUMBERS)) for separator in [" ", ", ", "\n", "\t", ";", " ; "]),
        _rows(" ", "\n"),
        _rows(", ", ",\r\n"),
        _rows("\t", "\n\n\n"),
        _rows(",", ";\n"),
        f"[{_rows(', ', '], [')}]",
        f"[[{_rows(' ', ']' + chr(10) + ' [')}]]",  # as numpy prints
        f"(({_rows(', ', '), (')}))",
        "# a lamp on the left\n\n" + _rows(" ", "  # R G B\n") + "\n   # the end\n",
        _rows(" ", "\n").replace("-", "\u2212"),
        " ".join(f"{number:+.6e}" for number in _NUMBERS),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_numbers_as_people_write_them(tmp_path, text, encoding):
    path = tmp_path / "light.txt"
    path.write_bytes(text.encode(encoding))
    found = lights.Light.from_file(path).coefficients
    np.testing.assert_allclose(found, np.reshape(_NUMBERS, (9, 3)), atol=1e-6)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["rim", "neon"])
def test_our_own_file_after_an_editor(tmp_path, name, encoding):
    light = lights.Light.preset(name)
    text = "# from the shoot\n" + light.json().replace("\n", "\r\n") + "\r\n"
    (tmp_path / "light.json").write_bytes(text.encode(encoding))
    found = lights.Light.from_file(tmp_path / "light.json")
    assert found == light
    np.testing.assert_array_equal(found.relative, light.relative)


@pytest.mark.parametrize(
    "text,order,expected",
    [
        ("1 2 3", None, "Expected 9 or 27 finite numbers. Received: 3"),
        (" ".join(["1"] * 26), "sfsnet", "Expected 9 or 27 finite numbers. Received: 26"),
        (" ".join(["1"] * 27), "dpr", "Expected 9 finite numbers. Received: 27"),
        (" ".join(["nan"] * 9), None, "not all finite"),
        ("", None, "Received: 0 numbers"),
        ("a photo", None, "Expected 9 or 27 numbers"),
        ("{", None, "Expected JSON with `coefficients`"),
        (json.dumps({"light": []}), None, "Expected JSON with `coefficients`"),
        (json.dumps({"coefficients": [1, 2]}), None, "[9, 3]. Received: shape [2]"),
        (json.dumps({"coefficients": [[1] * 9] * 3}), None, "Received: shape [3, 9]"),
        ("0.1 0.2 abc", None, "Expected 9 or 27 numbers, or JSON of tfrelight. Received: 'abc'"),
        ("1.2.3", None, "Received: '1.2.3'"),
        ("array([1, 2])", None, "Received: 'array'"),
        ("# nothing else", None, "Received: 0 numbers"),
        ("1;2;3", None, "Received: 3 numbers"),
        ("x" * 500, None, f"Received: '{'x' * 20}'"),
        (json.dumps({"coefficients": "x"}), None, "Expected JSON with `coefficients`"),
        (json.dumps({"coefficients": [[1] * 3] * 9}), "dpr", "Received: JSON"),
        ("1", "lab", "Unknown order 'lab'. Expected one of: tfrelight, sfsnet, dpr"),
    ],
)
def test_wrong_numbers_are_refused_in_one_line(text, order, expected):
    with pytest.raises(InputError) as error:
        formats.parse(text, order)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_the_file_is_named(tmp_path):
    for data in (b"\xff\xd8\xff\xe0 a photo", b"\0\0\0", b"\xff\xfea"):
        (tmp_path / "light.txt").write_bytes(data)
        with pytest.raises(
            InputError, match="Invalid light file .*light.txt. Expected 9 or 27.* that is no text"
        ):
            lights.Light.from_file(tmp_path / "light.txt")


def test_a_light_file_of_windows():
    path = ROOT.parent / "shared" / "cases" / "light_bom.txt"
    if not path.exists():
        pytest.skip("the examples of failures are not here")
    assert lights.Light.from_file(path).exposure > 0
