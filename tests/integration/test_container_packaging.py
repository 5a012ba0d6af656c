# SPDX-License-Identifier: Apache-2.0
"""packaging/kubernetes and packaging/docker/compose.yaml are what their schemas allow, and with
packaging/aws/ecs.yaml they fit the daemon: its ports, its times, its user, and configurations that
it takes. tests/container.sh tries the image itself."""

import configparser
import re
import shutil
import subprocess

import pytest

import cfn
import manifests
from harness import DAEMON, SOURCE, clean_environment

KUBERNETES = SOURCE / "packaging" / "kubernetes"
DOCKER = SOURCE / "packaging" / "docker"
TEXTS = {path.name: path.read_text() for path in sorted(KUBERNETES.glob("*.yaml"))}
VARIANTS = ("dynamodb.yaml", "file.yaml")
COMPOSE = (DOCKER / "compose.yaml").read_text()
USER = 65532
METRICS = 9464


def image_has(line):
    assert line in (DOCKER / "Dockerfile").read_text().splitlines()


def check_ini(path):
    """The daemon's own word on it, with a secret; what it holds."""
    done = subprocess.run([str(DAEMON), "--check-config", "--config", str(path)],
                          env=clean_environment(GENESYS_WEBHOOK_SECRET="0123456789abcdef"),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ini = configparser.ConfigParser()
    ini.read(path)
    return ini


def check_metrics(ini):
    """On one port everywhere, and to be reached from outside the container."""
    assert ini["admin"]["listen"] == f"0.0.0.0:{METRICS}" and ini["admin"]["remote"] == "yes"


def seconds(ini, key):
    return int(ini["server"].get(key, "0s").removesuffix("s"))


class Variant:
    """One of the two ways to run it, taken apart."""

    def __init__(self, name, folder):
        self.documents = manifests.read(TEXTS[name])
        self.workload = self.find("Deployment") or self.find("StatefulSet")
        self.pod = self.workload["spec"]["template"]["spec"]
        [self.container] = self.pod["containers"]
        path = folder / "genesys-webhookd.ini"
        path.write_text(self.find("ConfigMap")["data"][path.name])
        self.ini = check_ini(path)

    def find(self, kind):
        found = [document for document in self.documents if document["kind"] == kind]
        return found[0] if found else None

    def ports(self):
        return {port["name"]: port["containerPort"] for port in self.container["ports"]}

    def mounts(self):
        return {mount["name"]: mount["mountPath"] for mount in self.container["volumeMounts"]}


@pytest.fixture(name="variant", params=VARIANTS)
def fixture_variant(request, tmp_path):
    return Variant(request.param, tmp_path)


@pytest.mark.parametrize("name", TEXTS)
def test_kubernetes_takes_the_manifests(name):
    assert manifests.faults_of("kubernetes", manifests.read(TEXTS[name])) == []


# What is written instead, and the fault that it is: one that is not found is not looked for.
MISTAKES = {
    "a field": ("readinessProbe:", "readynessProbe:", "readynessProbe: there is no such field"),
    "a field of a volume": ("emptyDir:", "emptyDirs:", "emptyDirs: there is no such field"),
    "a text for a number": ("replicas: 3", 'replicas: "3"', "/spec/replicas: type"),
    "a field that is required": ("        - name: genesys-webhookd\n          image",
                                 "        - image", "required"),
    "a kind": ("kind: Deployment", "kind: Deploymant", "there is no Deploymant"),
    "a version": ("apiVersion: policy/v1", "apiVersion: policy/v0", "in policy/v0"),
}


@pytest.mark.parametrize("right, wrong, fault", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found(right, wrong, fault):
    text = TEXTS["dynamodb.yaml"]
    assert right in text
    faults = manifests.faults_of("kubernetes", manifests.read(text.replace(right, wrong)))
    assert any(fault in found for found in faults), faults


def test_a_stop_has_the_time_that_it_takes(variant):
    """A preStop hook would take its part of the grace period."""
    longest = seconds(variant.ini, "drain_delay") + seconds(variant.ini, "drain_timeout")
    assert variant.pod["terminationGracePeriodSeconds"] >= longest + 5
    assert "lifecycle" not in variant.container


def test_replicas_leave_only_when_the_balancer_knows(tmp_path):
    variant = Variant("dynamodb.yaml", tmp_path)
    probe = variant.container["readinessProbe"]
    noticed = probe["periodSeconds"] * probe["failureThreshold"] + probe["timeoutSeconds"]
    assert seconds(variant.ini, "drain_delay") >= noticed
    assert variant.workload["spec"]["replicas"] > 1
    assert variant.find("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_ports_and_probes_are_the_daemons(variant):
    ports = variant.ports()
    assert variant.ini["server"]["listen"] == f"0.0.0.0:{ports['http']}"
    check_metrics(variant.ini)
    assert ports["metrics"] == METRICS
    [port] = variant.find("Service")["spec"]["ports"]
    assert port["targetPort"] == "http"
    paths = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    for probe, path in paths.items():
        assert variant.container[probe]["httpGet"] == {"path": path, "port": "http"}


def test_labels_find_the_pods(variant):
    labels = variant.workload["spec"]["template"]["metadata"]["labels"]
    assert variant.workload["spec"]["selector"]["matchLabels"] == labels
    assert variant.find("Service")["spec"]["selector"] == labels
    budget = variant.find("PodDisruptionBudget")
    assert not budget or budget["spec"]["selector"]["matchLabels"] == labels


def test_the_pod_is_restricted(variant):
    """What the Pod Security Standards' "restricted" asks for, and a root that stays as it is."""
    assert variant.pod["securityContext"]["runAsNonRoot"] is True
    assert variant.pod["securityContext"]["runAsUser"] == USER
    assert variant.pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert variant.container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]}}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & variant.pod.keys()
    assert variant.pod["automountServiceAccountToken"] is False
    image_has(f"USER {USER}:{USER}")


