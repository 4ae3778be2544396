"""The scripts that make what the documents show."""

import ast
import functools
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys

import h5py
import numpy as np
import pytest
from absl import flags
from PIL import Image
from scipy.spatial.transform import Rotation

import tfrelight
from tests import yale_folder
from tests.conftest import ROOT
from tfrelight import color
from tfrelight.data import portrait
from tfrelight.data.datasets import multilit, yale_b
from tfrelight.evaluation import yale_b as yale_b_protocol
from tfrelight.models import loading, networks, predictor, presets

SIDE = 32


def run(script, *flags, seconds=240):
    """What a script prints."""
    done = subprocess.run(
        [sys.executable, script, *flags],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("tools/*.py"), *ROOT.glob("benchmarks/*.py")]), ids=lambda p: p.name
)
def test_what_a_script_takes_from_the_package_exists(path):
    tree, modules = ast.parse(path.read_text(encoding="utf-8")), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tfrelight"):
            package = importlib.import_module(node.module)
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if not hasattr(package, alias.name):
                    importlib.import_module(name)
                modules[alias.asname or alias.name] = getattr(package, alias.name)
    used = {
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if inspect.ismodule(modules.get(node.value.id))
    }
    assert [name for name in sorted(used) if not hasattr(modules[name[0]], name[1])] == []


def test_sample_pictures_show_the_same_people_with_their_labels(tmp_path):
    flags = ["--rows=1", f"--rendered_size={SIDE}", f"--shown_size={SIDE}", "--processes=1"]
    printed = run("tools/make_samples.py", f"--output_dir={tmp_path / 'docs'}", *flags)
    cells = {}
    for name, rows in (("people", 1), ("labels", 5), ("lights", 2)):
        path = tmp_path / "docs" / f"synthetic_{name}.jpg"
        assert str(path) in printed
        with Image.open(path) as opened:
            picture = np.asarray(opened, float)
        assert picture.shape == (rows * SIDE, 6 * SIDE, 3)
        cells[name] = picture.reshape(rows, SIDE, 6, SIDE, 3).swapaxes(1, 2)
    # JPEG blurs the colours of neighbouring pixels; other people differ by 40 and more.
    for shown, labelled in zip(cells["people"][0], cells["labels"]):
        assert np.abs(shown - labelled[0]).mean() < 5
    assert np.abs(np.diff(cells["people"][0], axis=0)).mean((1, 2, 3)).min() > 12
    assert np.abs(np.diff(cells["lights"][0], axis=0)).mean((1, 2, 3)).min() > 4
    mask = cells["labels"][:, 5]
    assert 0.2 < (mask > 128).mean() < 1
    for labels in (cells["labels"][:, 1], cells["labels"][:, 2]):
        assert labels[mask > 250].mean() > 3 * labels[mask < 5].mean()


def test_the_benchmark_of_speed_tells_what_became_slower(tmp_path):
    path = tmp_path / "speed.json"
    names = [f"network: four cuts, {engine}" for engine in ("litert", "tensorflow")]
    flags = [*(f"--only={name}" for name in (*names, "none such")), "--repeats=1", "--seconds=0"]
    printed = run("benchmarks/speed.py", *flags, f"--report={path}")
    report = json.loads(path.read_text())
    assert list(report) == names
    assert all(f"| {name} | " in printed for name in report)
    assert all(row["seconds"] > 0 and row["multiples"] > 0 for row in report.values())
    report[names[0]]["multiples"] /= 100
    report[names[1]]["multiples"] *= 100
    path.write_text(json.dumps(report))
    done = subprocess.run(
        [sys.executable, "benchmarks/speed.py", *flags, f"--against={path}"],
        **{"cwd": ROOT, "capture_output": True, "text": True, "check": False},
    )
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"slower than in {path}: {names[0]} (") and names[1] not in last


