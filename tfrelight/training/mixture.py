"""The training mixture: shares of labelled synthetic portraits, multi-lit photos and single photos.

A data set takes part if its folder is given. Without multi-lit photos, synthetic subjects with
hidden labels replace them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from tfrelight.data import images, records
from tfrelight.data.datasets import celeba, multilit, photoface, sfsnet_synthetic, yale_b
from tfrelight.data.datasets.reader import Reader
from tfrelight.data.pairs import Source
from tfrelight.errors import InputError
from tfrelight.synthesis import cache, portraits
from tfrelight.training import pseudo_labels
from tfrelight.training.config import TrainConfig

__all__ = ["RENDERED_TARGETS", "VALIDATION_SUBJECTS", "Mixture", "mixture"]

# Built-in subjects that validate every run; none of them is a training subject.
VALIDATION_SUBJECTS = 32

# The values of `rendered_targets`: the parts of a mixture.
RENDERED_TARGETS = ("synthetic", "multilit", "single")

# The first subjects of SfSNet; they show whether the data set consists of pairs.
_FIRST_SUBJECTS = 64


@dataclasses.dataclass(frozen=True)
class Mixture:
    """What a run trains on.

    Attributes:
      training: sources to train on.
      validation: source to validate on: synthetic portraits, whatever the run trains on.
      held_out: source of real multi-lit people, no training people among them, who choose the best
        weights; None if the data sets hold none out.
      summary: a line that describes them.
    """

    training: list[Source]
    validation: Source
    held_out: Source | None
    summary: str


@dataclasses.dataclass(frozen=True)
class _DataSet:
    """People of one data set.

    Attributes:
      name: for messages.
      people: ids of the people.
      files: their records.
      exclusive: the files hold no records of other people.
    """

    name: str
    people: list[str]
    files: list[str]
    exclusive: bool = True

    def source(
        self, share: float, labelled: bool, people: Sequence[str], rendered: bool = True
    ) -> Source:
        """A source of some of the people."""
        everybody = self.exclusive and len(people) == len(self.people)
        subjects = None if everybody else tuple(people)
        return Source(self.name, self.files, share, labelled, subjects, rendered=rendered)


def mixture(config: TrainConfig) -> Mixture:
    """Finds or makes the records that a run needs.

    The first `labelled_multilit_subjects` of the multi-lit people, in the order of the flags, keep
    their labels and get `labelled_multilit_share` of the multi-lit pairs. The other data sets share
    the rest equally. With a share of 0 all people are drawn equally often.

    Raises:
      InputError: a data folder is missing or holds no pairs, the shares add up to more than 1, or
        there are fewer multi-lit people than `labelled_multilit_subjects`.
    """
    rendered_targets = config.rendered_targets
    unknown = sorted(set(rendered_targets) - set(RENDERED_TARGETS))
    if unknown:
        raise InputError(
            "Invalid `rendered_targets`. Expected some of: "
            f"{', '.join(RENDERED_TARGETS)}. Received: {unknown[0]!r}."
        )
    singles = _singles(config)
    share = config.synthetic_share
    single_share = config.single_share if singles else 0.0
    # Rounded, because 1 - 0.8 - 0.2 is slightly below 0.
    rest = round(1 - share - single_share, 9)
    if rest < 0:
        raise InputError(
            f"`synthetic_share` {share:g} and `single_share` {single_share:g} add up to more than "
            "1. Lower one of them."
        )

    data_sets = _multilit(config)
    origin = f" of {config.synthetic_dir}" if config.synthetic_dir else ""
    training: list[Source] = []
    summary = []
    if share > 0 and config.sfsnet_dir:
        source = _sfsnet(config, share)
        training.append(dataclasses.replace(source, rendered="synthetic" in rendered_targets))
        summary.append("SfSNet's labelled synthetic faces")
    replace_photos = rest > 0 and not data_sets
    if replace_photos or (share > 0 and not config.sfsnet_dir):
        names, files = _synthetic(config, "train")
        built_in = _DataSet("the synthetic portraits", names, files, exclusive=False)
        labelled = [] if training or share == 0 else built_in.people
        if replace_photos:
            labelled = labelled[: len(labelled) // 2]
            others = built_in.people[len(labelled) :]
            data_sets = [dataclasses.replace(built_in, people=others)]
        if labelled:
            training.append(built_in.source(share, True, labelled, "synthetic" in rendered_targets))
            summary.append(f"{len(labelled)} labelled synthetic subjects{origin}")
    if replace_photos:
        summary.append(
            f"{len(data_sets[0].people)} synthetic subjects{origin} with hidden labels in place of "
            "multi-lit photos"
        )
    else:
        summary += [f"{len(found.people)} multi-lit people of {found.name}" for found in data_sets]
        if config.multilit_dir:
            # Nothing here detects faces, and a square of a whole photo may hold none.
            endings = ",".join(images.SUFFIXES)
            summary[-1] += (
                f" ({config.multilit_dir}/PERSON/photo*{{{endings}}}; of each photo the central "
                "square: crop wider ones to the head)"
            )
    training += _multilit_sources(data_sets, rest, config)
    known = config.labelled_multilit_subjects
    if known:
        summary.append(f"{known} of the multi-lit people keep their labels")
    for name, files, has_labels in singles:
        part = single_share / len(singles)
        rendered = "single" in rendered_targets
        training.append(Source(name, files, part, has_labels, multilit=False, rendered=rendered))
        summary.append(f"single photos of {name}")
    names, files = _synthetic(config, "validation")
    real = not replace_photos and bool(data_sets)
    held_out = _held_out(config) if real else None
    return Mixture(
        [source for source in training if source.share > 0],
        Source("the synthetic portraits (validation)", files, subjects=tuple(names)),
        held_out,
        f"Training on: {'; '.join(summary)}.{_chosen_on(held_out, real)}",
    )


def _multilit_sources(data_sets, share, config):
    """Sources of the multi-lit data sets: the first people with labels, the others without."""
    known = config.labelled_multilit_subjects
    total = sum(len(data_set.people) for data_set in data_sets)
    if known > total:
        raise InputError(
            f"Invalid `labelled_multilit_subjects`. Expected at most {total}, the number of "
            f"multi-lit subjects. Received: {known}."
        )
    given_share = config.labelled_multilit_share
    known_share = given_share if 0 < known < total else float(known > 0)
    labelled, hidden, left = [], [], known
    for data_set in data_sets:
        if data_set.people[:left]:
            labelled.append((data_set, data_set.people[:left]))
        if data_set.people[left:]:
            hidden.append((data_set, data_set.people[left:]))
        left -= len(data_set.people[:left])

    def part(people, with_labels):
        if given_share == 0:
            return share * len(people) / total
        if with_labels:
            return share * known_share * len(people) / known
        return share * (1 - known_share) / len(hidden)

    return [
        data_set.source(part(people, True), True, people, "multilit" in config.rendered_targets)
        for data_set, people in labelled
    ] + [data_set.source(part(people, False), False, people) for data_set, people in hidden]


def _synthetic(config, split):
    """Ids and record files of a split, from `synthetic_dir` or rendered now."""
    folder, size = config.synthetic_dir, config.size
    if folder:
        from tfrelight.synthesis import dataset  # imports TensorFlow Datasets, which is slow

        names, files = dataset.names(folder, split, size), dataset.files(folder, split)
        return (names if split == "train" else names[:VALIDATION_SUBJECTS]), files
    settings = portraits.PortraitConfig(
        lights=config.synthetic_lights, size=size, seed=config.synthetic_seed
    )
    count = config.synthetic_subjects if split == "train" else VALIDATION_SUBJECTS
    return cache.names(settings, split, count), cache.rendered(settings, split, count)


def _read(reader, config):
    return reader.records("train", config.limit or None, config.strict)


def _readers(config: TrainConfig, labelled: bool) -> list[Reader]:
    """The readers of the multi-lit data sets whose folders are given."""
    size = config.size
    readers: list[Reader] = []
    if config.yale_b_dir:
        readers.append(
            yale_b.YaleBReader(config.yale_b_dir, size, labelled, people=config.yale_b_subjects)
        )
    if config.photoface_dir:
        readers.append(photoface.PhotofaceReader(config.photoface_dir, size, labelled))
    if config.multilit_dir:
        readers.append(multilit.MultilitReader(config.multilit_dir, size, labelled))
    return readers


def _multilit(config):
    """The training people of the multi-lit data sets."""
    readers = _readers(config, config.labelled_multilit_subjects > 0)
    return [
        _DataSet(
            reader.title,
            reader.people("train", config.limit or None),
            _read(reader, config),
        )
        for reader in readers
    ]


def _held_out(config: TrainConfig) -> Source | None:
    """The people of the multi-lit data sets' split `validation`, without labels."""
    limit = min(config.limit or VALIDATION_SUBJECTS, VALIDATION_SUBJECTS)
    names: list[str] = []
    people: list[str] = []
    files: list[str] = []
    for reader in _readers(config, labelled=False):
        found = reader.people("validation", limit) if "validation" in reader.splits else []
        if found:
            names.append(reader.title)
            people += found
            files += reader.records("validation", limit, config.strict)
    if not people:
        return None
    counted = "1 person" if len(people) == 1 else f"{len(people)} people"
    what = f"{counted} held out of {' and '.join(names)}"
    return Source(what, files, labelled=False)