def test_what_is_mounted_is_where_the_image_looks(variant):
    mounts = variant.mounts()
    image_has(f"ENV CREDENTIALS_DIRECTORY={mounts['secret']} STATE_DIRECTORY={mounts['state']}")
    image_has(f"VOLUME {mounts['state']}")
    [secret] = manifests.read(TEXTS["secret.example.yaml"])
    assert {"name": "secret", "secret": {"secretName": secret["metadata"]["name"]}} in \
        variant.pod["volumes"]
    assert "webhook-secret" in secret["stringData"]


def test_a_file_has_one_writer(tmp_path):
    variant = Variant("file.yaml", tmp_path)
    assert variant.workload["kind"] == "StatefulSet" and variant.workload["spec"]["replicas"] == 1
    [claim] = variant.workload["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "state"
    assert variant.pod["securityContext"]["fsGroup"] == USER, "so that it may write there"


def test_compose_takes_its_file():
    assert manifests.faults_of("compose", manifests.read(COMPOSE)) == []


@pytest.mark.parametrize("right, wrong", [("read_only:", "readonly:"), ("ports:", "port:"),
                                          ("disable: true", "disable: []")])
def test_a_mistake_in_compose_is_found(right, wrong):
    assert right in COMPOSE
    assert manifests.faults_of("compose", manifests.read(COMPOSE.replace(right, wrong)))


def test_compose_mounts_what_is_there():
    [compose] = manifests.read(COMPOSE)
    webhookd = compose["services"]["webhookd"]
    assert webhookd["secrets"] == list(compose["secrets"]) == ["webhook-secret"]
    [config] = webhookd["configs"]
    check_metrics(check_ini(DOCKER / compose["configs"][config["source"]]["file"]))
    assert webhookd["ports"] == ["127.0.0.1:8080:8080"], "the metrics' has no password"
    image_has(f'ENTRYPOINT ["/usr/sbin/genesys-webhookd", "--config", "{config["target"]}"]')
    [volume] = webhookd["volumes"]
    image_has(f"VOLUME {volume.split(':')[1]}")
    assert (DOCKER / webhookd["build"]["context"] / webhookd["build"]["dockerfile"]).exists()


def test_the_images_own_configuration_stops_before_docker_kills():
    ini = check_ini(DOCKER / "genesys-webhookd.ini")
    assert seconds(ini, "drain_delay") + seconds(ini, "drain_timeout") < 10
    assert ini["server"]["listen"] == "0.0.0.0:8080"
    check_metrics(ini)
    image_has("EXPOSE 8080")  # alone: `docker run -P` publishes each that is named


def test_the_task_of_ecs_fits_the_image():
    folder = SOURCE / "packaging" / "aws"
    template = cfn.read_template((folder / "ecs.yaml").read_text())
    [container] = template["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    ini = check_ini(folder / "ecs.ini")
    longest = seconds(ini, "drain_delay") + seconds(ini, "drain_timeout")
    assert container["StopTimeout"] >= longest + 5
    ports = [mapping["ContainerPort"] for mapping in container["PortMappings"]]
    assert ports == [8080, METRICS]
    assert ini["server"]["listen"] == f"0.0.0.0:{ports[0]}"
    check_metrics(ini)
    image_has("    CMD [" + ", ".join(f'"{word}"' for word in container["HealthCheck"]["Command"][1:])
              + "]")


def test_the_guide_scrapes_under_the_name_that_the_rules_want(tmp_path):
    text = (SOURCE / "docs" / "container.md").read_text().split("## Metrics and alerts")[1]
    blocks = re.findall(r"(?:^    .*\n)+", text.split("\n## ")[0], flags=re.MULTILINE)
    assert len(blocks) == 2
    for number, block in enumerate(blocks):
        path = tmp_path / f"{number}.yml"
        assert "- job_name: genesys-webhookd\n" in block
        # Debian's promtool is built without this one.
        block = block.replace("kubernetes_sd_configs: [{role: pod}]", "file_sd_configs: [{files: [a.json]}]")
        path.write_text("scrape_configs:\n" + block)
        if shutil.which("promtool"):
            subprocess.run(["promtool", "check", "config", "--syntax-only", str(path)], check=True)
