"""What the operator adds to Kubernetes: apply to Ready, and the death of a pod, beside a StatefulSet that only waits."""
import os
import statistics
import time

from bench.on_this_machine import memory_mib
from e2e.kubernetes import SECURITY, apply, get, is_ready, kubectl
from e2e.run_environment import loader_of_environment
from e2e.scene import Cluster, Scene
from harness.checks import wait_until

PAUSE_IMAGE = os.environ.get("PAUSE_IMAGE", "localhost/lab-pause:1")
READY_GOAL_S, SERVING_GOAL_S, OPERATOR_GOAL_MIB = 3, 2, 40
STEP_S = 0.02


def measure(table, options):
    runs = min(options.runs, 5)
    scene = Scene(options, loader_of_environment())
    scene.prepare()
    try:
        scene.install()
        time.sleep(options.idle)
        idle = scene.killer.read(get("pod", scene.operator_pod(), scene.system), "/usr/bin/millrace-operator", "smaps_rollup")
        pss, rss = memory_mib(idle)
        table.row("operator, idle, PSS", [pss], "MiB")
        table.row("operator, idle, RSS", [rss], "MiB", OPERATOR_GOAL_MIB)
        ours, bare, deleted, bare_deleted = [], [], [], []
        for number in range(runs):
            # In turns, so that what else the machine does falls on both.
            first, second = waiting_set(scene, f"waits{number}")
            bare.append(first)
            bare_deleted.append(second)
            first, second = cluster(scene, f"bench{number}")
            ours.append(first)
            deleted.append(second)
        table.row("apply to Ready", ours, "s")
        table.row("  a StatefulSet that only waits", bare, "s")
        table.row("  the difference of the medians", [statistics.median(ours) - statistics.median(bare)], "s", READY_GOAL_S)
        table.row("pod deletion to serving", deleted, "s")
        table.row("  a StatefulSet that only waits", bare_deleted, "s")
        table.row("  the difference of the medians", [statistics.median(deleted) - statistics.median(bare_deleted)], "s", SERVING_GOAL_S)
    finally:
        scene.remove()


def pod_ready(name, namespace, other_than=None):
    pod = get("pod", name, namespace)
    if not pod or pod["metadata"]["uid"] == other_than:
        return None
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))
    return pod if ready else None


def cluster(scene, name):
    """(apply to Ready, pod deletion to an answer to a client)."""
    made = Cluster(scene, name)
    begin = time.monotonic()
    made.apply()
    wait_until(120, f"{name} to be Ready", lambda: is_ready(made.resource()), STEP_S)
    ready = time.monotonic() - begin
    pod = f"{made.broker}-0"
    uid = made.pod()["metadata"]["uid"]
    bootstrap = made.bootstrap()
    begin = time.monotonic()
    kubectl("delete", "pod", pod, "--wait=false", namespace=scene.home)
    wait_until(120, f"{pod} to be ready again", lambda: pod_ready(pod, scene.home, uid), STEP_S)
    wait_until(60, "an answer", lambda: scene.client.serves(bootstrap), STEP_S)
    serving = time.monotonic() - begin
    made.delete()
    kubectl("delete", "pvc", "-l", f"millrace.dev/cluster={name}", "--wait=false", namespace=scene.home)
    return ready, serving


def waiting_set(scene, name):
    """(apply to ready, pod deletion to ready) of a StatefulSet with a claim, whose program only waits."""
    labels = {"waits": name}
    begin = time.monotonic()
    apply([
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
         "spec": {"clusterIP": "None", "selector": labels, "ports": [{"port": 9092}]}},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
         "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": {
            "serviceName": name, "replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {
                "automountServiceAccountToken": False, "securityContext": {"fsGroup": 10001, "fsGroupChangePolicy": "OnRootMismatch"},
                "containers": [{"name": "waits", "image": PAUSE_IMAGE, "imagePullPolicy": "IfNotPresent", "securityContext": SECURITY,
                                "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]}}}},
    ], scene.home)
    pod = wait_until(120, f"{name}-0 to be ready", lambda: pod_ready(f"{name}-0", scene.home), STEP_S)
    ready = time.monotonic() - begin
    begin = time.monotonic()
    kubectl("delete", "pod", f"{name}-0", "--wait=false", namespace=scene.home)
    wait_until(120, f"{name}-0 to be ready again", lambda: pod_ready(f"{name}-0", scene.home, pod["metadata"]["uid"]), STEP_S)
    deleted = time.monotonic() - begin
    kubectl("delete", "statefulset,service,pvc", name, "--wait=false", namespace=scene.home, expect=None)
    return ready, deleted
