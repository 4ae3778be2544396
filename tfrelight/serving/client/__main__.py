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
flags.DEFINE_string("model", defaults.MODEL_NAME, "Name of the model.")
flags.DEFINE_integer("model_version", None, "Its version; default: the latest.", lower_bound=0)
flags.DEFINE_string("model_label", None, "Label of its version, as stable.")
flags.DEFINE_float("timeout", 60.0, "Seconds for a photo.", lower_bound=0)
flags.DEFINE_integer("attempts", 5, "While the server is unavailable.", lower_bound=1)
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


def targets(photos, output_dir, overwrite):
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
        if target.exists() and not overwrite:
            raise InputError(f"{target} is there already. Remove it, or give --overwrite.")
        found[photo] = target
    Path(output_dir).mkdir(parents=True, exist_ok=True)
    return found


async def _relight(wanted, light, values, tls):
    """Writes the pictures; a dict of photo to what went wrong with it."""
    import tqdm

    from tfrelight import files
    from tfrelight.serving import client

    failed = {}
    async with client.AsyncClient(
        values.server,
        model=values.model,
        version=values.model_version,
        label=values.model_label,
        timeout=values.timeout,
        attempts=values.attempts,
        tls=tls,
    ) as server:
        with tqdm.tqdm(total=len(wanted), unit="photo", disable=None) as bar:
            async for photo, result in server.relight_many(wanted, light, values.concurrency):
                if isinstance(result, (client.Unavailable, client.NotServed)):
                    # It would be the same with every other photo.
                    raise result
                if isinstance(result, Exception):
                    failed[photo] = result
                else:
                    with files.replacing(wanted[photo]) as aside:
                        aside.write_bytes(result)
                bar.update()
    return failed


def main(arguments):
    """Relights as the flags say."""
    import asyncio
    import sys

    from tfrelight import lights
    from tfrelight.serving.client import photos

    values = flags.FLAGS
    light = lights.Light.preset(values.light)
    wanted = targets(photos.find(arguments), values.output_dir, values.overwrite)
    failed = asyncio.run(_relight(wanted, light, values, _tls(values)))
    for photo, target in wanted.items():
        if photo not in failed:
            print(target)
    for photo, error in failed.items():
        print(f"error: {photo}: {' '.join(str(error).split())}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    cli.run(main, arguments="photo")
