"""Relights many photos as a job on Apache Beam or Dask that can be interrupted and started again.

`python -m tfrelight.batch --input='photos/*.jpg' --light=left --output_dir=out` writes the pictures
to `out/relit/`, a line of JSON for each to `out/results.jsonl`, and the photos that failed, each
with the reason, to `out/failed.jsonl`. The same command later relights the remaining, new and
changed photos. Exit status: 0 if all photos are relit, 3 if some failed.
"""

from __future__ import annotations

import functools
import os

from absl import flags

from tfrelight.commands import app, cluster_flags, light_flags, photo_flags, server_flags

__all__ = ["main"]

_SOME_FAILED = 3


def _define():
    flags.DEFINE_string(
        "input",
        None,
        "Pattern of the photos: *.jpg, photos/*.jpg, photos/** for all below a folder, gs://bucket/*.jpg.",
        required=True,
    )
    flags.DEFINE_string("output_dir", None, "Folder or gs://bucket/folder.", required=True)
    photo_flags.define(overwrite=False, mark=True)
    light_flags.define()
    flags.DEFINE_bool(
        "background", False, "Give the background the brightness and colour of the light, too."
    )
    flags.DEFINE_string(
        "runner",
        "DirectRunner",
        "Apache Beam's runner: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner, ...",
    )
    flags.DEFINE_list(
        "beam_options",
        [],
        "Options of the runner, such as direct_num_workers=4,direct_running_mode=multi_processing.",
    )
    cluster_flags.define()
    server_flags.define()
    for module in (cluster_flags, photo_flags, light_flags, server_flags):
        flags.adopt_module_key_flags(module)


def _network(values):
    """The network in this process, a factory of relighters, and the network's name in settings."""
    from tfrelight.beam import relighters

    if values.server is None:
        from tfrelight.models import locating, presets

        model = photo_flags.network()
        name, path = relighters.network_name(model), values.model
        if not isinstance(locating.locate(path), presets.WeightsPreset):
            # Workers run in folders of their own.
            path = os.path.abspath(path)
        make = functools.partial(relighters.local, path, engine=values.engine, expected=name)
        return model, make, name
    import numpy as np

    from tfrelight.serving.remote import RemoteModel

    options = server_flags.options()
    model = RemoteModel(values.server, **options)
    # So that a server's error is reported once, not for every photo.
    model.predict_on_batch(np.zeros((1, model.size, model.size, 3), np.float32))
    make = functools.partial(relighters.remote, values.server, options)
    return model, make, f"{values.server_model} of a server, {values.server_label or 'highest'}"


def main() -> int:
    """Relights the photos that the flags name.

    Returns:
      exit status: 0, or 3 if photos failed.
    """
    from tfrelight import photos
    from tfrelight.beam import relight_job, relighters
    from tfrelight.models import locating

    values = flags.FLAGS
    cluster_flags.check()
    if values.server is None:
        locating.locate(values.model)
    network = functools.lru_cache(maxsize=None)(lambda: _network(values))

    def reference_light(path):
        photo = photos.read(path)
        relight_job.check_input(values.input, values.output_dir)
        from tfrelight.relighting import pipeline

        return pipeline.light_of(photo, network()[0])

    request = light_flags.requested(reference_light)
    options = relighters.RelightOptions(
        request,
        values.faces,
        values.whole_image,
        values.background,
        values.mark,
        values.what,
    )
    relight_job.check_input(values.input, values.output_dir)
    _, make, name = network()
    report = relight_job.relight(
        values.input,
        values.output_dir,
        functools.partial(make, options=options),
        {**options.described(), "model": name},
        values.runner,
        values.beam_options,
        values.dask_scheduler,
    )
    print(f"{report.relit} of {report.relit + report.failed} photos relit: {report.results}")
    if report.failed:
        print(f"{report.failed} failed, with the reasons: {report.failures}")
    return _SOME_FAILED if report.failed else 0


if __name__ == "__main__":
    _define()
    app.run(main)
