"""The Kubernetes manifests follow their schemas; names, ports, paths and labels agree."""

import copy
import shutil
import subprocess

import pytest
import yaml

from tests.export import kit
from tfrelight.serving import defaults

STABLE, CANARY = kit.DEPLOYMENTS
MANIFESTS = sorted(
    path.relative_to(kit.KIT).as_posix()
    for path in (kit.KIT / "kubernetes").rglob("*.yaml")
    if path.name != "kustomization.yaml"
)
# The oldest and the newest Kubernetes release with schemas in kubernetes-validate.
RELEASES = ("1.25", "1.37")


def validate(documents):
    kubernetes_validate = pytest.importorskip(
        "kubernetes_validate", reason='not installed: pip install ".[dev]"'
    )
    for document in documents:
        for release in RELEASES:
            kubernetes_validate.validate(document, release, strict=True)


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_manifest_follows_its_schema(name):
    validate(kit.documents(name))


def test_a_misspelt_key_is_refused():
    broken = kit.document(STABLE)
    broken["spec"]["template"]["spec"]["containers"][0]["readinessProb"] = {}
    with pytest.raises(Exception, match="readinessProb"):
        validate([broken])


@pytest.mark.parametrize("folder", [".", "kubernetes/canary"])
def test_kustomize_renders_valid_manifests(folder):
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        ["kubectl", "kustomize", kit.KIT / folder], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    rendered = list(yaml.safe_load_all(done.stdout))
    validate(rendered)
    generator = kit.document(f"{folder}/kustomization.yaml")["configMapGenerator"][0]
    (config,) = (document for document in rendered if document["kind"] == "ConfigMap")
    # The name that the deployments mount has no hash.
    assert config["metadata"]["name"] == generator["name"]
    for file in generator["files"]:
        expected = (kit.KIT / folder / file).read_text(encoding="utf-8")
        assert config["data"][file.rpartition("/")[2]] == expected


def test_kustomizations_name_every_manifest():
    named = {
        f"{folder}/{resource}".lstrip("./")
        for folder in (".", "kubernetes/canary", "kubernetes/queue")
        for resource in kit.document(f"{folder}/kustomization.yaml")["resources"]
    }
    assert named | {"kubernetes/loader.yaml"} == set(MANIFESTS)


def config_files(deployment):
    """The files in a pod's /config: name to path."""
    generated = {
        generator["name"]: {
            file.rpartition("/")[2]: kit.KIT / folder / file for file in generator["files"]
        }
        for folder in (".", "kubernetes/canary")
        for generator in kit.document(f"{folder}/kustomization.yaml")["configMapGenerator"]
    }
    (volume,) = (v for v in pod(deployment)["volumes"] if v["name"] == "config")
    if "configMap" in volume:
        return generated[volume["configMap"]["name"]]
    files = {}
    for source in volume["projected"]["sources"]:
        available = generated[source["configMap"]["name"]]
        items = source["configMap"].get("items") or [{"key": f, "path": f} for f in available]
        files.update({item["path"]: available[item["key"]] for item in items})
    return files


def pod(deployment):
    return deployment["spec"]["template"]["spec"]


def container(deployment):
    (only,) = pod(deployment)["containers"]
    return only


