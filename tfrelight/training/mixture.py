"""What a run trains on: built-in synthetic portraits and multi-lit photos, in shares.

The multi-lit photos are Extended Yale B where its folder is given. Without any dataset, built-in
subjects stand in for them, their labels hidden.
"""

import dataclasses
import os

from tfrelight.data import records, synthetic, yale_b
from tfrelight.data.pairs import Source
from tfrelight.errors import InputError
from tfrelight.synthesis import portraits

__all__ = ["Mixture", "mixture"]

# Built-in subjects, beside the training ones, on which every run is validated.
VALIDATION_SUBJECTS = 32


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Sources to train on, the source to validate on, and a line of what they are for people."""

    training: list[Source]
    validation: Source
    summary: str


def mixture(options):
    """Makes or finds the records that a run needs.

    Args:
      options: the run's settings, `tfrelight.train`'s flags by name.

    Returns:
      `Mixture`. Of the multi-lit subjects the first `labelled_multilit_subjects` keep their labels.

    Raises:
      InputError: a data folder is missing or holds no pairs, or more labelled subjects are asked
        for than there are.
    """
    share, rendered = options["synthetic_share"], options["synthetic_dir"]
    whose = f" of {rendered}" if rendered else ""
    if options["yale_b_subjects"] and not options["yale_b_dir"]:
        raise InputError(
            "--yale_b_subjects names people of Extended Yale B. Give --yale_b_dir too."
        )

    labelled_names, labelled_files = [], []
    if options["yale_b_dir"]:
        name = "Extended Yale B"
        multilit_names, multilit_files = _yale_b(options)
        if share > 0:
            labelled_names, labelled_files = _synthetic(options, "train")
        summary = (
            f"Training on {len(labelled_names)} labelled synthetic subjects{whose} and "
            f"{len(multilit_names)} subjects of {name} as multi-lit photos."
        )
    else:
        name = "the synthetic portraits"
        multilit_names, multilit_files = _synthetic(options, "train")
        labelled_files = multilit_files
        if share == 1:
            labelled_names, multilit_names = multilit_names, []
        elif share > 0:
            half = len(multilit_names) // 2
            labelled_names, multilit_names = multilit_names[:half], multilit_names[half:]
        summary = (
            f"Training on synthetic portraits{whose} alone: {len(labelled_names)} labelled "
            f"subjects, and {len(multilit_names)} in place of multi-lit photos, their labels "
            "hidden. For real photos give --yale_b_dir."
        )

    known = options["labelled_multilit_subjects"]
    if known > len(multilit_names):
        raise InputError(
            f"Invalid --labelled_multilit_subjects. Expected at most {len(multilit_names)}, the "
            f"multi-lit subjects there are. Received: {known}."
        )
    known_share = options["labelled_multilit_share"] if known else 0.0
    if known == len(multilit_names):
        known_share = 1.0
    if known:
        summary += f" {known} of the multi-lit subjects keep their labels."
    training = [
        Source("the synthetic portraits", labelled_files, share, True, tuple(labelled_names)),
        Source(
            name, multilit_files, (1 - share) * known_share, True, tuple(multilit_names[:known])
        ),
        Source(
            name,
            multilit_files,
            (1 - share) * (1 - known_share),
            False,
            tuple(multilit_names[known:]),
        ),
    ]
    names, files = _synthetic(options, "validation")
    validation = Source("the synthetic portraits (validation)", files, subjects=tuple(names))
    return Mixture([source for source in training if source.share > 0], validation, summary)


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


def _yale_b(options):
    """Ids and record files of Extended Yale B's training subjects."""
    folder, size = options["yale_b_dir"], options["size"]
    present = yale_b.subjects_in(folder)
    ids = options["yale_b_subjects"] or [i for i in yale_b.DEVELOPMENT_TRAIN if i in present]
    for number in ids:
        yale_b.folder_of(folder, number)
    if not ids:
        raise InputError(
            f"None of the training subjects {', '.join(yale_b.DEVELOPMENT_TRAIN)} is in {folder}. "
            "Name those to train on with --yale_b_subjects."
        )
    labels = "photometric_stereo" if options["labelled_multilit_subjects"] else "none"

    def subjects(indices):
        return yale_b.subjects(
            folder,
            ids=[ids[i] for i in indices],
            size=size,
            labels=labels,
            strict=options["strict"],
        )

    # Files that were changed, added or removed since make new records.
    files = sorted(
        (entry.name, entry.stat().st_size, entry.stat().st_mtime_ns)
        for number in ids
        for entry in os.scandir(os.path.join(folder, f"yaleB{number}"))
    )
    key = {
        "version": yale_b.VERSION,
        "size": size,
        "labels": labels,
        "files": files,
        "strict": options["strict"],
    }
    return [f"yaleB{number}" for number in ids], records.cached("yale_b", key, len(ids), subjects)
