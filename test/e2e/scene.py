"""What the end-to-end checks share: the images on the nodes, the release, the client, and the cluster under test."""
import os

from e2e.kubernetes import Client, Killer, apply, create_namespace, delete_namespace, get, helm, is_ready, items, kubectl, require_object
from harness import paths
from harness.checks import require, require_equal, wait_until
from harness.processes import run

IMAGES = os.path.join(paths.REPOSITORY, "build", "images")
CHART = os.path.join(paths.REPOSITORY, "charts", "millrace")
EXAMPLE = os.path.join(paths.REPOSITORY, "deploy", "examples", "single-broker.yaml")
RELEASE = "millrace"
OPERATOR_PODS = "app.kubernetes.io/name=millrace-operator"


class Scene:
    """Namespaces: `system` holds the operator, `home` the cluster under test, `chaos` the clusters of the operator's kills."""

    system, home, chaos = "millrace-e2e-system", "millrace-e2e", "millrace-e2e-chaos"

    def __init__(self, options, loader):
        self.options = options
        self.loader = loader
        self.checks = None
        self.operator_log = ""
        self.registry = os.environ.get("E2E_REGISTRY", "localhost")
        self.tag = os.environ.get("E2E_TAG", "dev")
        self.client = Client(self.home, self.image("e2e-client"))
        self.killer = Killer(self.image("e2e-client"))

    @property
    def namespaces(self):
        return [name for name in (self.system, self.home, self.chaos) if get("namespace", name)]

    def image(self, word):
        return f"{self.registry}/millrace-{word}:{self.tag}"

    def prepare(self):
        """Images on the nodes; empty namespaces; the client."""
        self.remove()
        if not os.environ.get("E2E_REGISTRY"):
            self._load_images()
        create_namespace(self.home)
        create_namespace(self.chaos)
        self.killer.prepare()
        self.client.start()

    def _load_images(self):
        archives = [os.path.join(IMAGES, f"{name}.tar") for name in ("broker", "operator")]
        for archive in archives:
            require(os.path.isfile(archive), f"no {archive}: make images")
        require(self.loader, "say how images reach the nodes: E2E_LOAD_IMAGE='kind load image-archive', E2E_REGISTRY=..., or LAB=...")
        archives.append(self._client_archive())
        run([*self.loader, *archives], timeout=300)

    def _client_archive(self):
        """Made again only where its Dockerfile is newer."""
        source, archive = os.path.join(os.path.dirname(__file__), "Dockerfile"), os.path.join(IMAGES, "e2e-client.tar")
        if not os.path.isfile(archive) or os.path.getmtime(archive) < os.path.getmtime(source):
            name = self.image("e2e-client")
            base = os.environ.get("BASE_IMAGE", "localhost/debian:bookworm-slim")
            run(["buildah", "bud", "--isolation", "chroot", "--pull=never", "--build-arg", f"BASE_IMAGE={base}", "--tag", name,
                 os.path.dirname(source)], timeout=300)
            os.makedirs(IMAGES, exist_ok=True)
            if os.path.exists(archive):
                os.remove(archive)
            run(["buildah", "push", name, f"oci-archive:{archive}:{name}"], timeout=120)
        return archive

    def install(self):
        helm("install", RELEASE, CHART, "--namespace", self.system, "--create-namespace", "--wait", "--timeout", "120s",
             "--set", f"image.registry={self.registry},image.tag={self.tag}")

    def uninstall(self):
        self.note_operator_log()
        helm("uninstall", RELEASE, "--namespace", self.system, "--wait", "--timeout", "60s")

    def operator(self):
        """The operator's pod."""
        pods = [pod for pod in items("pod", self.system, OPERATOR_PODS) if "deletionTimestamp" not in pod["metadata"]]
        require_equal(1, len(pods), "operator pods")
        return pods[0]

    def replace_operator(self):
        """A new pod instead of the operator's, which gives the Lease back."""
        self.note_operator_log()
        kubectl("delete", "pod", self.operator()["metadata"]["name"], namespace=self.system)
        kubectl("rollout", "status", "deployment", "-l", OPERATOR_PODS, "--timeout=60s", namespace=self.system, timeout=70)

    def note_operator_log(self):
        """Keeps what the operator's containers have said so far, for checks at the end."""
        for pod in items("pod", self.system, OPERATOR_PODS):
            for before in ([], ["--previous"]):
                self.operator_log += kubectl("logs", pod["metadata"]["name"], *before, namespace=self.system, expect=None)

    def remove(self):
        """Everything but the definitions of resources."""
        for name in (self.home, self.chaos, Killer.namespace):
            delete_namespace(name, seconds=180)
        if get("namespace", self.system):
            run(["helm", "uninstall", RELEASE, "--namespace", self.system, "--ignore-not-found"], timeout=60)
            delete_namespace(self.system, seconds=120)


class Cluster:
    """A KafkaCluster of the example's shape, and what must never change about it."""

    def __init__(self, scene, name="demo", namespace=None):
        self.scene, self.name, self.namespace = scene, name, namespace or scene.home
        self.broker = f"{name}-broker-0"

    def manifest(self):
        """The example, under this cluster's name."""
        with open(EXAMPLE, encoding="utf-8") as file:
            lines = file.read().splitlines()
        named = next(number for number, line in enumerate(lines) if line.startswith("  name:"))
        lines[named] = f"  name: {self.name}"
        return "\n".join(lines) + "\n"

    def apply(self):
        apply(self.manifest(), self.namespace)

    def resource(self):
        return require_object("kafkacluster", self.name, self.namespace)

    def wait_ready(self, seconds=120):
        def ready():
            resource = self.resource()
            return resource if is_ready(resource) else None
        resource = wait_until(seconds, f"{self.name} to be Ready", ready)
        return resource["status"]

    def bootstrap(self):
        return self.resource()["status"]["listeners"][0]["bootstrapServers"]

    def pod(self):
        return require_object("pod", f"{self.broker}-0", self.namespace)

    def claim(self):
        return require_object("persistentvolumeclaim", f"{self.broker}-data", self.namespace)

    def identity(self):
        """What a broker keeps whatever happens to its processes and pods."""
        status, claim, pod = self.resource()["status"], self.claim(), self.pod()
        return {
            "cluster id": status["clusterId"],
            "broker ids": [broker["id"] for broker in status["brokers"]],
            "broker id label of the pod": pod["metadata"]["labels"]["millrace.dev/broker-id"],
            "claim uid": claim["metadata"]["uid"],
            "volume": claim["spec"]["volumeName"],
            "volume in use": [volume["persistentVolumeClaim"]["claimName"] for volume in pod["spec"]["volumes"]
                              if "persistentVolumeClaim" in volume],
        }

    def wait_serving(self, seconds=120):
        """The pod is ready, and a client gets an answer from the bootstrap address."""
        def ready():
            pod = get("pod", f"{self.broker}-0", self.namespace)
            conditions = (pod or {}).get("status", {}).get("conditions", [])
            return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
        wait_until(seconds, f"pod {self.broker}-0 to be ready", ready)
        wait_until(30, "the broker to answer", lambda: self.scene.client.serves(self.bootstrap()))

    def delete(self, seconds=90):
        kubectl("delete", "kafkacluster", self.name, "--wait=false", namespace=self.namespace)
        wait_until(seconds, f"the pod of {self.name} to be gone", lambda: get("pod", f"{self.broker}-0", self.namespace) is None, 0.5)
