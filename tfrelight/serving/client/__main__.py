"""Relights photos on a server.

`python -m tfrelight.serving.client --server=localhost:8500 photo.jpg --light=left` writes
`out/photo.png`. Arguments are photos, and folders of photos.
"""

from absl import flags

from tfrelight import cli
from tfrelight.serving import defaults

flags.DEFINE_string("server", f"localhost:{defaults.GRPC_PORT}", "Its gRPC address, host:port.")
flags.DEFINE_string("light", "left", "Name of the new light.")
flags.DEFINE_string("output_dir", "out", "Folder to write to; made if it is not there.")
flags.DEFINE_bool("overwrite", False, "Replace pictures that are there.")
flags.DEFINE_bool("resume", False, "Leave out photos whose pictures are there.")
flags.DEFINE_string("model", defaults.MODEL_NAME, "Name of the model.")
flags.DEFINE_integer("model_version", None, "Its version; default: the latest.", lower_bound=0)
flags.DEFINE_string("model_label", None, "Label of its version, as stable.")
flags.DEFINE_float("timeout", 60.0, "Seconds for a photo.", lower_bound=0)
flags.DEFINE_integer("attempts", 8, "While the server is unavailable.", lower_bound=1)
flags.DEFINE_integer("concurrency", 8, "Photos at a time.", lower_bound=1)
flags.DEFINE_bool("tls", False, "Encrypt; needed where the server asks for it.")
flags.DEFINE_string("tls_ca", None, "PEM file of who signs the server's certificate.")
flags.DEFINE_string("tls_certificate", None, "PEM file of the client's certificate.")
flags.DEFINE_string("tls_key", None, "PEM file of its key.")


def _tls(values):
    from pathlib import Path

    from tfrelight.serving import client

    names = ("tls_ca", "tls_certificate", "tls_key")
    given = [values[name].value for name in names]
    if not values.tls and not any(given):
        return None
    return client.TLS(*(name and Path(name).read_bytes() for name in given))


def targets(photos, output_dir, overwrite=False, resume=False):
    """Where each photo's picture goes: dict of path to path. Makes the folder.

    Raises:
      InputError: two would go to one place, or there is one already.
    """
    from pathlib import Path

    from tfrelight.errors import InputError

    found = {}
    for photo in photos:
        target = Path(output_dir) / f"{photo.stem}.png"
        if target in found.values():
            raise InputError(f"Two photos would be written to {target}. Rename one.")
        if target.exists() and not (overwrite or resume):
            raise InputError(
                f"{target} is there already. Remove it, or give --overwrite, or --resume for the "
                "other photos alone."
            )
        found[photo] = target
    Path(output_dir).mkdir(parents=True, exist_ok=True)
    return {p: target for p, target in found.items() if not (resume and target.exists())}


async def _relight(wanted, light, values, tls):
    """Writes the pictures and says so, one a line; whether all are there."""
    import sys

    import tqdm

    from tfrelight import files
    from tfrelight.serving import client

    done = failed = 0
    # Of the last answers: what may be no photo's fault.
    gone = []

    def say(photo, error):
        text = " ".join(str(error).split())
        tqdm.tqdm.write(f"error: {photo}: {text}", file=sys.stderr)

    async with client.AsyncClient(
        values.server,
        model=values.model,
        version=values.model_version,
        label=values.model_label,
        timeout=values.timeout,
        attempts=values.attempts,
        tls=tls,
    ) as server:
        results = server.relight_many(wanted, light, values.concurrency)
        with tqdm.tqdm(total=len(wanted), unit="photo", disable=None) as bar:
            async for photo, result in results:
                bar.update()
                if isinstance(result, (client.Unavailable, client.NotServed)):
                    gone.append((photo, result))
                    if len(gone) == values.concurrency:
                        # As many as are on their way at a time: it would be so with all others.
                        break
                    continue
                for earlier in gone:
                    say(*earlier)
                failed += len(gone)
                gone.clear()
                if isinstance(result, Exception):
                    say(photo, result)
                    failed += 1
                else:
                    with files.replacing(wanted[photo]) as aside:
                        aside.write_bytes(result)
                    tqdm.tqdm.write(str(wanted[photo]))
                    done += 1
        await results.aclose()
    if gone:
        text = " ".join(str(gone[-1][1]).split())
        left = len(wanted) - done - failed
        text += f" {left} of {len(wanted)} photos are left: start again with --resume."
        print(f"error: {text}", file=sys.stderr)
    return done == len(wanted)


def main(arguments):
    """Relights as the flags say."""
    import asyncio

    from tfrelight import lights
    from tfrelight.errors import InputError
    from tfrelight.serving.client import photos

    values = flags.FLAGS
    if values.overwrite and values.resume:
        raise InputError("Expected --overwrite or --resume, not both.")
    light = lights.Light.preset(values.light)
    found = photos.find(arguments)
    wanted = targets(found, values.output_dir, values.overwrite, values.resume)
    return 0 if asyncio.run(_relight(wanted, light, values, _tls(values))) else 1


if __name__ == "__main__":
    cli.run(main, arguments="photo")
