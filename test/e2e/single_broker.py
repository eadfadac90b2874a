"""deploy/examples/single-broker.yaml: Ready, records in and out, and everything kept through the death of process and pod."""
import json
import time

from e2e.kubernetes import condition, items, kubectl, require_object
from e2e.scene import Cluster
from harness.checks import require, require_equal, wait_until

TOPIC = "records"


def checks(scene):
    check = scene.checks.check
    cluster = scene.cluster = Cluster(scene)
    check("apply of the example becomes Ready", becomes_ready, cluster)
    check("the status names brokers, pods, volumes and bootstrap addresses", status_is_complete, cluster)
    check("labels, owners and Pod Security of what was made", objects, cluster)
    check(f"{scene.options.records:,} records are produced from a pod and read back", produce_and_read, cluster)
    check("SIGKILL of the broker process: same identity, every record", process_killed, cluster)
    check("deletion of the pod: same identity, every record", pod_deleted, cluster)
    check("deletion of the pod without grace: same identity, every record", pod_deleted, cluster, "--grace-period=0", "--force")
    check("a pod that is deleted while clients produce loses no record", pod_deleted_under_load, cluster)
    check("a change of the configuration reaches the broker by a restart", configuration_change, cluster)
    check("a configuration that the operator sets itself is refused in a condition", refused_configuration, cluster)
    check("a size that the volume cannot have is reported, and can be taken back", impossible_size, cluster)


def becomes_ready(cluster):
    begin = time.monotonic()
    cluster.apply()
    cluster.wait_ready()
    print(f"    {time.monotonic() - begin:.1f} s from apply to Ready")


def status_is_complete(cluster):
    resource = cluster.resource()
    status = resource["status"]
    require_equal(resource["metadata"]["generation"], status["observedGeneration"], "observedGeneration")
    require_equal(22, len(status["clusterId"]), "length of the cluster id")
    for name in ("Ready", "ConfigValid", "IdentityReady", "VolumesReady", "NetworkReady", "ProtectionReady", "BrokersReady", "UpToDate"):
        require_equal("True", condition(resource, name).get("status"), f"condition {name}")
    broker = status["brokers"][0]
    require_equal([0, f"{cluster.broker}-0", cluster.pod()["spec"]["nodeName"], [cluster.claim()["spec"]["volumeName"]]],
                  [broker["id"], broker["pod"], broker["node"], broker["volumes"]], "the broker in the status")
    require(status["listeners"][0]["bootstrapServers"].startswith(f"{cluster.name}-bootstrap.{cluster.namespace}.svc"), str(status))
    said = kubectl("get", "kafkacluster", cluster.name, namespace=cluster.namespace)
    require("True" in said and "1/1" in said, said)
    wait_until(20, "an event about the cluster", lambda: any(  # they are written beside the work that they tell of
        event["involvedObject"]["name"] == cluster.name for event in items("events", cluster.namespace)))


def objects(cluster):
    owner = cluster.resource()["metadata"]["uid"]
    pod, claim = cluster.pod(), cluster.claim()
    for thing in (pod, claim):
        labels = thing["metadata"]["labels"]
        require_equal((cluster.name, "0"), (labels["millrace.dev/cluster"], labels["millrace.dev/broker-id"]), "labels")
        require("millrace.dev/pool" in labels, str(labels))
    require("ownerReferences" not in claim["metadata"], "the claim would go with the cluster")
    for kind in ("statefulset", "service", "configmap", "serviceaccount", "poddisruptionbudget"):
        made = items(kind, cluster.namespace, f"millrace.dev/cluster={cluster.name}")
        require(made, f"no {kind}")
        for thing in made:
            owners = [reference["uid"] for reference in thing["metadata"].get("ownerReferences", [])]
            require(owner in owners, f"{kind} {thing['metadata']['name']} is not owned by the cluster")
    require_equal(0, require_object("poddisruptionbudget", f"{cluster.name}-brokers", cluster.namespace)["spec"]["minAvailable"],
                  "minAvailable of a single broker, which nothing can keep available")


def produce_and_read(cluster):
    client, records = cluster.scene.client, cluster.scene.options.records
    client.produce(cluster.bootstrap(), TOPIC, 1, records)
    require_equal((records, True), client.read(cluster.bootstrap(), TOPIC), "records read")
    cluster.produced = records


def everything_is_there(cluster, before):
    cluster.wait_serving()
    cluster.wait_ready(30)
    require_equal(before, cluster.identity(), "identity")
    require_equal((cluster.produced, True), cluster.scene.client.read(cluster.bootstrap(), TOPIC), "records read")