def test_the_benchmarks_take_a_training_step(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    steps = importlib.import_module("steps")
    monkeypatch.setattr(steps, "SIZE", 32)
    take = steps.trainer("compact", 1)
    first, *_, last = [take() for _ in range(4)]
    assert 0 < last < first


COUNTS = """
import json, sys
sys.path.insert(0, "benchmarks")
import keras, roofline, steps

layers = keras.layers
plain = keras.Sequential([
    keras.Input((8, 8, 3)),
    layers.Conv2D(5, 3, strides=2, padding="same"),
    layers.Conv2DTranspose(2, 4, strides=2, padding="same"),
    layers.Flatten(),
    layers.Dense(7),
])
network = steps.network("compact")
parts = [keras.Model(network.input, network.get_layer(name).output)
         for name in roofline.STAGES.values()]
print(json.dumps([roofline.multiply_adds(one) for one in (plain, *parts, network)]))
"""


def test_the_roofline_counts_multiply_adds():
    """As one counts by hand; the stages follow one another, up to the heads."""
    plain, *stages = json.loads(run("-c", COUNTS))
    assert plain == 4 * 4 * 5 * 3 * 9 + 4 * 4 * 5 * 2 * 16 + 8 * 8 * 2 * 7
    assert 0 < stages[0] and stages == sorted(set(stages))


@pytest.mark.slow
def test_the_benchmark_of_networks_measures_variants(tmp_path):
    path = tmp_path / "networks.json"
    flags = ["--networks=narrower", "--pairs=1", "--repeats=1", f"--report={path}"]
    run("benchmarks/networks.py", *flags)
    report = json.loads(path.read_text())
    row = report["networks"]["narrower"]
    assert 0.5 < row["parameters_millions"] < 3
    assert 100 < row["inference_peak_mib"] < 3072 and 100 < row["training_peak_mib"] < 3072


@pytest.mark.timeout(600)
@pytest.mark.slow
def test_the_benchmark_of_exactness_trains_and_measures_variants_and_goes_on(tmp_path):
    yale_folder.write(tmp_path / "yale", yale_b.SPLITS["train"], yale_folder.FLASHES[::8])
    flags = [
        f"--output_dir={tmp_path / 'runs'}",
        f"--measure_dir={tmp_path / 'yale'}",
        *("--size=32", "--synthetic_share=1", "--synthetic_subjects=2", "--synthetic_lights=2"),
        *("--epochs=1", "--steps_per_epoch=1", "--batch_size=1", "--limit=2"),
    ]
    printed = run("benchmarks/exactness.py", *flags, "--networks=attention")
    with h5py.File(tmp_path / "runs" / "attention" / loading.LAST) as weights:
        names = []
        weights.visit(names.append)
    assert any("multi_head_attention" in name for name in names)
    again = run("benchmarks/exactness.py", *flags, "--networks=attention,compact")
    assert "attention is a finished run of 1 epochs" in again
    rows = {line.split(" | ")[0]: line for line in again.splitlines() if line.startswith("| ")}
    assert list(rows) == ["| network", "| attention", "| compact"]
    assert rows["| attention"] in printed
    predict = predictor.predictor(tfrelight.load_model(tmp_path / "runs" / "compact"))
    people = yale_b.SPLITS["train"][:2]
    results = yale_b_protocol.evaluate(predict, tmp_path / "yale", people)[1].summary(0)
    figures = [float(figure) for figure in re.findall(r"[\d.]+", rows["| compact"])]
    measured = [figures[0], figures[3], figures[6], figures[9]]
    expected = [
        results["cross_relighting"]["model"]["si_rmse"]["mean"],
        results["light_direction"]["model"]["degrees"]["median"],
        results["normals"]["model"]["degrees"]["mean"],
        results["consistency"]["model"]["albedo"]["mean"],
    ]
    np.testing.assert_allclose(measured, expected, atol=0.06, rtol=2e-3)
    assert len(figures) == 12


@pytest.mark.parametrize(
    "flag, expected",
    [
        ("--networks=compact,deper", "Expected some of: compact, sfsnet, deeper"),
        ("--network=deeper", "Expected --networks"),
        ("--yale_b_dir=x", "Expected no photos of the people to measure"),
        ("--networks=deeper", "No such folder"),
    ],
)
def test_the_benchmark_of_exactness_refuses_before_it_trains(tmp_path, flag, expected):
    command = ["benchmarks/exactness.py", f"--measure_dir={tmp_path}/none", flag]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and expected in done.stderr.splitlines()[-1]


def test_photos_of_which_the_lights_are_hidden_are_those_that_training_uses(tmp_path):
    angles = [(-110, 15), (110, 65), (0, 0), (35, 40), (-60, 20)]
    yale_folder.write(tmp_path / "yale", ["01", "31", "02"], angles)
    run(
        "tools/hide_lights.py",
        f"--data_dir={tmp_path / 'yale'}",
        f"--output_dir={tmp_path / 'people'}",
    )
    expected = {f"person{number}/photo0{k}.png" for number in ("01", "02") for k in (1, 2, 3)}
    written = (path for path in (tmp_path / "people").rglob("*") if path.is_file())
    assert {path.relative_to(tmp_path / "people").as_posix() for path in written} == expected
    person = multilit.photos(tmp_path / "people" / "person01", [])
    everything = yale_b.photos(tmp_path / "yale", "01", 168)
    assert everything.azimuth[yale_b.usable(everything)].tolist() == [0, 35, -60]
    used = everything.images[yale_b.usable(everything)]
    np.testing.assert_allclose(person.images[..., 0], used, atol=1 / 255)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_presets_are_made_from_nothing(tmp_path):
    """`pytest -m slow tests/test_tools.py`: minutes."""
    weights = tmp_path / "weights"
    folders = [f"--folder={tmp_path / 'presets'}", f"--weights_dir={weights}"]
    sizes = ["--people=20", "--epochs=1", "--steps_per_epoch=1", "--test_people=2"]
    run("tools/train_presets.py", *folders, *sizes, seconds=1200)
    preset = presets.find("compact-128", weights)
    assert "3 steps of 8 pairs" in preset.about["trained_on"]
    figures = preset.about["figures"]["synthetic"]
    assert 0 < figures["cross_relighting: si_rmse"]["mean"] < 1
    presets.restore(networks.build(preset.network, **preset.arguments), preset)
    stages = [
        (tmp_path / "presets" / f"compact-128-stage{number}" / "flags.txt").read_text()
        for number in (1, 2, 3)
    ]
    for before, stage in enumerate(stages[1:], start=1):
        assert f"compact-128-stage{before}\n" in stage
    # Only the last looks at the photos themselves.
    assert ["--rendered_targets=multilit\n" in stage for stage in stages] == [False, False, True]


@functools.cache
def tool(name):
    """The module of a tool; its flags make room for those of the same names in this process."""
    path = ROOT / "tools" / f"{name}.py"
    own = re.findall(r'flags\.DEFINE_\w+\(\s*"(\w+)"', path.read_text())
    others = {flag: flags.FLAGS[flag] for flag in own if flag in flags.FLAGS}
    for flag in others:
        delattr(flags.FLAGS, flag)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for flag in own:
        delattr(flags.FLAGS, flag)
    for flag, value in others.items():
        flags.FLAGS[flag] = value
    return module


def test_a_tool_leaves_the_flags_of_this_process_alone():
    others = flags.FLAGS["model"] if "model" in flags.FLAGS else None
    if others is None:
        flags.DEFINE_string("model", None, "Of a command.")
    before = flags.FLAGS["model"]
    try:
        tool.__wrapped__("measure_face_masks")
        assert flags.FLAGS["model"] is before and "folder" not in flags.FLAGS
    finally:
        if others is None:
            delattr(flags.FLAGS, "model")


def test_lights_on_face_and_clothes_are_fitted_and_compared():
    measure = tool("measure_people")
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(64, 64, 3)) + [0, 0, 2]
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    albedo = np.full((64, 64, 3), 0.4)
    parts = np.where(np.arange(64)[:, None, None] < 32, 1, 5) * np.ones((64, 64, 1), int)
    person = {
        "parts": parts,
        "albedo": portrait.encode_albedo(albedo),
        "normals": portrait.encode_normals(normals),
    }
    turned = Rotation.from_euler("y", 20, degrees=True).apply([0.6, 0.0, 0.8])
    lamps = np.where(parts == 1, [0.6, 0.0, 0.8], turned)
    lit = albedo * (0.3 + 0.4 * (normals * lamps).sum(-1, keepdims=True))
    relit = np.uint8(np.round(255 * color.to_srgb_numpy(lit)))
    assert measure.apart(relit, person) == pytest.approx(20, abs=0.5)
    person["parts"] = np.ones((64, 64, 1), int)
    assert measure.apart(relit, person) is None


