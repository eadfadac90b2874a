"""kubectl and helm with a bound on their time, and the few questions that the tests ask the cluster."""
import json
import os
import time

from harness.checks import Failure, require, wait_until
from harness.processes import run

READY_SECONDS = 120


def kubectl(*arguments, namespace=None, timeout=60, **how):
    where = ["--namespace", namespace] if namespace else []
    return run(["kubectl", f"--request-timeout={timeout}s", *where, *arguments], timeout=timeout + 10, **how)


def helm(*arguments, timeout=180):
    return run(["helm", *arguments], timeout=timeout)


def apply(manifest, namespace=None, **how):
    """`manifest`: an object, a list of them, or YAML text."""
    if isinstance(manifest, list):
        manifest = {"apiVersion": "v1", "kind": "List", "items": manifest}
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    return kubectl("apply", "-f", "-", namespace=namespace, stdin=text, **how)


def get(kind, name, namespace=None):
    """The object, or None."""
    said = kubectl("get", kind, name, "--ignore-not-found", "-o", "json", namespace=namespace)
    return json.loads(said) if said.strip() else None


def require_object(kind, name, namespace=None):
    found = get(kind, name, namespace)
    require(found, f"there is no {kind} {name}")
    return found


def items(kind, namespace=None, selector=None):
    return json.loads(kubectl("get", kind, *(["-l", selector] if selector else []), "-o", "json", namespace=namespace))["items"]


def condition(thing, name):
    return next((each for each in thing.get("status", {}).get("conditions", []) if each["type"] == name), {})


def is_ready(thing):
    """Ready, and it speaks of the present specification."""
    found = condition(thing, "Ready")
    generation = found.get("observedGeneration", thing.get("status", {}).get("observedGeneration"))
    return found.get("status") == "True" and generation in (None, thing["metadata"].get("generation"))


def create_namespace(name, profile="restricted"):
    """With a Pod Security profile: whatever runs there must conform to it."""
    delete_namespace(name)
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": name, "labels": {"pod-security.kubernetes.io/enforce": profile, "millrace.dev/e2e": "true"}}})


def delete_namespace(name, seconds=120):
    """How many seconds it took. A Failure where it is still there after `seconds`."""
    begin = time.monotonic()
    kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")
    try:
        wait_until(seconds, f"namespace {name} to be gone", lambda: get("namespace", name) is None, interval=0.5)
    except Failure as error:
        raise Failure(f"{error}\n{kubectl('get', 'namespace', name, '-o', 'yaml')}") from None
    return time.monotonic() - begin


SECURITY = {"runAsNonRoot": True, "runAsUser": 10001, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}


class Client:
    """A pod with kcat beside the brokers."""

    def __init__(self, namespace, image, name="client"):
        self.namespace, self.image, self.name = namespace, image, name

    def start(self):
        apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.name}, "spec": {
            "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False,
            "containers": [{"name": "client", "image": self.image, "imagePullPolicy": "IfNotPresent", "securityContext": SECURITY,
                            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}],
            "volumes": [{"name": "tmp", "emptyDir": {}}]}}, self.namespace)
        kubectl("wait", "--for=condition=Ready", f"pod/{self.name}", "--timeout=60s", namespace=self.namespace, timeout=70)

    def shell(self, script, timeout=120):
        return kubectl("exec", self.name, "--", "sh", "-ec", script, namespace=self.namespace, timeout=timeout)

    def produce(self, bootstrap, topic, first, last):
        self.shell(f"seq {first} {last} | kcat -b {bootstrap} -P -t {topic} -p 0 -X enable.idempotence=true -X acks=all "
                   "-X message.timeout.ms=60000 -E")

    def read(self, bootstrap, topic):
        """(how many records, whether they are the numbers from 1 in order)."""
        said = self.shell(f"kcat -b {bootstrap} -C -t {topic} -p 0 -o beginning -e -q > /tmp/read; wc -l < /tmp/read; "
                          "seq $(wc -l < /tmp/read) | cmp -s - /tmp/read && echo same || echo different")
        count, verdict = said.split()
        return int(count), verdict == "same"

    def serves(self, bootstrap):
        try:
            return "broker" in self.shell(f"kcat -b {bootstrap} -L -m 2", timeout=10)
        except Failure:
            return False


class Killer:
    """Reaches processes of containers from outside, by a privileged pod on their node: ends them with SIGKILL, reads their /proc."""

    namespace = "millrace-e2e-tools"

    def __init__(self, image):
        self.image = image

    def prepare(self):
        create_namespace(self.namespace, "privileged")

    def _pod_on(self, node):
        name = f"killer-{node}"
        if not get("pod", name, self.namespace):
            apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
                "nodeName": node, "hostPID": True, "terminationGracePeriodSeconds": 0,
                "containers": [{"name": "killer", "image": self.image, "imagePullPolicy": "IfNotPresent",
                                "securityContext": {"privileged": True, "runAsUser": 0}}]}}, self.namespace)
            kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s", namespace=self.namespace, timeout=70)
        return name

    def _on_process(self, pod, program, command):
        """Runs a shell command on the node with $process being the /proc folder of the pod's process that runs `program`."""
        uid = pod["metadata"]["uid"]
        # A container's cgroup carries the pod's uid, with dashes or with underscores.
        script = f"""for process in /proc/[0-9]*; do
            [ "$(readlink $process/exe)" = {program} ] || continue
            grep -qE '{uid}|{uid.replace("-", "_")}' $process/cgroup || continue
            {command} && exit 0
        done; echo none there; exit 1"""
        return kubectl("exec", self._pod_on(pod["spec"]["nodeName"]), "--", "sh", "-c", script, namespace=self.namespace)

    def kill(self, pod, program):
        """SIGKILL to the pod's process; nothing is told to Kubernetes."""
        self._on_process(pod, program, "kill -9 ${process#/proc/}")

    def read(self, pod, program, file):
        """A file of the process's folder in /proc."""
        return self._on_process(pod, program, f"cat $process/{file}")


def collect_logs(folder, namespaces):
    """What a person would look at after a failure, in files."""
    os.makedirs(folder, exist_ok=True)

    def save(name, *arguments, namespace=None):
        try:
            text = kubectl(*arguments, namespace=namespace, expect=None, merge=True)
        except Failure as error:
            text = str(error)
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        return text

    for namespace in namespaces:
        save(f"{namespace}.objects", "get", "all,pvc,pdb,configmap,lease,kafkacluster", "-o", "wide", namespace=namespace)
        save(f"{namespace}.yaml", "get", "kafkacluster,statefulset,pod,pvc", "-o", "yaml", namespace=namespace)
        save(f"{namespace}.events", "get", "events", "--sort-by=.lastTimestamp", namespace=namespace)
        for pod in kubectl("get", "pods", "-o", "name", namespace=namespace, expect=None).split():
            name = pod.split("/")[-1]
            save(f"{namespace}.{name}.log", "logs", pod, "--all-containers", "--tail=1000", namespace=namespace)
            save(f"{namespace}.{name}.previous.log", "logs", pod, "--all-containers", "--previous", "--tail=300", namespace=namespace)
