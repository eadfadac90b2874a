"""The operator killed at random moments of a first reconcile, by SIGKILL: what it leaves half done, its successor finishes once the
Lease of the dead one has run out, and the result is the same as without a kill."""
import random
import time

from e2e.kubernetes import items, kubectl
from e2e.scene import Cluster
from harness.checks import Failure, require, require_equal

READY_SECONDS = 90
LEASE_SECONDS = 30  # 15 s of a Lease that nobody gave back, and the start of the container
KINDS = ("statefulset", "service", "configmap", "serviceaccount", "poddisruptionbudget", "persistentvolumeclaim")
# What differs between two clusters that are alike.
OWN_TO_ONE = {"uid", "resourceVersion", "creationTimestamp", "managedFields", "clusterIP", "clusterIPs", "volumeName", "generation", "status",
              "time", "generateName", "selfLink"}


def checks(scene):
    kills = scene.options.operator_kills
    scene.checks.check(f"the operator killed at {kills} random moments of a first reconcile converges to the same objects", converges, scene, kills)


def shape(value, names):
    """An object without what is its own, with the cluster's name and id replaced."""
    if isinstance(value, dict):
        return {shape(key, names): shape(each, names) for key, each in value.items()
                if key not in OWN_TO_ONE and not key.startswith(("volume.kubernetes.io/", "volume.beta.kubernetes.io/", "pv.kubernetes.io/", "kubectl.kubernetes.io/"))}
    if isinstance(value, list):
        return [shape(each, names) for each in value]
    if isinstance(value, str):
        for name, placeholder in names:
            value = value.replace(name, placeholder)
    return value


def objects_of(cluster):
    """Every object of the cluster, as comparable text by kind and name. Hashes of content hold the cluster's name and id: they go."""
    found = {}
    identifier = cluster.resource()["status"]["clusterId"]
    hashed = sorted(each["metadata"]["name"] for each in items("configmap", cluster.namespace, f"millrace.dev/cluster={cluster.name}"))
    hashes = [(name.rsplit("-", 1)[1], "HASH") for name in hashed if name.startswith(cluster.broker)]
    names = [(identifier, "CLUSTER-ID"), *hashes, (cluster.name, "NAME")]
    for kind in KINDS:
        for thing in items(kind, cluster.namespace, f"millrace.dev/cluster={cluster.name}"):
            key = shape(f"{kind}/{thing['metadata']['name']}", names)
            annotations = thing["metadata"].get("annotations", {})
            for name in [name for name in annotations if name.startswith("millrace.dev/") and name.endswith("hash")]:
                annotations[name] = "HASH"
            found[key] = shape(thing, names)
    return found


def differences(expected, found, at=""):
    """A line for each place where two objects differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            yield from differences(expected.get(key), found.get(key), f"{at}.{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, pair in enumerate(zip(expected, found)):
            yield from differences(*pair, f"{at}[{number}]")
    elif expected != found:
        yield f"{at} is {found!r}, not {expected!r}"


def remove(cluster):
    cluster.delete()
    kubectl("delete", "pvc,configmap", "-l", f"millrace.dev/cluster={cluster.name}", "--wait=false", namespace=cluster.namespace)


def converges(scene, kills):
    reference = Cluster(scene, "calm", scene.chaos)
    begin = time.monotonic()
    reference.apply()
    reference.wait_ready()
    ready_seconds = time.monotonic() - begin
    expected = objects_of(reference)
    remove(reference)
    for number in range(kills):
        cluster = Cluster(scene, f"storm{number}", scene.chaos)
        # Most of the operator's work lies in the first moments: half of the kills fall there.
        moment = random.uniform(0, ready_seconds if number % 2 else min(0.6, ready_seconds))
        cluster.apply()
        time.sleep(moment)
        scene.killer.kill(scene.operator(), "/usr/bin/millrace-operator")
        try:
            cluster.wait_ready(READY_SECONDS + LEASE_SECONDS)
            found = objects_of(cluster)
            require_equal(sorted(expected), sorted(found), "objects")
            for key, value in expected.items():
                different = list(differences(value, found[key]))
                require(not different, f"{key}: {'; '.join(different)}")
        except Failure as error:
            raise Failure(f"killed {moment:.2f} s after the apply: {error}") from None
        remove(cluster)
        # A new pod for the next one: the kubelet makes a container that ends again and again wait before it starts.
        scene.replace_operator()
