"""The training mixture: data sets, shares and labels."""

import collections
import dataclasses
import pathlib

import numpy as np
import pytest

from tests import dataset_folders as folders
from tests import scenes, yale_folder
from tests.training.test_run import config
from tfrelight.data import pairs, portrait
from tfrelight.data.datasets import photo_folder
from tfrelight.data.datasets import photoface as photoface_reader
from tfrelight.errors import InputError
from tfrelight.synthesis import portraits
from tfrelight.training import mixture, pseudo_labels

SIZE = 32


@pytest.fixture(scope="module", autouse=True)
def balls(tmp_path_factory):
    """Replaces built-in people by balls, in a separate cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portraits, "subjects", scenes.balls)
        patch.setattr(mixture, "VALIDATION_SUBJECTS", 2)
        patch.setenv("TFRELIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of each data set, by the name of its flag."""
    root = tmp_path_factory.mktemp("data")
    yale_folder.write(root / "yale", ["01", "02", "03"], yale_folder.FLASHES[::4])
    # The first three of these people are for training.
    folders.photoface(root / "photoface", ["1001/a", "1001/b", "1002/a", "1003/a", "1004/a"])
    folders.multilit(root / "multilit", ["anna", "bo"])
    folders.sfsnet(root / "sfsnet", [41, 42, 43], [(1, 1), (1, 2)], poses=2, size=SIZE)
    folders.sfsnet(root / "sfsnet_pairs", [41, 42, 43], [(1, 1), (1, 2)], size=SIZE)
    folders.celeba(root / "celeba", [0, 0, 0, 1])
    return root


def options(**given):
    """A configuration whose folders may be given as paths."""
    paths = {key: str(value) for key, value in given.items() if isinstance(value, pathlib.Path)}
    return config(**{"size": SIZE, **given, **paths})


def drawn(sources, steps=40):
    """Pairs by kind of subject, and how often each of their weights was 1."""
    names, weights = collections.Counter(), collections.defaultdict(list)
    for batch in pairs.pairs(sources, 5, steps=steps, augmented=False).as_numpy_iterator():
        for name, normals, both in zip(
            batch["a"]["subject"], batch["a"]["has_normals"], batch["a"]["multilit"]
        ):
            kind = name.decode().partition("-")[0].partition("/")[0].rstrip("0123456789")
            names[kind] += 1
            weights[kind].append((normals, both))
    return names, {kind: np.mean(values, axis=0).tolist() for kind, values in weights.items()}


def test_every_data_set_has_its_share(data):
    found = mixture.mixture(
        options(
            yale_b_dir=data / "yale",
            photoface_dir=data / "photoface",
            multilit_dir=data / "multilit",
            celeba_dir=data / "celeba",
            synthetic_share=0.2,
            single_share=0.2,
        )
    )
    names, weights = drawn(found.training)
    assert names == {"synthetic": 40, "celeba": 40, "yaleB": 40, "photoface": 40, "multilit": 40}
    # Labels and partners.
    assert weights == {
        "synthetic": [1, 1],
        "celeba": [0, 0],
        "yaleB": [0, 1],
        "photoface": [0, 1],
        "multilit": [0, 1],
    }
    for part in (
        *("4 labelled synthetic subjects", "3 multi-lit people of Extended Yale B"),
        *("3 multi-lit people of the Photoface database", "single photos of CelebA"),
        "2 multi-lit people of the multi-lit folder",
    ):
        assert part in found.summary
    assert "in place of" not in found.summary


def test_the_summary_says_which_files_are_read(data):
    found = mixture.mixture(options(multilit_dir=data / "multilit"))
    assert f"({data / 'multilit'}/PERSON/photo*{{.bmp,.exr,.jpeg,.jpg," in found.summary
    assert "of each photo the central square: crop wider ones to the head)" in found.summary
    assert "central square" not in mixture.mixture(options(yale_b_dir=data / "yale")).summary


@pytest.mark.parametrize("folder, paired", [("sfsnet", 0), ("sfsnet_pairs", 1)])
def test_sfsnet_takes_the_labelled_share(data, folder, paired):
    found = mixture.mixture(options(sfsnet_dir=data / folder, yale_b_dir=data / "yale"))
    names, weights = drawn(found.training)
    assert names == {"sfsnet": 100, "yaleB": 100}
    assert weights["sfsnet"] == [1, paired]
    assert "SfSNet's labelled synthetic faces" in found.summary


