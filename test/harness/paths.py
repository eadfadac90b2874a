"""Where things are: this repository, its binaries, and the labs, which are not part of it and may be absent."""
import os

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("MILLRACE_BUILD", os.path.join(REPOSITORY, "build", "release"))
BROKER = os.path.join(BUILD, "broker", "millrace-broker")
OPERATOR = os.path.join(BUILD, "operator", "millrace-operator")
KAFKA_LAB = os.environ.get("KAFKA_LAB", os.path.join(REPOSITORY, "..", "shared", "lab", "kafka"))
KUBE_LAB = os.environ.get("KUBE_LAB", os.path.join(REPOSITORY, "..", "shared", "lab", "kube"))
