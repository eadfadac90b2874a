"""helm install, and what the API server refuses before the operator sees it."""
import re

from e2e import chart
from e2e.kubernetes import apply, condition, get, helm, kubectl, require_object
from e2e.scene import RELEASE, Cluster
from harness.checks import require


def checks(scene):
    check = scene.checks.check
    chart.checks(scene)
    check("helm install brings the operator up", scene.install)
    check("helm test passes", lambda: helm("test", RELEASE, "--namespace", scene.system))
    check("the KafkaCluster definition is there and small enough for kubectl apply", definition)
    check("kubectl explain describes the fields", explain)
    check("more than one broker with the embedded store is refused with the reason", more_brokers_refused, scene)
    check("other mistakes are refused with the field's name", mistakes_refused, scene)


def definition():
    found = require_object("customresourcedefinition", "kafkaclusters.millrace.dev")
    require(condition(found, "Established").get("status") == "True", "it is not established")
    size = len(kubectl("get", "crd", "kafkaclusters.millrace.dev", "-o", "json"))
    require(size < 200_000, f"{size} bytes as JSON")


def explain():
    said = kubectl("explain", "kafkacluster.spec.pools.storage.volumes", "--recursive")
    require("size" in said and "storageClass" in said, said)
    require("<no description>" not in kubectl("explain", "kafkacluster.spec"), "a field without a description")


def refused(scene, pattern, replacement):
    text = Cluster(scene, "refused").manifest()
    changed = re.sub(pattern, replacement, text, count=1, flags=re.MULTILINE)
    require(changed != text, f"the example has no {pattern}")
    said = apply(changed, scene.home, expect=1, merge=True)
    require(get("kafkacluster", "refused", scene.home) is None, "it was made all the same")
    return said


def more_brokers_refused(scene):
    said = refused(scene, r"replicas: 1", "replicas: 3")
    require("embedded" in said and "one broker" in said, said)
    print("    " + said.strip().splitlines()[-1])


def mistakes_refused(scene):
    said = refused(scene, r"replicas: 1", "replicas: some")
    require("spec.pools[0].replicas" in said, said)
    said = refused(scene, r"name: refused", "name: " + "x" * 41)
    require("40" in said, said)