def test_sfsnet_without_photos_leaves_built_in_people_unlabelled(data):
    found = mixture.mixture(options(sfsnet_dir=data / "sfsnet"))
    names, weights = drawn(found.training)
    assert names == {"sfsnet": 100, "synthetic": 100}
    assert weights["synthetic"] == [0, 1]
    assert "4 synthetic subjects with hidden labels in place of multi-lit photos" in found.summary


@pytest.mark.parametrize("named", [("synthetic", "multilit"), ("single",), ()])
def test_which_photos_are_compared_with_what_their_labels_render(data, named):
    given = options(photoface_dir=data / "photoface", celeba_dir=data / "celeba")
    changed = {"rendered_targets": named, "labelled_multilit_subjects": 1}
    given = dataclasses.replace(given, synthetic_share=0.3, **changed)
    sources = mixture.mixture(given).training
    found = {}
    for batch in pairs.pairs(sources, 5, steps=20, augmented=False).as_numpy_iterator():
        for name, normals, rendered in zip(
            batch["a"]["subject"], batch["a"]["has_normals"], batch["a"]["rendered"]
        ):
            kind = name.decode().partition("-")[0]
            # Without labels the weight has no effect.
            if normals or kind not in ("synthetic", "photoface"):
                found[kind] = bool(rendered)
    parts = {"synthetic": "synthetic", "photoface": "multilit", "img_align_celeba": "single"}
    parts["celeba"] = "single"
    assert len(found) == 3
    assert found == {kind: parts[kind] in named for kind in found}


@pytest.mark.parametrize(
    "known, share, expected",
    [(1, 0.5, 0.5), (1, 0.0, 0.2), (4, 0.0, 0.8), (5, 0.5, 1), (5, 0.0, 1)],
)
def test_the_first_people_keep_their_labels(data, known, share, expected):
    given = options(photoface_dir=data / "photoface", multilit_dir=data / "multilit")
    changed = {"labelled_multilit_subjects": known, "labelled_multilit_share": share}
    given = dataclasses.replace(given, synthetic_share=0.0, **changed)
    sources = mixture.mixture(given).training
    labelled, hidden = set(), set()
    for batch in pairs.pairs(sources, 4, steps=60, augmented=False).as_numpy_iterator():
        for name, has_normals in zip(batch["a"]["subject"], batch["a"]["has_normals"]):
            (labelled if has_normals else hidden).add(name.decode())
    everybody = ["photoface-1001", "photoface-1002", "photoface-1004", "multilit-anna"]
    everybody.append("multilit-bo")
    assert labelled == set(everybody[:known]) and hidden == set(everybody[known:])
    assert sum(source.share for source in sources) == pytest.approx(1)
    labelled_share = sum(source.share for source in sources if source.labelled)
    assert labelled_share == pytest.approx(expected)


@pytest.mark.parametrize(
    "known, share, expected",
    [
        (1, 0.0, [0.2, 0.4, 0.4]),
        (0, 0.0, [0.6, 0.4]),
        (1, 0.5, [0.5, 0.25, 0.25]),
        (0, 0.5, [0.5] * 2),
    ],
)
def test_the_parts_of_data_sets_are_equal_or_as_their_people(data, known, share, expected):
    given = options(photoface_dir=data / "photoface", multilit_dir=data / "multilit")
    changed = {"labelled_multilit_subjects": known, "labelled_multilit_share": share}
    given = dataclasses.replace(given, synthetic_share=0.0, **changed)
    sources = mixture.mixture(given).training
    assert [source.share for source in sources] == pytest.approx(expected)


def test_more_labels_than_people_are_refused(data):
    given = options(photoface_dir=data / "photoface", multilit_dir=data / "multilit")
    with pytest.raises(InputError, match="Expected at most 5, the number of multi-lit subjects"):
        mixture.mixture(dataclasses.replace(given, labelled_multilit_subjects=6))


