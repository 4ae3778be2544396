"""Relights photos with the network of a server.

`python -m tfrelight.serving.client --server=localhost:8500 photo.jpg --light=left` writes
`out/photo.jpg`. Arguments are photos and folders of photos. Faces are detected here and only crops
of them travel; the photos keep their size and format. With --crop each photo is a crop of one
upright face, and travels as it is; the server relights it to `out/photo.png`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from absl import flags

from tfrelight.commands import app
from tfrelight.serving import defaults
from tfrelight.serving.client.channel import MAX_ATTEMPTS

if TYPE_CHECKING:
    from pathlib import Path

flags.DEFINE_string(
    "server", f"localhost:{defaults.GRPC_PORT}", "gRPC address of the server, host:port."
)
flags.DEFINE_string("light", "left", "Name of the new light.")
flags.DEFINE_bool(
    "crop", False, "Expect a crop of one upright face in each photo; do not detect faces."
)
flags.DEFINE_enum(
    "what", "person", ("person", "head", "face"), "Part of each person to relight; not for --crop."
)
flags.DEFINE_string("output_dir", "out", "Folder to write to; created if missing.")
flags.DEFINE_bool("overwrite", False, "Replace existing pictures.")
flags.DEFINE_bool("mark", True, "Say in the pictures' metadata that a trained model edited them.")
flags.DEFINE_bool("resume", False, "Skip photos whose pictures exist.")
flags.DEFINE_string("model", defaults.MODEL_NAME, "Name of the model.")
flags.DEFINE_integer("model_version", None, "Version; default: the latest.", lower_bound=0)
flags.DEFINE_string("model_label", None, "Label of the version, such as stable.")
flags.DEFINE_float("timeout", 60.0, "Seconds per photo, all attempts together.", lower_bound=0)
flags.DEFINE_integer(
    "attempts", MAX_ATTEMPTS, "Attempts per photo while the server is unavailable.", 1, MAX_ATTEMPTS
)
flags.DEFINE_integer("concurrency", 8, "Photos in flight at a time, for --crop.", lower_bound=1)
flags.DEFINE_bool("tls", False, "Encrypt the connection; implied by the other --tls flags.")
flags.DEFINE_string("tls_ca", None, "PEM file of the authority of the server's certificate.")
flags.DEFINE_string("tls_certificate", None, "PEM file of the client's certificate.")
flags.DEFINE_string("tls_key", None, "PEM file of its key.")


def _tls(values):
    from pathlib import Path

    from tfrelight.serving import client

    names = ("tls_ca", "tls_certificate", "tls_key")
    paths = [values[name].value for name in names]
    if not values.tls and not any(paths):
        return None
    return client.TLS(*(path and Path(path).read_bytes() for path in paths))


def targets(
    photos: list[Path],
    output_dir: Path | str,
    overwrite: bool = False,
    resume: bool = False,
    crop: bool = True,
) -> dict[Path, Path]:
    """The picture to write for each photo. Creates the folder.

    Args:
      photos: paths.
      output_dir: folder of the pictures.
      overwrite: whether existing pictures are replaced.
      resume: whether photos whose pictures exist are left out.
      crop: whether the pictures are the server's PNG files, or in the photos' own formats.

    Raises:
      InputError: two photos have the same target, or a target exists.
    """
    from pathlib import Path

    from tfrelight.commands import many_photos
    from tfrelight.errors import InputError

    found: dict[Path, Path] = {}
    for photo in photos:
        name = f"{photo.stem}.png" if crop else many_photos.writable_name(photo)
        target = Path(output_dir) / name
        if target in found.values():
            raise InputError(f"Two photos would be written to {target}. Rename one.")
        if target.exists() and not (overwrite or resume):
            raise InputError(
                f"{target} exists. Remove it, replace it with --overwrite, or skip its photo with "
                "--resume."
            )
        found[photo] = target
    Path(output_dir).mkdir(parents=True, exist_ok=True)
    return {photo: target for photo, target in found.items() if not (resume and target.exists())}


async def _relight(targets, light, values, tls):
    """Writes the pictures and prints the path of each. Returns whether all were written."""
    import tqdm

    from tfrelight import files
    from tfrelight.serving import client

    written = failed = 0
    # Consecutive results for which the server, not the photo, is to blame.
    unserved = []

    async with client.AsyncClient(
        values.server, model=values.model, **_options(values, tls)
    ) as server:
        results = server.relight_many(targets, light, values.concurrency, values.mark)
        with tqdm.tqdm(total=len(targets), unit="photo", disable=None) as bar:
            async for photo, result in results:
                bar.update()
                if isinstance(result, client.TLSError):
                    raise result
                if isinstance(result, (client.Unavailable, client.NotServed)):
                    unserved.append((photo, result))
                    if len(unserved) == values.concurrency:
                        # Everything in flight failed this way; the rest would, too.
                        break
                    continue
                for earlier in unserved:
                    _report(*earlier)
                failed += len(unserved)
                unserved.clear()
                if isinstance(result, Exception):
                    _report(photo, result)
                    failed += 1
                else:
                    with files.replacing(targets[photo]) as aside:
                        aside.write_bytes(result)
                    tqdm.tqdm.write(str(targets[photo]))
                    written += 1
        await results.aclose()
    if unserved:
        _report_left(unserved[-1][1], len(targets) - written - failed, len(targets))
    return written == len(targets)


def _options(values, tls):
    """Further arguments of a client."""
    return {
        "version": values.model_version,
        "label": values.model_label,
        "timeout": values.timeout,
        "attempts": values.attempts,
        "tls": tls,
    }


def _report(photo, error):
    import sys

    import tqdm

    text = " ".join(str(error).split()).replace("`whole_image=True`", "--crop")
    # Errors of `photos.read` already name the file.
    named = text if str(photo) in text else f"{photo}: {text}"
    tqdm.tqdm.write(f"error: {named}", file=sys.stderr)


def _report_left(error, left, total):
    import sys

    text = " ".join(str(error).split())
    text += f" {left} of {total} photos are left: run again with --resume."
    print(f"error: {text}", file=sys.stderr)


def _relight_faces(targets, light, values, tls):
    """Like `_relight`, for whole photos: faces are detected here."""
    import tqdm

    from tfrelight.errors import InputError
    from tfrelight.faces import find
    from tfrelight.relighting import pipeline
    from tfrelight.serving import client
    from tfrelight.serving.remote import RemoteModel

    def write(decomposed, photo):
        decomposed.relight(light).save(targets[photo], overwrite=True, mark=values.mark)

    find.load()
    done = failed = 0
    with RemoteModel(values.server, values.model, **_options(values, tls)) as model:
        results = pipeline.in_groups(targets, write, model, what=values.what)
        try:
            with tqdm.tqdm(total=len(targets), unit="photo", disable=None) as bar:
                for photo, result in zip(targets, results):
                    bar.update()
                    done += 1
                    if isinstance(result, InputError):
                        _report(photo, result)
                        failed += 1
                    else:
                        tqdm.tqdm.write(str(targets[photo]))
        except client.ServingError as error:
            _report_left(error, len(targets) - done, len(targets))
            return False
    return not failed


def main(arguments: list[str]) -> int:
    """Relights the photos.

    Args:
      arguments: photos and folders of photos.

    Returns:
      exit status: 0, or 1 if a photo failed.
    """
    import asyncio
    import os
    import sys

    from tfrelight import lights
    from tfrelight.errors import InputError
    from tfrelight.serving.client import photos

    values = flags.FLAGS
    if values.overwrite and values.resume:
        raise InputError("Expected --overwrite or --resume. Received both.")
    if values.crop and values.what != "person":
        raise InputError(f"--what={values.what} is for whole photos. Received --crop as well.")
    # gRPC would log every attempt; the error says what is wrong.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    light, tls = lights.Light.preset(values.light), _tls(values)
    found = targets(
        photos.find(arguments), values.output_dir, values.overwrite, values.resume, values.crop
    )
    if not found:
        print(f"Every photo has its picture in {values.output_dir}.", file=sys.stderr)
        return 0
    if values.crop:
        return 0 if asyncio.run(_relight(found, light, values, tls)) else 1
    return 0 if _relight_faces(found, light, values, tls) else 1


if __name__ == "__main__":
    app.run(main, arguments="photo")
