"""The chart as text: what it makes of its values, and what it refuses, without a cluster."""
import os
import re

from e2e.kubernetes import helm
from e2e.scene import CHART
from harness import paths
from harness.checks import require, require_equal
from harness.processes import run

OLDEST = "1.29.0"


def checks(scene):
    check = scene.checks.check
    check("helm lint accepts the chart", lambda: helm("lint", CHART, "--strict", "--kube-version", OLDEST))
    check("the chart asks the cluster nothing: it renders the same everywhere", same_everywhere)
    check("the chart refuses a Kubernetes that is too old", too_old)
    check("without an election there is one operator at a time", one_at_a_time)
    check("the rights of the chart are those of deploy/operator.yaml", manifest_is_current)


def render(*arguments, version=OLDEST, **how):
    return run(["helm", "template", "millrace", CHART, "--kube-version", version, *arguments], timeout=60, **how)


def same_everywhere():
    for root, _, files in os.walk(os.path.join(CHART, "templates")):
        for name in files:
            with open(os.path.join(root, name), encoding="utf-8") as file:
                require(not re.search(r"\{\{[^}]*\blookup\b", file.read()), f"{name} asks the cluster")
    require_equal(render(), render(version="1.34.0"), "the chart for an older and a newer Kubernetes")


def too_old():
    said = render(version="1.28.9", expect=1, merge=True)
    require("1.29.0" in said and "1.28.9" in said, said)
    render(version="1.29.1-gke.100")  # as managed clusters name theirs


def one_at_a_time():
    require("strategy:" not in render(), "with an election a new operator waits for the old one's Lease")
    alone = render("--set", "leaderElection=false")
    require("type: Recreate" in alone and "--leader-elect" not in alone, alone)
    said = render("--set", "leaderElection=false,replicas=2", expect=1, merge=True)
    require("replicas" in said, said)
    said = render("--set", "leaderElection=false,replicas=2", "--skip-schema-validation", expect=1, merge=True)
    require("leaderElection: false needs replicas 1" in said, said)
    render("--set", "replicas=2")


def manifest_is_current():
    run([os.path.join(paths.REPOSITORY, "deploy", "generate"), "--check"])
