"""Shows lights: `python -m tfrelight.lights --list`, or one that the other flags describe.

Each is drawn as a sphere: on the terminal, or with --output into a picture. A light of its own can
also be saved, for --light_file: `--azimuth=40 --temperature=3000 --output=lamp.json`.
"""

import pathlib
import sys

from absl import flags

from tfrelight import cli, light_flags

flags.DEFINE_bool("list", False, "Show every light that has a name.")
flags.DEFINE_string("output", None, "Picture (.png) to write; of one light also .json.")
light_flags.define(photo=False)
flags.adopt_module_key_flags(light_flags)


def main():
    """Shows or writes what the flags say."""
    from tfrelight import pictures
    from tfrelight.errors import InputError
    from tfrelight.lights import PRESETS, Light, sphere

    if flags.FLAGS.list:
        lights = {name: Light.preset(name) for name in PRESETS}
        notes = {name: preset.description for name, preset in PRESETS.items()}
    else:
        wanted = light_flags.wanted()
        if wanted.source is None:
            raise InputError("Which light? Expected --list, --light=NAME or another light.")
        # As bright as a portrait would be; a light from behind is not turned up without end.
        light = wanted.light()
        lights = {"light": light * (2.0**wanted.exposure / max(light.exposure, 0.2))}
        notes = {"light": repr(lights["light"])}
    output = flags.FLAGS.output
    if output is None:
        _print(lights, notes)
        return
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
    """Spheres beside names; names alone where the output is no terminal."""
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
    cli.run(main)