def test_overlap_is_that_of_each_class():
    """Of ten pixels of class 1 seven are found, and one of class 0 is called 1."""
    np.testing.assert_allclose(
        tool("measure_people").overlaps(np.array([[5, 1], [3, 7]])), [5 / 9, 7 / 11]
    )


def test_face_masks_are_compared_by_hand():
    """A face of 100 rows from row 50 on in a photo of 256x256, and parts that are partly wrong."""
    counts = tool("measure_face_masks").counts
    mask = np.zeros((256, 256), bool)
    mask[50:150, 100:160] = True
    parts = np.where(mask, 1, 2).astype(np.uint8)
    parts[50:60, 100:160] = 5  # a tenth of the face is called cloth
    (face, of_face), (skin, of_band) = counts(parts, mask)
    assert (face, of_face) == (5400, 6000) and skin == 0
    # Beside the mask are 17 columns, 4 to 20 away, of the 30 upper rows; above it as many rows.
    assert of_band == pytest.approx(
        2 * 17 * 30 + 17 * 60 + np.pi / 2 * (20.5**2 - 3.5**2), rel=0.05
    )
    parts[:50, 100:160] = 1  # as if the forehead went on
    (_, _), (skin, again) = counts(parts, mask)
    assert again == of_band and skin == 17 * 60
    parts[90:, :] = 1  # a neck is none of its business
    assert counts(parts, mask)[1][0] == skin
    # Twice as large a photo has a band of twice the width.
    double = counts(parts.repeat(2, 0).repeat(2, 1), mask.repeat(2, 0).repeat(2, 1))
    assert double[1][1] == pytest.approx(4 * of_band, rel=0.05)


def test_face_masks_of_a_folder(tmp_path, capsys):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "anna_skin.png")
    command = [sys.executable, "tools/measure_face_masks.py", "--model=x"]
    for folder, expected in ((tmp_path, "No photo beside"), (tmp_path / "no", "No masks in")):
        done = subprocess.run(
            [*command, f"--folder={folder}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1 and expected in done.stderr.splitlines()[-1]
