"""What a run trains on: labelled synthetic portraits, multi-lit photos, and single ones, in shares.

Each data set takes part where its folder is given. Without multi-lit photos, synthetic subjects
stand in for them, their labels hidden.
"""

import dataclasses

import tensorflow as tf

from tfrelight.data import (
    celeba,
    multilit,
    photoface,
    pseudo_labels,
    records,
    sfsnet_synthetic,
    synthetic,
    yale_b,
)
from tfrelight.data.pairs import Source
from tfrelight.errors import InputError
from tfrelight.synthesis import portraits

__all__ = ["Mixture", "mixture"]

# Built-in subjects, beside the training ones, on which every run is validated.
VALIDATION_SUBJECTS = 32

# Parts of a mixture, as --rendered_targets names them.
RENDERED_TARGETS = ("synthetic", "multilit", "single")

# Subjects of SfSNet that are looked at to tell whether there are pairs.
_PEEK = 64


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Sources to train on, the source to validate on, and a line of what they are for people."""

    training: list[Source]
    validation: Source
    summary: str


@dataclasses.dataclass(frozen=True)
class _Set:
    """People of one data set; `files` hold their records, and `alone` those of nobody else."""

    name: str
    people: list[str]
    files: list[str]
    alone: bool = True

    def source(self, share, labelled, people, rendered=True):
        """A source of some of the people."""
        everybody = self.alone and len(people) == len(self.people)
        people = None if everybody else tuple(people)
        return Source(self.name, self.files, share, labelled, people, rendered=rendered)


def mixture(options):
    """Makes or finds the records that a run needs.

    Args:
      options: the run's settings, `tfrelight.train`'s flags by name.

    Returns:
      `Mixture`. Of the people of the multi-lit data sets, in the order of the flags, the first
      `labelled_multilit_subjects` keep their labels and have `labelled_multilit_share` of the
      multi-lit pairs; the rest is in equal parts of the data sets. With 0 everybody has the same.

    Raises:
      InputError: a data folder is missing or holds no pairs, the shares come to more than 1, or
        more labelled subjects are asked for than there are.
    """
    if options["yale_b_subjects"] and not options["yale_b_dir"]:
        raise InputError(
            "--yale_b_subjects names people of Extended Yale B. Give --yale_b_dir too."
        )
    rendered_of = options["rendered_targets"]
    unknown = sorted(set(rendered_of) - set(RENDERED_TARGETS))
    if unknown:
        raise InputError(
            "Invalid --rendered_targets. Expected some of: "
            f"{', '.join(RENDERED_TARGETS)}. Received: {unknown[0]!r}."
        )
    singles = _singles(options)
    share = options["synthetic_share"]
    single_share = options["single_share"] if singles else 0.0
    # Rounded: 1 - 0.8 - 0.2 is a little below 0.
    rest = round(1 - share - single_share, 9)
    if rest < 0:
        raise InputError(
            f"--synthetic_share={share:g} and --single_share={single_share:g} come to more than 1. "
            "Lower one of them."
        )

    sets = _multilit(options)
    rendered = options["synthetic_dir"]
    whose = f" of {rendered}" if rendered else ""
    training, said = [], []
    if share > 0 and options["sfsnet_dir"]:
        source = _sfsnet(options, share)
        training.append(dataclasses.replace(source, rendered="synthetic" in rendered_of))
        said.append("SfSNet's labelled synthetic faces")
    stand_in = rest > 0 and not sets
    if stand_in or (share > 0 and not options["sfsnet_dir"]):
        built_in = _Set("the synthetic portraits", *_synthetic(options, "train"), alone=False)
        labelled = [] if training or share == 0 else built_in.people
        if stand_in:
            labelled = labelled[: len(labelled) // 2]
            others = built_in.people[len(labelled) :]
            sets = [dataclasses.replace(built_in, people=others)]
        if labelled:
            training.append(built_in.source(share, True, labelled, "synthetic" in rendered_of))
            said.append(f"{len(labelled)} labelled synthetic subjects{whose}")
    if stand_in:
        said.append(
            f"{len(sets[0].people)} synthetic subjects{whose} in place of multi-lit photos, their "
            "labels hidden (for real photos give --yale_b_dir, --photoface_dir or --multilit_dir)"
        )
    else:
        said += [f"{len(found.people)} people of {found.name}, multi-lit" for found in sets]
    training += _shared_out(sets, rest, options)
    known = options["labelled_multilit_subjects"]
    if known:
        said.append(f"{known} of the multi-lit people keep their labels")
    for name, files, labelled in singles:
        part = single_share / len(singles)
        training.append(
            Source(name, files, part, labelled, multilit=False, rendered="single" in rendered_of)
        )
        said.append(f"single photos of {name}")
    names, files = _synthetic(options, "validation")
    return Mixture(
        [source for source in training if source.share > 0],
        Source("the synthetic portraits (validation)", files, subjects=tuple(names)),
        f"Training on: {'; '.join(said)}.",
    )


def _shared_out(sets, share, options):
    """Sources of the multi-lit sets: the first people labelled, the others not."""
    known, total = options["labelled_multilit_subjects"], sum(len(found.people) for found in sets)
    if known > total:
        raise InputError(
            f"Invalid --labelled_multilit_subjects. Expected at most {total}, the multi-lit "
            f"subjects there are. Received: {known}."
        )
    wanted = options["labelled_multilit_share"]
    known_share = wanted if 0 < known < total else float(known > 0)
    labelled, hidden, left = [], [], known
    for found in sets:
        if found.people[:left]:
            labelled.append((found, found.people[:left]))
        if found.people[left:]:
            hidden.append((found, found.people[left:]))
        left -= len(found.people[:left])

    def part(people, with_labels):
        if wanted == 0:
            return share * len(people) / total
        if with_labels:
            return share * known_share * len(people) / known
        return share * (1 - known_share) / len(hidden)

    return [
        found.source(part(people, True), True, people, "multilit" in options["rendered_targets"])
        for found, people in labelled
    ] + [found.source(part(people, False), False, people) for found, people in hidden]


def _synthetic(options, split):
    """Ids and record files of a split: of the set in --synthetic_dir, or rendered now."""
    folder, size = options["synthetic_dir"], options["size"]
    if folder:
        from tfrelight.synthesis import dataset  # needs TensorFlow Datasets, slow to import

        names, files = dataset.names(folder, split, size), dataset.files(folder, split)
        return (names if split == "train" else names[:VALIDATION_SUBJECTS]), files
    settings = portraits.Settings(
        lights=options["synthetic_lights"], size=size, seed=options["synthetic_seed"]
    )
    count = options["synthetic_subjects"] if split == "train" else VALIDATION_SUBJECTS
    return synthetic.names(settings, split, count), synthetic.rendered(settings, split, count)


def _read(reader, options):
    return reader.records("train", options["limit"] or None, options["strict"])


def _multilit(options):
    """The multi-lit data sets whose folders are given."""
    size, labelled = options["size"], options["labelled_multilit_subjects"] > 0
    readers = []
    if options["yale_b_dir"]:
        readers.append(
            yale_b.ExtendedYaleB(
                options["yale_b_dir"], size, labelled, people=options["yale_b_subjects"]
            )
        )
    if options["photoface_dir"]:
        readers.append(photoface.Photoface(options["photoface_dir"], size, labelled))
    if options["multilit_dir"]:
        readers.append(multilit.MultilitFolder(options["multilit_dir"], size, labelled))
    return [
        _Set(
            reader.title,
            reader.people("train", options["limit"] or None),
            _read(reader, options),
        )
        for reader in readers
    ]


def _sfsnet(options, share):
    """SfSNet's faces: in pairs if a person is in one pose under several lights, else one by one."""
    reader = sfsnet_synthetic.SfsnetSynthetic(options["sfsnet_dir"], options["size"])
    files = _read(reader, options)
    first = tf.data.TFRecordDataset(files).take(_PEEK)
    photos = [len(records.parse(record)["images"]) for record in first]
    in_pairs = sum(count >= 2 for count in photos) > len(photos) / 2
    return Source(reader.title, files, share, multilit=in_pairs)


def _singles(options):
    """Single photos: name, record files, and whether they have labels."""
    found = []
    if options["celeba_dir"]:
        reader = celeba.CelebA(options["celeba_dir"], options["size"])
        found.append((reader.title, _read(reader, options), False))
    if options["pseudo_label_dir"]:
        files = pseudo_labels.files(options["pseudo_label_dir"], options["size"])
        found.append((f"{options['pseudo_label_dir']}, pseudo-labelled", files, True))
    return found
