"""The protocol of the built-in portraits, with an informed and an ignorant model."""

import numpy as np
import pytest

from tfrelight import color, lights
from tfrelight.errors import InputError
from tfrelight.evaluation import synthetic
from tfrelight.synthesis import portraits

SETTINGS = portraits.PortraitConfig(lights=4, size=32, directions=64, hair=False)
COUNT = 3


@pytest.fixture(scope="module")
def people():
    indices = portraits.indices("test", COUNT)
    return [portraits.subject(SETTINGS, index) for index in indices]


@pytest.fixture(scope="module", autouse=True)
def rendered_once(people, tmp_path_factory):
    """Puts the people of the fixture into the records."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFRELIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(portraits, "subjects", lambda settings, indices, processes=None: people)
        yield


@pytest.fixture(scope="module")
def known(people):
    left = iter(people)

    def predict(images):
        person = next(left)
        np.testing.assert_array_equal(np.round(images * 255), person["images"])
        maps = {
            "albedo": person["albedo"] / np.float32(65535),
            "normals": person["normals"] / np.float32(32767.5) - 1,
            "mask": person["mask"] / np.float32(255),
            "parts": np.eye(7)[person["parts"][..., 0]],
        }
        return {"light": person["light"], **{k: np.stack([m] * 4) for k, m in maps.items()}}

    return synthetic.evaluate(predict, COUNT, settings=SETTINGS)


@pytest.fixture(scope="module")
def unknown():
    def predict(images):
        return {
            "albedo": color.to_linear_numpy(images),
            "normals": np.broadcast_to(np.float32([0, 0, 1]), images.shape),
            "light": np.stack([lights.Light.even()] * len(images)),
            "mask": np.ones_like(images[..., :1]),
        }

    return synthetic.evaluate(predict, COUNT, settings=SETTINGS)


def test_knowing_everything_leaves_nothing_to_err_about(known):
    summary = known[1].summary()
    assert summary["normals"]["model"]["degrees"]["mean"] == pytest.approx(0, abs=0.01)
    for metric in ("si_mse", "lmse", "dssim", "rmse"):
        assert summary["albedo"]["model"][metric]["mean"] == pytest.approx(0, abs=1e-6)
    assert summary["light"]["model"]["coefficient_l2"]["mean"] == pytest.approx(0, abs=1e-5)
    assert summary["light"]["model"]["si_error"]["mean"] == pytest.approx(0, abs=1e-5)
    assert summary["light_direction"]["model"]["degrees"]["mean"] == pytest.approx(0, abs=0.01)
    assert summary["consistency"]["model"]["albedo"]["mean"] == pytest.approx(0, abs=1e-6)
    overlap = summary["overlap"]["model"]
    assert overlap["person"]["mean"] > 0.99 and {"skin", "eyes", "cloth"} < overlap.keys()
    assert all(overlap[name]["mean"] == 1 for name in overlap.keys() - {"person"})
    relit = summary["cross_relighting"]
    for metric, statistics in relit["albedo, normals and light of the labels"].items():
        assert relit["model"][metric]["mean"] == pytest.approx(statistics["mean"], rel=1e-5)


def test_photo_as_albedo_is_no_relighting_and_rebuilds_itself(unknown):
    summary = unknown[1].summary()
    relit = summary["cross_relighting"]
    for metric in ("si_rmse", "dssim", "rmse"):
        expected = relit["no relighting"][metric]["mean"]
        assert relit["model"][metric]["mean"] == pytest.approx(expected, rel=1e-4)
        assert expected > relit["albedo, normals and light of the labels"][metric]["mean"]
    assert summary["reconstruction"]["model"]["rmse"]["mean"] == pytest.approx(0, abs=1e-5)
    direction = summary["light_direction"]
    assert direction["model"]["degrees"] == direction["light at the camera"]["degrees"]


def test_counts_follow_the_protocol(unknown, people):
    protocol, measured, rows = unknown
    assert (protocol["subjects"], protocol["lights"], protocol["size"]) == (COUNT, 4, 32)
    summary = measured.summary()
    assert summary["albedo"]["model"]["lmse"]["count"] == COUNT * 4
    assert summary["cross_relighting"]["model"]["dssim"]["count"] == COUNT * 5
    assert len(rows) == COUNT
    assert set(measured.by_subject()["normals"]["model"]["degrees"]) == {
        person["subject"] for person in people
    }


def test_the_overlap_of_people_counts_pixels(unknown, people):
    """A network that takes everything for the person has all of the person, and the rest."""
    overlap = unknown[1].summary()["overlap"]["model"]
    assert list(overlap) == ["person"]
    shown = sum((person["parts"] > 0).sum() for person in people)
    everything = sum(person["parts"].size for person in people)
    assert overlap["person"]["mean"] == pytest.approx(shown / everything)


def test_groups_go_from_dark_to_light(unknown, people):
    _, measured, _ = unknown
    groups = measured.by_subject()["by_albedo_luminance"]
    ids = [list(by_metric["albedo_si_mse"]) for by_metric in groups.values()]
    luminance = {
        person["subject"]: color.luminance(
            (person["albedo"] / 65535)[person["mask"][..., 0] >= 127.5]
        ).numpy()
        for person in people
    }
    expected = sorted(luminance, key=lambda subject: luminance[subject].mean())
    assert ids == [[subject] for subject in expected]
    means = measured.by_subject()
    for column, table, metric in (
        ("normals_degrees", "normals", "degrees"),
        ("albedo_si_mse", "albedo", "si_mse"),
        ("albedo_lmse", "albedo", "lmse"),
        ("light_si_error", "light", "si_error"),
        ("cross_si_rmse", "cross_relighting", "si_rmse"),
    ):
        for by_metric in groups.values():
            [(subject, value)] = by_metric[column].items()
            assert value == pytest.approx(means[table]["model"][metric][subject])


def test_lights_without_a_direction_are_left_out(known, people):
    directed = sum(
        np.linalg.norm(light.mean(-1)[1:4]) >= 0.2 * abs(light.mean(-1)[0])
        for person in people
        for light in person["light"]
    )
    statistics = known[1].summary()["light_direction"]["model"]["degrees"]
    assert statistics["count"] == directed <= COUNT * 4


def test_nobody_is_refused():
    with pytest.raises(InputError, match="at least 1 subject"):
        synthetic.evaluate(None, 0, settings=SETTINGS)
