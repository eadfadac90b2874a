"""The broker's image alone: any user, a root file system that cannot be written, no shell."""
from e2e.kubernetes import SECURITY, apply, kubectl
from harness.checks import require, wait_until

ANY_USER = 4711


def checks(scene):
    scene.checks.check("the broker image runs as any user on a read-only root file system", any_user, scene)
    scene.checks.check("the broker image has no shell", no_shell, scene)


def any_user(scene):
    kubectl("delete", "pod", "alone", "--ignore-not-found", "--grace-period=0", "--force", namespace=scene.home)
    apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone"}, "spec": {
        "terminationGracePeriodSeconds": 10, "securityContext": {"fsGroup": ANY_USER},
        "containers": [{"name": "broker", "image": scene.image("broker"), "imagePullPolicy": "IfNotPresent",
                        "securityContext": {**SECURITY, "runAsUser": ANY_USER},
                        "readinessProbe": {"tcpSocket": {"port": 9092}, "periodSeconds": 1},
                        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/millrace"}]}],
        "volumes": [{"name": "data", "emptyDir": {}}]}}, scene.home)
    try:
        kubectl("wait", "--for=condition=Ready", "pod/alone", "--timeout=60s", namespace=scene.home, timeout=70)
        address = kubectl("get", "pod", "alone", "-o", "jsonpath={.status.podIP}", namespace=scene.home)
        wait_until(20, "the broker to answer", lambda: scene.client.serves(f"{address}:9092"))
    finally:
        print(kubectl("logs", "alone", "--tail=5", namespace=scene.home, expect=None, merge=True))
    begin_stop = kubectl("delete", "pod", "alone", namespace=scene.home, timeout=30)
    require("deleted" in begin_stop, begin_stop)


def no_shell(scene):
    pod = f"{scene.cluster.broker}-0"
    for shell in ("sh", "/bin/bash", "/bin/busybox"):
        said = kubectl("exec", pod, "--", shell, "-c", "true", namespace=scene.home, expect=None, merge=True)
        require("not found" in said or "no such file" in said, f"{shell}: {said}")
