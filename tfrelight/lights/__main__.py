"""Shows lights on spheres: `python -m tfrelight.lights --list`, or the one that flags describe.

Draws on the terminal, or with --output into a picture. It can also save a light for --light_file:
`--azimuth=40 --temperature=3000 --output=lamp.json`.
"""

from __future__ import annotations

import pathlib
import sys

from absl import flags

from tfrelight.commands import app, light_flags

flags.DEFINE_bool("list", False, "Show every named light.")
flags.DEFINE_string("output", None, "File to write: a picture (.png), or one light (.json).")
flags.DEFINE_bool("overwrite", False, "Overwrite an existing file.")
light_flags.define(photo=False)
flags.adopt_module_key_flags(light_flags)


def main() -> None:
    """Shows or writes lights as the flags say."""
    from tfrelight import files
    from tfrelight.errors import InputError
    from tfrelight.lights import PRESETS, Light, sphere
    from tfrelight.photos import pictures

    if flags.FLAGS.list:
        lights = {name: Light.preset(name) for name in PRESETS}
        notes = {name: preset.description for name, preset in PRESETS.items()}
    else:
        request = light_flags.requested()
        if request.source is None:
            raise InputError("No light given. Expected --list, --light=NAME or another light.")
        # Exposure 1, as on a portrait; the bound keeps a light from behind from being blown up.
        light = request.light()
        lights = {"light": light * (2.0**request.exposure / max(light.exposure, 0.2))}
        notes = {"light": repr(lights["light"])}
    output = flags.FLAGS.output
    if output is None:
        _print(lights, notes)
        return
    files.check_new(output, flags.FLAGS.overwrite)
    suffix = pathlib.Path(output).suffix.lower()
    if suffix == ".json" and not flags.FLAGS.list:
        lights["light"].save(output)
    elif suffix != ".png":
        raise InputError(f"Invalid --output={output}. Expected a name that ends in .png.")
    elif flags.FLAGS.list:
        pictures.save(output, sphere.sheet(lights))
    else:
        pictures.save(output, lights["light"].sphere(256))
    print(output)


def _print(lights, notes):
    """Prints names and notes, beside spheres if stdout is a terminal."""
    from tfrelight.lights import sphere

    width = max(map(len, lights)) + 2
    for name, light in lights.items():
        line = f"{name:{width}}{notes[name]}"
        if not sys.stdout.isatty():
            print(line)
            continue
        rows = sphere.terminal(light.coefficients)
        for number, row in enumerate(rows):
            print(f"{row}  {line if number == len(rows) // 2 else ''}")


if __name__ == "__main__":
    app.run(main)
