"""The operator's Kubernetes client alone, against the API server: test/operator/kubernetes/cluster_test.cpp."""
import os
import re

from harness import paths
from harness.checks import require
from harness.processes import run

BINARY = os.path.join(paths.BUILD, "test", "operator", "kubernetes", "millrace_operator_kubernetes_cluster_test")


def checks(scene):
    scene.checks.check("the Kubernetes client lists, watches, applies and elects on this API server", every_test, scene)


def every_test(_):
    require(os.access(BINARY, os.X_OK), f"no {BINARY}: make e2e builds it")
    said = run([BINARY, "--gtest_brief=1"], timeout=300, expect=None, merge=True)
    passed = re.search(r"^\[  PASSED  \] (\d+) tests?\.$", said, re.MULTILINE)
    require(passed and int(passed[1]) > 0 and "FAILED" not in said and "SKIPPED" not in said, said[-3000:])
    print(f"    {passed[1]} tests")
