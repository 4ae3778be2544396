"""Relights many photos, as an Apache Beam job that can be stopped and started again.

`python -m tfrelight.batch --input='photos/*.jpg' --light=left --output_dir=out` writes each picture
to `out/relit/`, a JSON line each to `out/results.jsonl`, and the photos that could not be relit,
with the reasons, to `out/failed.jsonl`. The same command again relights what is left, new or
changed. Exit status: 0 if all photos are relit, 3 if some are in `failed.jsonl`.
"""

from __future__ import annotations

import functools

from absl import flags

from tfrelight import cli, light_flags, photo_flags, server_flags

_SOME_FAILED = 3


def _define():
    flags.DEFINE_string(
        "input",
        None,
        "Pattern of the photos: photos/*.jpg, photos/** for all below a folder, gs://bucket/*.jpg.",
        required=True,
    )
    flags.DEFINE_string("output_dir", None, "Folder or gs://bucket/folder.", required=True)
    photo_flags.define(overwrite=False)
    light_flags.define()
    flags.DEFINE_bool(
        "background", False, "Give the background the brightness and colour of the light, too."
    )
    flags.DEFINE_string(
        "runner",
        "DirectRunner",
        "Apache Beam's: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner, ...",
    )
    flags.DEFINE_list(
        "beam_options",
        [],
        "Options of the runner, as direct_num_workers=4,direct_running_mode=multi_processing.",
    )
    server_flags.define()
    for module in (photo_flags, light_flags, server_flags):
        flags.adopt_module_key_flags(module)


def _network(values):
    """The network here, how workers get one, and what it is called in a job's settings."""
    from tfrelight.bulk import relighters

    if values.server is None:
        from tfrelight import api
        from tfrelight.serving import manifest

        model = api.loaded(values.model)
        make = functools.partial(relighters.local, values.model)
        return model, make, manifest.weights_hash(model)
    import numpy as np

    from tfrelight.serving.remote import RemoteModel

    options = server_flags.options()
    model = RemoteModel(values.server, **options)
    # What is wrong with a server is said once, not with every photo.
    model.predict_on_batch(np.zeros((1, model.size, model.size, 3), np.float32))
    make = functools.partial(relighters.remote, values.server, options)
    return model, make, f"{values.server_model} of a server, {values.server_label or 'highest'}"


def main():
    """Relights as the flags say."""
    from tfrelight import beam_jobs
    from tfrelight.bulk import jobs, relighters

    values = flags.FLAGS
    beam_jobs.imported()
    network = functools.lru_cache(maxsize=None)(lambda: _network(values))

    def of_reference(path):
        from tfrelight import api

        return api.each(path, lambda decomposed, _: decomposed.light, network()[0])

    wanted = light_flags.wanted(of_reference)
    how = relighters.How(wanted, values.faces, values.whole_image, values.background)
    _, make, name = network()
    report = jobs.relight(
        values.input,
        values.output_dir,
        functools.partial(make, how=how),
        {**how.described(), "model": name},
        values.runner,
        values.beam_options,
    )
    print(f"{report.relit} of {report.relit + report.failed} photos relit: {report.results}")
    if report.failed:
        print(f"{report.failed} failed, with the reasons: {report.failures}")
    return _SOME_FAILED if report.failed else 0


if __name__ == "__main__":
    _define()
    cli.run(main)
