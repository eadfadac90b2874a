#!/usr/bin/env python3
"""Reads every #include of broker/, operator/ and test/sim/ against layers.txt and prints a line for each one that is not allowed.

    check_layers.py [ROOT]      exit code 0: nothing found, 1: findings, 2: layers.txt itself cannot be understood

A folder is a layer, with the folders below it that layers.txt does not name. Besides forbidden arrows it finds: folders that layers.txt does not name, arrows in layers.txt that form a
cycle, headers that include each other in a cycle, own headers that do not exist or are not written from the root of the
repository, third-party headers outside the layers that they are confined to, and files too long to be about one thing.
"""
import os
import re
import sys

TREES = ("broker", "operator", "test/sim")
SOURCES = (".h", ".cpp")
MAX_FILE_LINES = 800
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class BadRules(Exception):
    """layers.txt cannot be understood."""


class Rules:
    """The arrows (layer -> layers that it may include) and the third-party headers that are confined to some layers."""

    def __init__(self, text):
        self.arrows = {}
        self.confined = []
        for number, line in enumerate(text.splitlines(), 1):
            line = line.split("#", 1)[0].strip()
            if line:
                self._read(number, line)
        for layer, targets in self.arrows.items():
            for target in targets:
                if target not in self.arrows:
                    raise BadRules(f"layers.txt: {layer} -> {target}, but {target} has no line of its own")
        for prefix, layers in self.confined:
            for layer in layers:
                if layer not in self.arrows:
                    raise BadRules(f"layers.txt: only {prefix} : {layer}, but {layer} is no layer")

    def _read(self, number, line):
        if confined := re.fullmatch(r"only\s+(\S+)\s*:\s*(.*)", line):
            self.confined.append((confined[1], set(confined[2].split())))
        elif arrow := re.fullmatch(r"(\S+)\s*->\s*(.*)", line):
            if arrow[1] in self.arrows:
                raise BadRules(f"layers.txt:{number}: a second line for {arrow[1]}")
            self.arrows[arrow[1]] = set(arrow[2].split())
        else:
            raise BadRules(f"layers.txt:{number}: neither 'layer -> layers' nor 'only header : layers': {line}")

    def layer_of(self, path):
        """The layer of a file; None where there is none. A tree's own row (broker) is for the files that stand in it directly."""
        folder = os.path.dirname(path)
        while folder not in self.arrows or (folder in TREES and folder != os.path.dirname(path)):
            folder = os.path.dirname(folder)
            if not folder:
                return None
        return folder

    def may_include(self, layer, target):
        return layer == target or target in self.arrows[layer]

    def confinement(self, header):
        """The layers that may include this third-party header; None where every layer may."""
        for prefix, layers in self.confined:
            if header == prefix or header.startswith((prefix + "/", prefix + ".")):
                return layers
        return None


def find_cycle(graph):
    """One cycle of {node: nodes}, as a list whose first node is repeated at its end; None where there is none."""
    done = set()
    for start in sorted(graph):
        if start in done:
            continue
        path, positions, stack = [start], {start: 0}, [iter(sorted(graph[start]))]
        while stack:
            target = next(stack[-1], None)
            if target is None:
                stack.pop()
                done.add(path[-1])
                del positions[path.pop()]
            elif target in positions:
                return path[positions[target]:] + [target]
            elif target not in done and target in graph:
                positions[target] = len(path)
                path.append(target)
                stack.append(iter(sorted(graph[target])))
    return None


def source_files(root):
    for tree in TREES:
        for folder, folders, files in os.walk(os.path.join(root, tree)):
            folders.sort()
            for name in sorted(files):
                if name.endswith(SOURCES):
                    yield os.path.relpath(os.path.join(folder, name), root)


def check_include(root, rules, layer, file, kind, header):
    """What is wrong with one #include, or None."""
    own = header.startswith(tuple(tree + "/" for tree in TREES))
    if kind == '"' and not own:
        return f'"{header}" is not written from the root of the repository ("{os.path.dirname(file)}/{header}"?)'
    if kind == "<" and own:
        return f"<{header}> is one of our own headers: write it in quotes"
    if not own:
        allowed = rules.confinement(header)
        if allowed is not None and layer not in allowed:
            return f"<{header}> is confined to {', '.join(sorted(allowed))}"
        return None
    if not os.path.isfile(os.path.join(root, header)):
        return f'"{header}" does not exist'
    target = rules.layer_of(header)
    if target is None:
        return f"{os.path.dirname(header)} is in no layer of layers.txt"
    if not rules.may_include(layer, target):
        return f"{layer} may not include {target} ({header})"
    return None


def check(root):
    """Every finding, as 'file:line: what' or 'file: what'."""
    with open(os.path.join(root, "layers.txt"), encoding="utf-8") as file:
        rules = Rules(file.read())
    findings = []
    if cycle := find_cycle(rules.arrows):
        findings.append("layers.txt: the arrows form a cycle: " + " -> ".join(cycle))
    includes = {}
    for file in source_files(root):
        layer = rules.layer_of(file)
        with open(os.path.join(root, file), encoding="utf-8") as source:
            lines = source.read().splitlines()
        if len(lines) > MAX_FILE_LINES:
            findings.append(f"{file}: {len(lines)} lines, {MAX_FILE_LINES} at most")
        if layer is None:
            findings.append(f"{file}: {os.path.dirname(file)} is in no layer of layers.txt")
            continue
        includes[file] = set()
        for number, line in enumerate(lines, 1):
            if not (match := INCLUDE.match(line)):
                continue
            includes[file].add(match[2])
            if wrong := check_include(root, rules, layer, file, match[1], match[2]):
                findings.append(f"{file}:{number}: {wrong}")
    if cycle := find_cycle(includes):
        findings.append(f"{cycle[0]}: headers include each other: " + " -> ".join(cycle))
    return findings, len(includes), sum(map(len, includes.values()))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else "."
    try:
        findings, files, includes = check(root)
    except (BadRules, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for finding in findings:
        print(finding)
    print(f"{files} files, {includes} includes, {len(findings)} findings")
    if files == 0:
        print(f"no sources below {root}: {', '.join(TREES)}", file=sys.stderr)
        return 2
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
