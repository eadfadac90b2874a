"""The answers to raw requests in every version are those of Apache Kafka 3.9.2, which golden_answers/ keeps; those about groups of KIP-848,
which it does not have, are those of Kafka 4.3.1, in golden_answers/kafka_4.

`run --oracle --record-answers` writes them anew; `run --oracle --only answers` shows that they are what Kafka gives.
"""
import contextlib
import functools
import json
import os
import traceback

from compat import (answer_cases_cluster, answer_cases_configs, answer_cases_consumer_groups, answer_cases_coordinators, answer_cases_deletion,
                    answer_cases_features, answer_cases_fetch, answer_cases_groups, answer_cases_internal, answer_cases_log_dirs,
                    answer_cases_partitions, answer_cases_produce, answer_cases_producers, answer_cases_quotas, answer_cases_topics,
                    answer_cases_transactions)
from compat.answer_differences import CONSUMER_GROUP_DIFFERENCES, DIFFERENCES
from compat.answer_script import SETTINGS, STRICT_SETTINGS, Script
from compat.kraft_broker import KRaftBroker
from harness.brokers import MillraceBroker, OracleBroker
from harness.checks import require

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden_answers")
MODULES = (answer_cases_cluster, answer_cases_features, answer_cases_topics, answer_cases_configs, answer_cases_produce, answer_cases_fetch,
           answer_cases_internal, answer_cases_partitions, answer_cases_quotas, answer_cases_deletion, answer_cases_producers,
           answer_cases_log_dirs, answer_cases_coordinators, answer_cases_groups, answer_cases_transactions)
APIS = ("AddOffsetsToTxn", "AddPartitionsToTxn", "AlterClientQuotas", "AlterConfigs", "AlterReplicaLogDirs", "ApiVersions", "CreatePartitions",
        "CreateTopics", "DeleteGroups", "DeleteRecords", "DeleteTopics", "DescribeClientQuotas", "DescribeCluster", "DescribeConfigs",
        "DescribeGroups", "DescribeLogDirs", "DescribeProducers", "DescribeTransactions", "EndTxn", "Fetch", "FindCoordinator", "Heartbeat",
        "IncrementalAlterConfigs", "InitProducerId", "JoinGroup", "LeaveGroup", "ListGroups", "ListOffsets", "ListTransactions", "Metadata",
        "OffsetCommit", "OffsetDelete", "OffsetFetch", "OffsetForLeaderEpoch", "Other", "Produce", "SyncGroup", "TxnOffsetCommit",
        "UpdateFeatures", "WriteTxnMarkers")


class Comparison:
    """With one release of Kafka."""

    def __init__(self, title, make_oracle, settings, modules, apis, golden, differences):
        self.title, self.make_oracle, self.settings, self.modules, self.apis = title, make_oracle, settings, modules, apis
        self.golden, self.differences = golden, differences

    def name(self, api):
        return self.title.format(api)

    def ask_everything(self, oracle):
        """The answers by API, or the traceback of what went wrong."""
        try:
            make_broker = self.make_oracle if oracle else lambda settings: MillraceBroker(settings=settings)
            with contextlib.closing(Script(make_broker, self.settings)) as script:
                for module in self.modules:
                    module.cases(script)
                return script.answers
        except Exception:  # pylint: disable=broad-except
            return traceback.format_exc()

    def path_of(self, api):
        return os.path.join(self.golden, f"{api}.json")


COMPARISONS = (
    Comparison("answers to {} are Kafka's", OracleBroker, (SETTINGS, STRICT_SETTINGS), MODULES, APIS, GOLDEN, DIFFERENCES),
    Comparison("answers to {} about groups of KIP-848 are Kafka 4's", KRaftBroker, (SETTINGS,), (answer_cases_consumer_groups,),
               answer_cases_consumer_groups.APIS, os.path.join(GOLDEN, "kafka_4"), CONSUMER_GROUP_DIFFERENCES),
)


