"""What stays and what goes: the cluster's resource, its claims, the release, the namespace."""
import json
import re

from e2e.kubernetes import delete_namespace, get, items
from e2e.scene import Cluster
from e2e.single_broker import TOPIC, everything_is_there, patch, refused_configuration
from harness.checks import require, require_equal, wait_until

NAMESPACE_SECONDS = 90


def checks(scene):
    check, cluster = scene.checks.check, scene.cluster
    check("deletion of the cluster leaves the claims and nothing that runs", claims_stay, cluster)
    check("a cluster that is created again adopts its claims and their records", adopted, cluster)
    check("helm uninstall leaves the cluster running", uninstall, scene, cluster)
    check("helm install again takes over what runs, and restarts nothing", install_again, scene, cluster)
    check("an operator counts on an event that one before it has told", counted_on, scene, cluster)
    check("deleteClaim: true removes the claims with the cluster", claims_go, cluster)
    check("deletion of a namespace with a cluster in it does not hang", namespace_goes, scene)
    check("deletion of a namespace does not hang without the operator either", namespace_goes_alone, scene)
    check("the operator wrote every event that it had to tell", events_written, scene)


def claims_stay(cluster):
    cluster.before = cluster.identity()
    cluster.delete()
    for kind in ("statefulset", "service", "serviceaccount", "poddisruptionbudget", "pod"):
        wait_until(60, f"every {kind} to be gone", lambda kind=kind: not items(kind, cluster.namespace, f"millrace.dev/cluster={cluster.name}"))
    require_equal(cluster.before["claim uid"], cluster.claim()["metadata"]["uid"], "uid of the claim that stays")


def adopted(cluster):
    cluster.apply()
    cluster.wait_ready()
    everything_is_there(cluster, cluster.before)


def uninstall(scene, cluster):
    pod = cluster.pod()["metadata"]["uid"]
    scene.uninstall()
    require(get("customresourcedefinition", "kafkaclusters.millrace.dev"), "the definition went, and with it every cluster")
    require(get("kafkacluster", cluster.name, cluster.namespace), "the cluster's resource went")
    require_equal(pod, cluster.pod()["metadata"]["uid"], "the broker's pod")
    require_equal((cluster.produced, True), scene.client.read(cluster.bootstrap(), TOPIC), "records read")


def install_again(scene, cluster):
    pod = cluster.pod()["metadata"]["uid"]
    scene.install()
    patch(cluster, '{"spec": {"rollout": {"paused": true}}}')  # a new generation, to be observed by the new operator
    cluster.wait_ready(60)
    patch(cluster, '{"spec": {"rollout": null}}')
    cluster.wait_ready(60)
    require_equal(pod, cluster.pod()["metadata"]["uid"], "the broker's pod")
    require_equal(cluster.before, cluster.identity(), "identity")


def counted_on(scene, cluster):
    def told():
        found = [event for event in items("events.events.k8s.io", cluster.namespace)
                 if event["reason"] == "ConfigRefused" and event["regarding"]["uid"] == cluster.resource()["metadata"]["uid"]]
        require(len(found) <= 1, f"{len(found)} events instead of one that is counted")
        return found[0].get("series", {}).get("count", 1) if found else 0
    refused_configuration(cluster)
    wait_until(10, "the event", told)
    scene.replace_operator()
    refused_configuration(cluster)
    wait_until(10, "the same event of the next operator", lambda: told() == 2)


def claims_go(cluster):
    pools = cluster.resource()["spec"]["pools"]
    pools[0]["storage"]["deleteClaim"] = True
    patch(cluster, json.dumps({"spec": {"pools": pools}}))
    wait_until(30, "the claim's owner", lambda: "ownerReferences" in cluster.claim()["metadata"])
    cluster.delete()
    wait_until(60, "the claim to be gone", lambda: get("persistentvolumeclaim", f"{cluster.broker}-data", cluster.namespace) is None)


def namespace_goes(scene):
    cluster = Cluster(scene, "gone", scene.chaos)
    cluster.apply()
    cluster.wait_ready()
    print(f"    {delete_namespace(scene.chaos, NAMESPACE_SECONDS):.1f} s")


def namespace_goes_alone(scene):
    cluster = Cluster(scene, "alone")
    cluster.apply()
    cluster.wait_ready()
    scene.uninstall()
    print(f"    {delete_namespace(scene.home, NAMESPACE_SECONDS):.1f} s")


def events_written(scene):
    """Of all operators of this run, those that died included: what they say goes on where another has said it before."""
    require("this operator leads" in scene.operator_log, "the operators' logs are not there")
    lost = [line for line in scene.operator_log.splitlines() if "an event was not written" in line]
    # The last words in a namespace that is being deleted have no place any more.
    lost = [line for line in lost if "is being terminated" not in line and not re.search(r'namespaces "[^"]*" not found', line)]
    require(not lost, "\n".join(lost[:5]))
