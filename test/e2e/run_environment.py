"""Which cluster, and how images reach its nodes."""
import os
import shlex
import shutil

from harness.checks import Failure
from harness.processes import run


def loader_of_environment():
    """The command that gives image archives to the nodes, or None; brings the lab's cluster up where $LAB asks for one."""
    lab = os.environ.get("LAB")
    if lab:
        print(run([os.path.join(lab, "kube-up")], timeout=600, merge=True).strip(), flush=True)
        values = run(["bash", "-c", 'eval "$("$0")" && printf "%s\\n%s" "$KUBECONFIG" "$PATH"', os.path.join(lab, "kube-env")])
        os.environ["KUBECONFIG"], os.environ["PATH"] = values.split("\n")
    if not os.environ.get("KUBECONFIG"):
        raise Failure("set KUBECONFIG to a cluster, or LAB to the folder of a lab that brings one up")
    for program in ("kubectl", "helm"):
        if not shutil.which(program):
            raise Failure(f"{program} is not on the PATH")
    if lab:
        return [os.path.join(lab, "kube-image")]
    command = shlex.split(os.environ.get("E2E_LOAD_IMAGE", ""))
    # A lab that is up already has its scripts on the PATH.
    return command or ([shutil.which("kube-image")] if shutil.which("kube-image") else None)