@pytest.mark.parametrize("name", kit.DEPLOYMENTS)
def test_a_pod_mounts_the_files_that_its_flags_name(name):
    deployment = kit.document(name)
    server = container(deployment)
    mounts = {mount["mountPath"]: mount for mount in server["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod(deployment)["volumes"]}
    assert {mount["name"] for mount in mounts.values()} == set(volumes)
    assert all(mounts[path]["readOnly"] for path in ("/models", "/config", "/tls"))
    models = volumes[mounts["/models"]["name"]]["persistentVolumeClaim"]
    assert models["claimName"] == kit.document("kubernetes/storage.yaml")["metadata"]["name"]
    assert models["readOnly"]

    flags = kit.flags(server["args"])
    files = config_files(deployment)
    for flag in ("model_config_file", "batching_parameters_file", "monitoring_config_file"):
        folder, _, file = flags[flag].rpartition("/")
        assert folder in mounts and files[file].is_file()
    # Edits of a ConfigMap do not reach subPath mounts.
    assert not any("subPath" in mount for mount in mounts.values())
    base_path = kit.model(files["models.config"].relative_to(kit.KIT)).base_path
    assert base_path == f"/models/{defaults.MODEL_NAME}"


@pytest.mark.parametrize("name", kit.DEPLOYMENTS)
def test_a_pod_has_limits_and_a_thread_per_core(name):
    server = container(kit.document(name))
    assert server["resources"]["limits"] == server["resources"]["requests"]
    variables = {entry["name"]: entry for entry in server["env"]}
    flags = kit.flags(server["args"])
    for flag in ("tensorflow_intra_op_parallelism", "tensorflow_inter_op_parallelism"):
        assert flags[flag] == "$(CPU_LIMIT)"
    field = variables["CPU_LIMIT"]["valueFrom"]["resourceFieldRef"]
    assert field == {"containerName": server["name"], "resource": "limits.cpu"}
    batching = kit.parsed(kit.KIT / "batching.config", "BatchingParameters")
    assert batching.num_batch_threads.value == int(server["resources"]["limits"]["cpu"])
    assert flags["ssl_config_file"] == f"$({'SSL_CONFIG_FILE'})" and "SSL_CONFIG_FILE" in variables


@pytest.mark.parametrize("name", kit.DEPLOYMENTS)
def test_probes_request_the_model_on_the_rest_port(name):
    server = container(kit.document(name))
    ports = {port["name"]: port["containerPort"] for port in server["ports"]}
    assert ports == {"grpc": defaults.GRPC_PORT, "rest": defaults.REST_PORT}
    model = f"/v1/models/{defaults.MODEL_NAME}"
    for probe in ("startupProbe", "readinessProbe"):
        # The label's metadata, because the status of a model is 200 even while it loads.
        expected = {"path": f"{model}/labels/{defaults.LABELS[0]}/metadata", "port": "rest"}
        assert server[probe]["httpGet"] == expected
    assert server["livenessProbe"]["httpGet"] == {"path": model, "port": "rest"}
    # Longer than preStop, so that requests can finish.
    wait = int(server["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod(kit.document(name))["terminationGracePeriodSeconds"] > wait


@pytest.mark.parametrize("name", kit.DEPLOYMENTS)
def test_annotations_lead_prometheus_to_the_metrics(name):
    annotations = kit.document(name)["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(defaults.REST_PORT),
        "prometheus.io/path": defaults.METRICS_PATH,
    }


def test_services_select_pods_and_name_their_ports():
    stable, canary = (kit.document(name) for name in kit.DEPLOYMENTS)
    labels = [
        deployment["spec"]["template"]["metadata"]["labels"] for deployment in (stable, canary)
    ]

    def selects(selector, pod_labels):
        return selector.items() <= pod_labels.items()

    everyone = kit.document("kubernetes/service.yaml")
    only_canary = kit.document("kubernetes/canary/service.yaml")
    assert [selects(everyone["spec"]["selector"], pod) for pod in labels] == [True, True]
    assert [selects(only_canary["spec"]["selector"], pod) for pod in labels] == [False, True]
    for service in (everyone, only_canary):
        ports = {port["name"]: port for port in service["spec"]["ports"]}
        for name, number in (("grpc", defaults.GRPC_PORT), ("rest", defaults.REST_PORT)):
            assert ports[name]["port"] == number and ports[name]["targetPort"] == name
    # Each deployment selects only its own pods.
    for deployment, own, others in ((stable, *labels), (canary, *labels[::-1])):
        selector = deployment["spec"]["selector"]["matchLabels"]
        assert selects(selector, own) and not selects(selector, others)


def test_the_autoscaler_and_the_budget_select_the_stable_pods():
    deployment = kit.document(STABLE)
    autoscaler, budget = kit.documents("kubernetes/autoscaler.yaml")
    assert autoscaler["spec"]["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": deployment["kind"],
        "name": deployment["metadata"]["name"],
    }
    assert "replicas" not in deployment["spec"]
    selector = deployment["spec"]["selector"]["matchLabels"]
    assert budget["spec"]["selector"]["matchLabels"] == selector
    assert budget["spec"]["minAvailable"] < autoscaler["spec"]["minReplicas"]


def test_the_autoscaler_of_the_queue_is_the_other_with_one_more_metric():
    by_load = kit.documents("kubernetes/autoscaler.yaml")[0]
    by_queue = kit.document("kubernetes/queue/autoscaler.yaml")
    extra = by_queue["spec"]["metrics"].pop()
    assert by_queue["spec"]["behavior"].pop("scaleUp") == {"stabilizationWindowSeconds": 0}
    assert by_queue == by_load
    (rule,) = kit.document("prometheus/adapter.yml")["rules"]["custom"]
    assert extra["pods"]["metric"]["name"] == rule["name"]["as"]


def test_canary_pods_differ_from_stable_pods_in_name_track_and_models_only():
    stable, canary = (copy.deepcopy(kit.document(name)) for name in kit.DEPLOYMENTS)
    assert canary["metadata"]["name"] == f"{stable['metadata']['name']}-canary"
    for deployment in (stable, canary):
        spec = deployment["spec"]
        del deployment["metadata"]["name"]
        spec.pop("replicas", None)
        labels = [deployment["metadata"]["labels"], spec["selector"]["matchLabels"]]
        labels.append(spec["template"]["metadata"]["labels"])
        labels.append(
            pod(deployment)["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
        )
        assert len({entry.pop("track") for entry in labels}) == 1
        volumes = pod(deployment)["volumes"]
        volumes[:] = [volume for volume in volumes if volume["name"] != "config"]
    assert stable == canary
    stable, canary = (config_files(kit.document(name)) for name in kit.DEPLOYMENTS)
    assert stable.pop("models.config") != canary.pop("models.config")
    assert stable == canary


def test_the_loader_mounts_the_servers_volume():
    loader = kit.document("kubernetes/loader.yaml")["spec"]
    (volume,) = loader["volumes"]
    (mount,) = loader["containers"][0]["volumeMounts"]
    assert mount == {"name": volume["name"], "mountPath": "/models"}
    claim = kit.document("kubernetes/storage.yaml")
    assert volume["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"]}
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
