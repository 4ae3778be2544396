"""The protocol of data sets on rendered balls, with an informed and an ignorant model."""

import numpy as np
import pytest

from tests import dataset_folders as folders
from tests import scenes
from tfrelight import color, lights
from tfrelight.data import portrait
from tfrelight.errors import InputError
from tfrelight.evaluation import datasets, people
from tfrelight.evaluation.measurements import Measurements


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    # The name decides the split: 1007 is the first of these in test.
    folders.photoface(root / "photoface", [f"{number}/a" for number in range(1001, 1041)])
    # Numbers 19 and 39 are in test; two poses: subjects of one photo and of two.
    folders.sfsnet(root / "sfsnet", [19, 20, 39], [(1, 1), (1, 2), (2, 1)], poses=2, size=64)
    folders.multilit(root / "multilit", ["anna", "bo"])
    folders.multilit(root / "unlit", ["anna"], lamps=False)
    return root


def knowing(name, data_dir, split):
    """A predictor that returns the labels."""
    reader = datasets.READERS[name](data_dir, datasets.SIZE, labelled=True)
    left = iter(list(reader.subjects(split)))

    def predict(photos):
        person = people.from_subject(next(left))
        np.testing.assert_array_equal(photos, person.photos)
        return {
            "albedo": np.stack([person.albedo] * len(photos)),
            "normals": np.stack([person.normals] * len(photos)),
            "light": person.light,
            "mask": np.ones_like(photos[..., :1]),
        }

    return predict


def ignorant(photos):
    return {
        "albedo": color.to_linear_numpy(photos),
        "normals": np.broadcast_to(np.float32([0, 0, 1]), photos.shape),
        "light": np.stack([lights.Light.even()] * len(photos)),
        "mask": np.ones_like(photos[..., :1]),
    }


@pytest.mark.parametrize(
    "name, split", [("photoface", "test"), ("sfsnet", "test"), ("multilit", "train")]
)
def test_knowing_the_labels_leaves_nothing_to_err_about(data, name, split):
    predict = knowing(name, data / name, split)
    protocol, measured, rows = datasets.evaluate(predict, name, data / name, split)
    summary = measured.summary()
    assert summary["normals"]["model"]["degrees"]["mean"] == pytest.approx(0, abs=1e-3)
    assert summary["albedo"]["model"]["lmse"]["mean"] == pytest.approx(0, abs=1e-9)
    assert summary["light"]["model"]["si_error"]["mean"] == pytest.approx(0, abs=1e-6)
    assert summary["light_direction"]["model"]["degrees"]["mean"] == pytest.approx(0, abs=1e-3)
    assert summary["consistency"]["model"]["albedo"]["mean"] == pytest.approx(0, abs=1e-6)
    relit = summary["cross_relighting"]
    assert relit["model"] == relit["albedo, normals and light of the labels"]
    assert relit["model"]["si_rmse"]["mean"] < 0.5 * relit["no relighting"]["si_rmse"]["mean"]
    assert protocol["split"] == split and len(protocol["subjects"]) >= 2
    assert {frozenset(row) for row in rows} == {frozenset(rows[0])}


def test_ignorance_is_no_relighting_and_rebuilds_itself(data):
    _, measured, _ = datasets.evaluate(ignorant, "multilit", data / "multilit", "train")
    summary = measured.summary()
    relit = summary["cross_relighting"]
    for metric in ("si_rmse", "dssim", "rmse"):
        expected = relit["no relighting"][metric]["mean"]
        assert relit["model"][metric]["mean"] == pytest.approx(expected, rel=1e-4)
    assert summary["reconstruction"]["model"]["rmse"]["mean"] == pytest.approx(0, abs=1e-5)
    # Five lamps, every pair of them, two people.
    assert relit["model"]["si_rmse"]["count"] == 2 * 20
    assert summary["normals"]["model"]["degrees"]["count"] == 2 * 5


def test_a_folder_without_lights_is_measured_without_labels(data):
    """Photometric stereo needs lights; the measurements without labels do not."""
    _, measured, rows = datasets.evaluate(ignorant, "multilit", data / "unlit", "train")
    assert set(measured.summary()) == {"reconstruction", "consistency", "cross_relighting"}
    assert not rows[0]["label normals"].any() and rows[0]["albedo"].any()


def test_an_empty_split_says_what_to_do(data):
    with pytest.raises(InputError, match="No people .*'test' .*Choose another `split`: train, val"):
        datasets.evaluate(ignorant, "multilit", data / "multilit")
    with pytest.raises(InputError, match="Unknown split 'dev'"):
        datasets.evaluate(ignorant, "multilit", data / "multilit", "dev")


def test_a_limit_is_of_people(data):
    protocol, measured, _ = datasets.evaluate(
        ignorant, "sfsnet", data / "sfsnet", limit=1, strict=True
    )
    assert protocol["subjects"] == ["sfsnet-000019"]
    # Photos 1_1 and 2_1 are one subject of two lights, 1_2 is one alone.
    counts = {name: table["model"] for name, table in measured.summary().items()}
    assert counts["reconstruction"]["rmse"]["count"] == 3
    assert counts["consistency"]["albedo"]["count"] == 1
    assert counts["cross_relighting"]["rmse"]["count"] == 2


def test_of_grey_photos_the_mean_of_channels_is_compared():
    """If a network tints the maps of a grey photo, only the error in brightness counts."""
    subject = scenes.ball()
    grey = subject["images"].mean(axis=-1, keepdims=True).astype(np.uint8)
    subject.update(images=np.repeat(grey, 3, axis=-1), has_albedo=0.0, has_light=0.0)
    person = people.from_subject(subject)
    assert person.grey and not people.from_subject(scenes.ball()).grey
    outputs = ignorant(person.photos)
    tinted = {**outputs, "albedo": outputs["albedo"] * np.float32([1.2, 1.0, 0.8])}
    measured = [Measurements(), Measurements()]
    for found, given in zip(measured, (outputs, tinted)):
        people.measure(found, person, given, 0, 5)
    for table in ("reconstruction", "cross_relighting"):
        first, second = (found.summary()[table]["model"]["rmse"]["mean"] for found in measured)
        assert first == pytest.approx(second, abs=1e-6)


def test_without_mask_and_surface_half_of_the_photos_decide():
    subject = portrait.unlabelled("dark", np.zeros((4, 8, 8, 3), np.uint8))
    subject["images"][:2, :4] = 128
    subject["images"][:1, 4:] = 128
    subject["images"][:, 0] = 255
    mask = people.from_subject(subject).mask
    assert not mask[0].any() and mask[1:4].all() and not mask[4:].any()
    # A mask file counts from half of white.
    subject["mask"][:, 4:] = 100
    subject["has_mask"] = 1.0
    mask = people.from_subject(subject).mask
    assert mask[:, :4].all() and not mask[:, 4:].any()