def restarts(cluster):
    return cluster.pod()["status"]["containerStatuses"][0]["restartCount"]


def process_killed(cluster):
    before, count = cluster.identity(), restarts(cluster)
    begin = time.monotonic()
    cluster.scene.killer.kill(cluster.pod(), "/usr/bin/millrace-broker")
    wait_until(60, "the container to be started again", lambda: restarts(cluster) > count)
    cluster.wait_serving()
    print(f"    {time.monotonic() - begin:.1f} s until it serves")
    everything_is_there(cluster, before)


def pod_deleted(cluster, *how):
    before, uid = cluster.identity(), cluster.pod()["metadata"]["uid"]
    begin = time.monotonic()
    kubectl("delete", "pod", f"{cluster.broker}-0", *how, namespace=cluster.namespace, timeout=100)
    wait_until(60, "another pod", lambda: cluster.pod()["metadata"]["uid"] != uid)
    cluster.wait_serving()
    print(f"    {time.monotonic() - begin:.1f} s until it serves")
    everything_is_there(cluster, before)


def pod_deleted_under_load(cluster):
    """kcat goes on producing while the pod is replaced; what it had acknowledged is there, once and in order."""
    client, more, before = cluster.scene.client, 20_000, cluster.identity()
    last = cluster.produced + more
    client.shell(f"""rm -f /tmp/done; ( for n in $(seq {cluster.produced + 1} {last}); do echo $n; [ $((n % 2000)) != 0 ] || sleep 1; done |
        kcat -b {cluster.bootstrap()} -P -t {TOPIC} -p 0 -E -X enable.idempotence=true -X message.timeout.ms=60000 > /tmp/log 2>&1;
        echo $? > /tmp/done ) > /dev/null 2>&1 &""")
    time.sleep(2)
    kubectl("delete", "pod", f"{cluster.broker}-0", "--wait=false", namespace=cluster.namespace)
    wait_until(90, "the producer to end", lambda: client.shell("cat /tmp/done 2> /dev/null || true").strip(), interval=0.5)
    require_equal("0", client.shell("cat /tmp/done").strip(), "exit code of the producer")
    cluster.produced = last
    everything_is_there(cluster, before)


def configuration_change(cluster):
    before, uid = cluster.identity(), cluster.pod()["metadata"]["uid"]
    patch(cluster, '{"spec": {"config": {"log.retention.hours": 24}}}')
    wait_until(90, "another pod", lambda: cluster.pod()["metadata"]["uid"] != uid)
    everything_is_there(cluster, before)


def refused_configuration(cluster):
    uid = cluster.pod()["metadata"]["uid"]
    patch(cluster, '{"spec": {"config": {"broker.id": 7}}}')
    found = wait_until(30, "the condition", lambda: (
        each if (each := condition(cluster.resource(), "ConfigValid")).get("status") == "False" else None))
    require("broker.id" in found["message"], str(found))
    print(f"    {found['message']}")
    patch(cluster, '{"spec": {"config": {"broker.id": null}}}')
    cluster.wait_ready(30)
    require_equal(uid, cluster.pod()["metadata"]["uid"], "the pod, which nothing should have restarted")


def impossible_size(cluster):
    """Smaller than the claim; and larger, where the storage class cannot grow."""
    before, pod = cluster.identity(), cluster.pod()["metadata"]["uid"]
    pools = cluster.resource()["spec"]["pools"]
    volume = pools[0]["storage"]["volumes"][0]
    own = volume["size"]
    storage_class = require_object("storageclass", cluster.claim()["spec"]["storageClassName"])
    attempts = [("64Mi", "VolumeCannotShrink")]
    if not storage_class.get("allowVolumeExpansion"):
        attempts.append(("1Ti", "VolumeCannotGrow"))
    for size, reason in attempts:
        volume["size"] = size
        patch(cluster, json.dumps({"spec": {"pools": pools}}))
        found = wait_until(30, reason, lambda: (
            each if (each := condition(cluster.resource(), "VolumesReady")).get("reason") == reason else None))
        print(f"    {found['message']}")
        volume["size"] = own
        patch(cluster, json.dumps({"spec": {"pools": pools}}))
        cluster.wait_ready(30)
    require_equal(before, cluster.identity(), "identity")
    require_equal(pod, cluster.pod()["metadata"]["uid"], "the pod, which nothing should have restarted")


def patch(cluster, change):
    kubectl("patch", "kafkacluster", cluster.name, "--type=merge", "-p", change, namespace=cluster.namespace)