def test_pseudo_labels_are_labels_of_single_photos(data, tmp_path):
    def predict(photos):
        count = len(photos)
        return {
            "albedo": np.full((count, SIZE, SIZE, 3), 0.5, np.float32),
            "normals": np.tile(np.float32([0, 0, 1]), (count, SIZE, SIZE, 1)),
            "light": np.ones((count, 9, 3), np.float32),
            "mask": np.ones((count, SIZE, SIZE, 1), np.float32),
        }

    reader = photo_folder.PhotoFolderReader(data / "celeba", SIZE)
    pseudo_labels.write(tmp_path / "labels", reader, predict, max_error=1.0)
    given = options(pseudo_label_dir=tmp_path / "labels", celeba_dir=data / "celeba")
    found = mixture.mixture(dataclasses.replace(given, synthetic_share=0.5, single_share=0.5))
    names, weights = drawn(found.training)
    assert names == {"synthetic": 100, "celeba": 50, "img_align_celeba": 50}
    assert (weights["celeba"], weights["img_align_celeba"]) == ([0, 0], [1, 0])
    assert "labels, pseudo-labelled" in found.summary


def test_shares_above_one_are_refused(data):
    given = options(celeba_dir=data / "celeba")
    with pytest.raises(InputError, match="`synthetic_share` 0.9 and `single_share` 0.2 add up to"):
        mixture.mixture(dataclasses.replace(given, synthetic_share=0.9))
    found = mixture.mixture(dataclasses.replace(given, synthetic_share=0.8))
    assert sum(source.share for source in found.training) == pytest.approx(1)
    # Without single photos their share is ignored.
    assert mixture.mixture(options(synthetic_share=0.9))


def test_a_limit_holds_for_every_data_set(data):
    given = options(photoface_dir=data / "photoface", celeba_dir=data / "celeba")
    found = mixture.mixture(dataclasses.replace(given, limit=2, strict=True))
    names = set()
    for batch in pairs.pairs(found.training, 5, steps=30, augmented=False).as_numpy_iterator():
        names |= {name.decode() for name in batch["a"]["subject"]}
    assert {name for name in names if name.startswith("photoface")} == {
        "photoface-1001",
        "photoface-1002",
    }


@pytest.mark.parametrize(
    "flag", ["yale_b_dir", "photoface_dir", "multilit_dir", "sfsnet_dir", "celeba_dir"]
)
def test_a_folder_that_is_not_there_is_one_clear_line(flag, tmp_path):
    with pytest.raises(InputError, match="No such folder: .*nowhere"):
        mixture.mixture(options(**{flag: tmp_path / "nowhere"}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty"):
        mixture.mixture(options(**{flag: tmp_path / "empty"}))


def test_without_real_people_nothing_is_held_out(data):
    found = mixture.mixture(options())
    assert found.held_out is None and "best weights" not in found.summary


def test_real_people_without_a_validation_split_say_so(data):
    for name, folder in (("yale_b_dir", "yale"), ("multilit_dir", "multilit")):
        found = mixture.mixture(options(**{name: data / folder}))
        assert found.held_out is None
        assert found.summary.endswith(
            "The best weights are chosen on synthetic people, because no real ones are held out."
        )


@pytest.mark.parametrize("count, people", [(1, "1 person"), (2, "2 people")])
def test_people_held_out_are_counted_in_words(tmp_path, count, people):
    held_out = [f"validation/p{number}" for number in range(count)]
    folders.multilit(tmp_path, ["train/anna", "train/bo", *held_out])
    found = mixture.mixture(options(multilit_dir=tmp_path))
    assert found.held_out.name.startswith(f"{people} held out of ")


def test_people_for_validation_are_held_out(data, tmp_path):
    folders.multilit(tmp_path / "own", ["train/anna", "train/bo", "validation/cy", "test/dan"])
    # Of Photoface's people of the fixture, those that their names' hash puts there.
    photoface = {f"photoface-{n}" for n in range(1001, 1005)}
    reader = photoface_reader.PhotofaceReader(data / "photoface", SIZE)
    theirs = set(reader.people("validation"))
    assert theirs <= photoface
    found = mixture.mixture(
        options(multilit_dir=tmp_path / "own", photoface_dir=data / "photoface")
    )
    batches = list(pairs.pairs([found.held_out], 1, shuffle=False, augmented=False))
    names = {one["a"]["subject"].numpy()[0].decode() for one in batches}
    assert names == {"multilit-cy"} | theirs
    for one in batches:
        assert not any(one["a"][f"has_{label}"].numpy().any() for label in portrait.LABELS)
    people = "1 person" if len(names) == 1 else f"{len(names)} people"
    assert f"The best weights are chosen on {people} held out of" in found.summary
    trained = {name for source in found.training for name in source.subjects or ()}
    assert not trained & names
