"""A network on a server gives the outputs of the same network in this process."""

import contextlib
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from tests.serving import local
from tests.serving.conftest import file_of, picture
from tfrelight.beam import relighters
from tfrelight.commands.light_flags import LightRequest
from tfrelight.lights import Light
from tfrelight.models import engines, loading
from tfrelight.serving import client, remote


@pytest.fixture
def model(exported, two_versions):
    options = {"size": exported.network.input_shape[1], "label": "stable"}
    with remote.RemoteModel(f"127.0.0.1:{two_versions.port}", **options) as model:
        yield model


@pytest.mark.parametrize("number", [1, remote.MAX_BATCH, 2 * remote.MAX_BATCH + 1])
def test_the_outputs_are_those_of_the_network(exported, model, number):
    size = engines.size_of(model)
    assert size == exported.network.input_shape[1]
    images = np.stack([picture(size, size, seed) for seed in range(number)]) / np.float32(255)
    expected = loading.of_any_size(exported.network).predict_on_batch(images)
    outputs = model.predict_on_batch(images)
    assert set(outputs) == set(expected)
    for name, values in expected.items():
        assert outputs[name].dtype == np.float32
        np.testing.assert_allclose(outputs[name], values, atol=1e-5)


def test_the_server_s_errors_are_raised(two_versions):
    options = {"label": "beta"}
    with remote.RemoteModel(f"127.0.0.1:{two_versions.port}", **options) as model:
        with pytest.raises(client.InvalidRequest, match="Unrecognized servable version label"):
            model.predict_on_batch(np.zeros((1, 8, 8, 3), np.float32))
    with remote.RemoteModel(f"127.0.0.1:{two_versions.port}", "nobody") as model:
        with pytest.raises(client.NotServed, match="nobody"):
            model.predict_on_batch(np.zeros((1, 8, 8, 3), np.float32))


LEFT = LightRequest(Light.preset("left"), False, 0.0, 0.0, np.ones(3, np.float32), 1.0, 1.5)


def test_photos_are_relit_as_with_a_local_network(exported, two_versions, tmp_path):
    photo = tmp_path / "photo.png"
    Image.fromarray(picture(40, 30)).save(photo)
    options = relighters.RelightOptions(LEFT, whole_image=True)
    server = f"127.0.0.1:{two_versions.port}"
    client_options = {"size": exported.network.input_shape[1], "label": "canary"}
    relighters.local(exported.run, options)(photo, tmp_path / "here.png")
    relighters.remote(server, client_options, options)(photo, tmp_path / "there.png")
    here, there = (np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("here", "there"))
    assert np.abs(here.astype(int) - there).max() <= 1
    assert (here != picture(40, 30)).any()


def test_batch_with_a_network_on_a_server(two_versions, tmp_path):
    pytest.importorskip("apache_beam", reason='Apache Beam is not installed: pip install ".[beam]"')
    (tmp_path / "photos").mkdir()
    for seed in range(2):
        Image.fromarray(picture(40, 30, seed)).save(tmp_path / "photos" / f"{seed}.png")
    flags = [f"--input={tmp_path}/photos/*", f"--output_dir={tmp_path}/out", "--light=left"]
    flags += ["--whole_image", f"--server=127.0.0.1:{two_versions.port}", "--server_label=stable"]
    done = subprocess.run(
        [sys.executable, "-m", "tfrelight.batch", *flags],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert {json.loads(line)["photo"] for line in lines} == {
        f"{tmp_path}/photos/{seed}.png" for seed in range(2)
    }


def test_the_studio_survives_a_restart_of_its_server(exported, base):
    pytest.importorskip("starlette", reason="the studio takes starlette")
    from tests.studio.conftest import running

    config, size = local.config_of(base), exported.network.input_shape[1]
    photo = file_of(picture(60, 50))
    rows = Light.preset("left").coefficients.ravel().tolist()
    light = json.dumps({"light": rows, "relative": rows})
    with contextlib.ExitStack() as stack:
        with local.serving(config) as server:
            port = server.port
            model = remote.RemoteModel(f"127.0.0.1:{port}", attempts=2, size=size)
            studio = stack.enter_context(running(lambda: stack.enter_context(model)))
            opened = studio.open(photo, whole_image=1)
            assert opened.status_code == 201, opened.text
        refused = studio.open(photo, whole_image=1)
        assert refused.status_code == 502 and refused.json()["reason"] == "server"
        assert f"127.0.0.1:{port}" in refused.json()["error"]
        # An open photo needs no network.
        relit = studio.client.post(f"/photos/{opened.headers['X-Photo']}/relit", content=light)
        assert relit.status_code == 200
        with local.serving(config, port=port):
            # The channel reconnects within a few seconds.
            until = time.monotonic() + 20
            while (again := studio.open(photo, whole_image=1)).status_code == 502:
                assert time.monotonic() < until, again.text
            assert again.status_code == 201
