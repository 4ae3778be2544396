"""Prometheus and Grafana: queries parse, metrics exist, and the files agree."""

import json
import re
import shutil
import subprocess

import pytest

from tests.export import kit
from tfrelight.serving import defaults

DASHBOARD = "grafana/dashboards/tfrelight.json"

# Metrics and labels of TensorFlow Serving 2.15, from its servables/tensorflow/util.cc and
# batching/batching_session.cc, and from TensorFlow's cc/saved_model/loader.cc. `up` is Prometheus's
# own. The buckets of a histogram have the label `le` as well.
LABELS = {
    "up": {"job", "instance"},
    ":tensorflow:serving:request_count": {"model_name", "status"},
    ":tensorflow:serving:request_latency_bucket": {"model_name", "API", "entrypoint", "le"},
    ":tensorflow:serving:runtime_latency_bucket": {"model_name", "API", "runtime", "le"},
    ":tensorflow:serving:batching_session:queuing_latency_bucket": {"thread_pool_name", "le"},
    ":tensorflow:cc:saved_model:load_attempt_count": {"model_path", "status"},
}


def alerts():
    groups = kit.document("prometheus/alerts.yml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard():
    return json.loads((kit.KIT / DASHBOARD).read_text(encoding="utf-8"))


QUERIES = [(rule["alert"], rule["expr"]) for rule in alerts()] + [
    (panel["title"], target["expr"].replace("$__rate_interval", "5m"))
    for panel in dashboard()["panels"]
    for target in panel["targets"]
]


@pytest.mark.parametrize("name,query", QUERIES)
def test_a_query_parses_and_uses_existing_metrics_and_labels(name, query):
    promql_parser = pytest.importorskip(
        "promql_parser", reason='not installed: pip install ".[dev]"'
    )
    promql_parser.parse(query)
    selectors = re.findall(r"([a-z_:]+)\{([^}]*)\}", query)
    bare = re.findall(r"(:[a-z_:]+)(?![a-z_:{])", query)
    assert selectors or bare
    for metric, matchers in [*selectors, *((metric, "") for metric in bare)]:
        labels = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", matchers))
        assert labels <= LABELS[metric], metric
    for label in re.findall(r"by \(([^)]*)\)", query):
        assert set(label.replace(" ", "").split(",")) <= set().union(*LABELS.values())
    for model in re.findall(r'model_name="([^"]*)"', query):
        assert model == defaults.MODEL_NAME
    for path in re.findall(r'model_path=~"([^"]*)"', query):
        assert re.fullmatch(path, f"{kit.model().base_path}/1")


def test_prometheus_scrapes_the_server_of_docker_compose():
    config = kit.document("prometheus/prometheus.yml")
    (job,) = config["scrape_configs"]
    assert job["job_name"] == "tfrelight" and 'up{job="tfrelight"}' in str(QUERIES)
    assert job["metrics_path"] == defaults.METRICS_PATH
    ((target,),) = (entry["targets"] for entry in job["static_configs"])
    host, _, port = target.partition(":")
    assert host in kit.compose()["services"]
    assert int(port) == defaults.REST_PORT
    assert all((kit.KIT / "prometheus" / name).is_file() for name in config["rule_files"])
    (volume, _) = kit.compose()["services"]["prometheus"]["volumes"]
    # The image reads prometheus.yml there.
    assert (volume["source"], volume["target"]) == ("./prometheus", "/etc/prometheus")


def test_promtool_accepts_the_configuration():
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run(
        ["promtool", "check", "config", kit.KIT / "prometheus/prometheus.yml"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_grafana_finds_its_dashboard_and_its_data_source():
    service = kit.compose()["services"]["grafana"]
    (volume,) = service["volumes"]
    assert (volume["source"], volume["target"]) == ("./grafana", "/etc/grafana/provisioning")

    def inside(path):
        return path.replace(volume["target"], (kit.KIT / "grafana").as_posix())

    (provider,) = kit.document("grafana/dashboards/tfrelight.yml")["providers"]
    assert inside(provider["options"]["path"]) == (kit.KIT / DASHBOARD).parent.as_posix()
    home = service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert inside(home) == (kit.KIT / DASHBOARD).as_posix()

    (source,) = kit.document("grafana/datasources/prometheus.yml")["datasources"]
    host, _, port = source["url"].rpartition("/")[2].partition(":")
    assert host in kit.compose()["services"] and host in service["depends_on"]
    assert kit.compose()["services"][host]["ports"] == [f"127.0.0.1:{port}:{port}"]
    expected = {"type": source["type"], "uid": source["uid"]}
    panels = dashboard()["panels"]
    assert all(panel["datasource"] == expected for panel in panels)
    assert all(target["datasource"] == expected for panel in panels for target in panel["targets"])


def test_panels_do_not_overlap():
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        assert 0 <= place["x"] and place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + column, place["y"] + row)
            for column in range(place["w"])
            for row in range(place["h"])
        }
        assert not cells & taken
        taken |= cells