def _chosen_on(held_out, real):
    """A sentence on what chooses a run's best weights; none for a run on synthetic people alone."""
    if held_out is not None:
        return f" The best weights are chosen on {held_out.name}."
    if real:
        return (
            " The best weights are chosen on synthetic people, because no real ones are held out."
        )
    return ""


def _sfsnet(config, share):
    """SfSNet's faces: multi-lit pairs if most subjects have several lights, else single photos."""
    reader = sfsnet_synthetic.SfsnetReader(config.sfsnet_dir, config.size)
    files = _read(reader, config)
    first = tf.data.TFRecordDataset(files).take(_FIRST_SUBJECTS)
    photos = [len(records.parse(record)["images"]) for record in first]
    in_pairs = sum(count >= 2 for count in photos) > len(photos) / 2
    return Source(reader.title, files, share, multilit=in_pairs)


def _singles(config):
    """The data sets of single photos: name, record files, and whether they have labels."""
    found = []
    if config.celeba_dir:
        reader = celeba.CelebAReader(config.celeba_dir, config.size)
        found.append((reader.title, _read(reader, config), False))
    if config.pseudo_label_dir:
        files = pseudo_labels.files(config.pseudo_label_dir, config.size)
        found.append((f"{config.pseudo_label_dir}, pseudo-labelled", files, True))
    return found