def checks(context):
    for comparison in COMPARISONS:
        names = {api: comparison.name(api) for api in comparison.apis}
        if not any(context.checks.selected(name) for name in names.values()):
            continue
        if not context.broker.can_restart:
            context.checks.skip("answers to raw requests", "they need brokers with settings of their own")
            return
        oracle = context.broker.name == "kafka"
        # Asked within the first check, so that what fails there is counted; the checks after it do not try again.
        asked = functools.cache(functools.partial(comparison.ask_everything, oracle))
        for api, name in names.items():
            context.checks.check(name, compare, comparison, api, asked, context.options.record_answers, [] if oracle else comparison.differences)


def grouped(versions):
    """Version -> answer as "0-3,5" -> answer."""
    groups = []
    for version in sorted(versions):
        for members, answer in groups:
            if answer == versions[version]:
                members.append(version)
                break
        else:
            groups.append(([version], versions[version]))
    return [[ranges(members), answer] for members, answer in groups]


def ranges(numbers):
    parts = []
    for number in numbers:
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ",".join(str(first) if first == last else f"{first}..{last}" for first, last in parts)


def ungrouped(groups):
    answers = {}
    for text, answer in groups:
        for part in text.split(","):
            first, _, last = part.partition("..")
            answers.update({version: answer for version in range(int(first), int(last or first) + 1)})
    return answers


def record(path, answers):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    lines = []
    for case, versions in answers.items():
        groups = ",\n".join("  " + json.dumps(group, ensure_ascii=False) for group in grouped(versions))
        lines.append(f" {json.dumps(case, ensure_ascii=False)}: [\n{groups}\n ]")
    with open(path, "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def compare(comparison, api, asked, recording, differences):
    answers = asked()
    require(isinstance(answers, dict), answers)
    answers = answers[api]
    if recording:
        record(comparison.path_of(api), answers)
    with open(comparison.path_of(api), encoding="utf-8") as file:
        golden = {case: ungrouped(groups) for case, groups in json.load(file).items()}
    complaints = []
    if set(golden) != set(answers):
        complaints.append(f"cases that only one of both has: {sorted(set(golden) ^ set(answers))}")
    for case in golden.keys() & answers.keys():
        if golden[case].keys() != answers[case].keys():
            complaints.append(f"{case}: versions {sorted(answers[case])} instead of {sorted(golden[case])}")
        wrong = {}
        for version in golden[case].keys() & answers[case].keys():
            expected = golden[case][version]
            for difference in differences:
                expected = difference.applied(api, case, version, expected, answers[case][version])
            if expected != answers[case][version]:
                found = "\n".join(unlike(expected, answers[case][version]))
                wrong.setdefault(found, []).append(version)
        for text, versions in sorted(wrong.items(), key=lambda item: item[1]):
            complaints.append(f"{case}, version {ranges(sorted(versions))}:\n{text}")
    complaints += [f"listed as a difference and none: {difference}" for difference in differences
                   if difference.api == api and not difference.used]
    if complaints and os.environ.get("COMPAT_DETAILS"):
        with open(os.path.join(os.environ["COMPAT_DETAILS"], f"{api}.txt"), "w", encoding="utf-8") as file:
            file.write("\n".join(sorted(complaints)))
    require(not complaints, f"{len(complaints)} differences\n" + "\n".join(sorted(complaints)))


def unlike(expected, found, path=""):
    """Lines that say where two answers differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in sorted(expected.keys() | found.keys()):
            yield from unlike(expected.get(name, "nothing"), found.get(name, "nothing"), f"{path}.{name}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (left, right) in enumerate(zip(expected, found)):
            yield from unlike(left, right, f"{path}[{number}]")
    elif expected != found:
        yield f"  {path}: Kafka {shortened(expected)}, here {shortened(found)}"


def shortened(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else text[:400] + "…"


