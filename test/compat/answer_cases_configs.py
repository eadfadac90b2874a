"""Cases of AlterConfigs and IncrementalAlterConfigs, and of DescribeConfigs where something was altered."""
from harness.checks import wait_until

UNKNOWN, TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 0, 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)
WHOLE, STEPS = "AlterConfigs", "IncrementalAlterConfigs"


def cases(script):
    for api in (WHOLE, STEPS):
        for version in script.versions(api):
            ask = Asking(script, api, version)
            resources(ask)
            topic_configs(ask)
            broker_configs(ask)
            defaults_of_brokers(ask)
            loggers(ask)
    for version in script.versions(STEPS):
        ask = Asking(script, STEPS, version)
        operations(ask)
        logger_levels(ask)


class Asking:
    """One API in one version."""

    def __init__(self, script, api, version):
        self.script, self.api, self.version = script, api, version

    def resource(self, kind, name, *configs):
        """Each config is (key, value), set, or (key, value, operation)."""
        made = [{"name": key, "value": value} for key, value, *_ in configs]
        if self.api == STEPS:
            for one, (_, __, *operation) in zip(made, configs):
                one["config_operation"] = operation[0] if operation else SET
        return {"resource_type": kind, "resource_name": name, "configs": made}

    def several(self, case, *wanted, validate_only=False):
        self.script.ask(case, self.api, self.version, {"resources": list(wanted), "validate_only": validate_only})

    def __call__(self, case, kind, name, *configs, validate_only=False):
        self.several(case, self.resource(kind, name, *configs), validate_only=validate_only)

    def clear(self, kind, name, *keys):
        """Takes everything away that a case has set."""
        resource = {"resource_type": kind, "resource_name": name, "configs": []}
        answer = self.script.main.ask(WHOLE, 1, {"resources": [resource], "validate_only": False})
        assert answer["responses"][0]["error_code"] == 0, answer
        self.wait_until_set(kind, name, lambda found: not set(found) & set(keys))

    def described(self, kind, name, keys=None):
        wanted = {"resource_type": kind, "resource_name": name, "configuration_keys": keys}
        return self.script.main.ask("DescribeConfigs", 4, {"resources": [wanted], "include_synonyms": True})

    def wait_until_set(self, kind, name, met):
        """Of what was set for it at run time: {key: value}."""
        source = 1 if kind == TOPIC else 2 if name else 3

        def changed():
            configs = self.described(kind, name)["results"][0]["configs"]
            return met({config["name"]: config["value"] for config in configs if config["config_source"] == source})
        wait_until(20, "the change", changed)

    def then(self, case, kind, name, *keys):
        self.script.keep(f"{case}, then", self.api, self.version, self.described(kind, name, list(keys)))


def resources(ask):
    topic = ask.script.create("altered")
    retention = ("retention.ms", "1000000")
    ask.several("nothing")
    for case, kind in (("unknown", UNKNOWN), ("any", 1), ("client metrics", CLIENT_METRICS), ("group", GROUP), ("99", 99), ("-1", -1)):
        ask(f"a resource of type {case}", kind, "a-name", retention)
    same = ask.resource(TOPIC, topic, retention)
    if ask.version == 0:  # Kafka forgets to answer, which takes its time
        ask.several("the same resource twice", same, same)
    ask.several("two resources, one of them unknown", same, ask.resource(TOPIC, ask.script.name("unknown"), retention))
    ask("the same key twice", TOPIC, topic, retention, retention)
    ask("two keys twice", TOPIC, topic, retention, retention, ("segment.ms", "1"), ("segment.ms", "2"))
    ask("a null value", TOPIC, topic, ("retention.ms", None))
    ask("null values", TOPIC, topic, ("retention.ms", None), ("segment.ms", None), ("segment.bytes", "5000000"))
    ask("a null value of a broker", BROKER, "0", ("log.cleaner.threads", None))
    ask("a null value of a resource of type group", GROUP, "a-name", ("a-key", None))


def topic_configs(ask):
    topic = ask.script.create("altered", retention_ms=5000000)
    ask("topic: one key", TOPIC, topic, ("segment.bytes", "5000000"))
    ask.then("topic: one key", TOPIC, topic, "segment.bytes", "retention.ms")
    ask("topic: validate only", TOPIC, topic, ("segment.bytes", "6000000"), validate_only=True)
    ask.then("topic: validate only", TOPIC, topic, "segment.bytes")
    ask("topic: validate only, wrong", TOPIC, topic, ("segment.bytes", "1"), validate_only=True)
    ask("topic: no key", TOPIC, topic)
    ask.then("topic: no key", TOPIC, topic, "segment.bytes", "retention.ms")
    ask("topic: unknown", TOPIC, ask.script.name("unknown"), ("segment.bytes", "5000000"))
    ask("topic: a name that none can have", TOPIC, "a b", ("segment.bytes", "5000000"))
    ask("topic: an empty name", TOPIC, "", ("segment.bytes", "5000000"))
    for key, value in (("no.such.key", "1"), ("segment.bytes", "1"), ("segment.bytes", "many"), ("segment.bytes", ""), ("retention.ms", "-2"),
                       ("cleanup.policy", "burn"), ("cleanup.policy", "compact,burn"), ("compression.type", "rar"),
                       ("message.timestamp.type", "createtime"), ("preallocate", "perhaps"), ("min.cleanable.dirty.ratio", "2"),
                       ("min.insync.replicas", "0"), ("max.message.bytes", "-1"), ("compression.gzip.level", "10"),
                       ("leader.replication.throttled.replicas", "all"), ("min.compaction.lag.ms", "9223372036854775807"),
                       ("remote.storage.enable", "true"), ("segment.bytes", " 5000000 "), ("retention.ms", "+7000000"),
                       ("message.timestamp.difference.max.ms", "5"), ("message.format.version", "0.10.0")):
        ask(f"topic: {key} is '{value}'", TOPIC, topic, (key, value))
    ask("topic: two wrong keys", TOPIC, topic, ("no.such.key", "1"), ("segment.bytes", "1"))
    ask("topic: a wrong and a right key", TOPIC, topic, ("flush.ms", "5"), ("segment.bytes", "1"))
    ask.then("topic: a wrong and a right key", TOPIC, topic, "flush.ms", "segment.bytes")
    ask("topic: an empty list", TOPIC, topic, ("leader.replication.throttled.replicas", ""))
    ask("topic: a lag above another", TOPIC, topic, ("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "5"))


def broker_configs(ask):
    ask.clear(BROKER, "0", "log.cleaner.threads", "log.retention.ms", "log.segment.bytes")
    cleaner = ("log.cleaner.threads", "2")
    ask("broker: one key", BROKER, "0", cleaner)
    ask.wait_until_set(BROKER, "0", lambda found: found.get("log.cleaner.threads") == "2")
    ask.then("broker: one key", BROKER, "0", "log.cleaner.threads", "log.segment.bytes")
    ask("broker: validate only", BROKER, "0", ("log.segment.bytes", "5000000"), validate_only=True)
    ask("broker: validate only, wrong", BROKER, "0", ("log.segment.bytes", "1"), validate_only=True)
    ask("broker: no key", BROKER, "0")
    ask("broker: a synonym that cannot change", BROKER, "0", ("log.retention.hours", "5"))
    ask.clear(BROKER, "0", "log.cleaner.threads", "log.segment.bytes")
    ask("broker: another", BROKER, "9", cleaner)
    ask("broker: no number", BROKER, "nil", cleaner)
    ask("broker: a number with a sign", BROKER, "+0", cleaner, validate_only=True)
    for key, value in (("no.such.key", "1"), ("broker.id", "5"), ("num.partitions", "3"), ("log.dirs", "/tmp"), ("zookeeper.connect", "x"),
                       ("auto.create.topics.enable", "false"), ("log.segment.bytes", "1"), ("log.segment.bytes", "many"),
                       ("log.cleaner.threads", "0"), ("log.cleaner.threads", "9"), ("log.cleaner.dedupe.buffer.size", "1"),
                       ("num.io.threads", "0"), ("num.io.threads", "100"), ("num.io.threads", "1"), ("num.network.threads", "100"),
                       ("background.threads", "1"), ("num.replica.fetchers", "5"), ("num.recovery.threads.per.data.dir", "8"),
                       ("max.connections", "-1"), ("max.connections.per.ip", "0"), ("max.connections.per.ip", "-1"),
                       ("max.connections.per.ip.overrides", "nobody"), ("max.connections.per.ip.overrides", "127.0.0.1:many"),
                       ("max.connection.creation.rate", "0"), ("message.max.bytes", "-1"), ("min.insync.replicas", "0"),
                       ("log.cleanup.policy", "burn"), ("compression.type", "rar"), ("unclean.leader.election.enable", "perhaps"),
                       ("log.message.timestamp.type", "now"), ("log.retention.ms", "0"), ("log.retention.ms", "-2"),
                       ("log.flush.interval.messages", "0"), ("log.local.retention.ms", "5"), ("producer.id.expiration.ms", "0"),
                       ("transaction.partition.verification.enable", "perhaps"), ("ssl.keystore.location", "/tmp/x"),
                       ("ssl.keystore.password", "secret"), ("listener.name.plaintext.max.connections", "many"),
                       ("listener.name.plaintext.ssl.keystore.type", "PKCS12"), ("listener.name.plaintext.no.such.key", "1"),
                       ("listeners", "nonsense"), ("listeners", ""), ("advertised.listeners", "OTHER://localhost:1"),
                       ("listeners", "PLAINTEXT://127.0.0.1:1,OTHER://127.0.0.1:2"),
                       ("listener.security.protocol.map", "PLAINTEXT:SSL"), ("inter.broker.listener.name", "OTHER"),
                       ("control.plane.listener.name", "OTHER"),
                       ("metric.reporters", "no.such.Class"), ("principal.builder.class", "no.such.Class"),
                       ("follower.replication.throttled.rate", "100"), ("leader.replication.throttled.rate", "-1"),
                       ("sasl.jaas.config", "x"), ("password.encoder.secret", "x"), ("config.providers", "x")):
        ask(f"broker: {key} is '{value}'", BROKER, "0", (key, value), validate_only=True)
    ask("broker: two that cannot change", BROKER, "0", ("broker.id", "5"), ("num.partitions", "3"), validate_only=True)
    ask("broker: a wrong and a right key", BROKER, "0", cleaner, ("log.segment.bytes", "1"))
    ask("broker: a secret", BROKER, "0", ("listener.name.plaintext.ssl.keystore.password", "secret"))
    ask.clear(BROKER, "0", "listener.name.plaintext.ssl.keystore.password", "log.cleaner.threads")
    ask("broker: a key of nobody's", BROKER, "0", ("no.such.key", "1"))
    ask.wait_until_set(BROKER, "0", lambda found: "no.such.key" in found)
    ask.then("broker: a key of nobody's", BROKER, "0", "no.such.key")
    ask.clear(BROKER, "0", "no.such.key")


def defaults_of_brokers(ask):
    def clear():
        ask.clear(BROKER, "", "log.cleaner.threads", "log.segment.bytes", "log.flush.interval.ms", "log.roll.ms", "no.such.key")
    clear()
    topic = ask.script.create("default")
    segment = ("log.segment.bytes", "7000000")
    ask("brokers: one key", BROKER, "", segment)
    ask.wait_until_set(BROKER, "", lambda found: found.get("log.segment.bytes") == "7000000")
    ask.then("brokers: one key", BROKER, "", "log.segment.bytes")
    ask.then("brokers: one key, of a broker", BROKER, "0", "log.segment.bytes")
    ask.then("brokers: one key, of a topic", TOPIC, topic, "segment.bytes")
    ask("brokers: one key, and one of a broker", BROKER, "0", ("log.segment.bytes", "8000000"))
    ask.wait_until_set(BROKER, "0", lambda found: found.get("log.segment.bytes") == "8000000")
    ask.then("brokers: one key, and one of a broker", BROKER, "0", "log.segment.bytes")
    ask.then("brokers: one key, and one of a broker, of a topic", TOPIC, topic, "segment.bytes")
    ask.clear(BROKER, "0", "log.segment.bytes")
    # After the broker's own: the default is in force again.
    clear()
    ask("brokers: validate only", BROKER, "", segment, validate_only=True)
    ask("brokers: two keys", BROKER, "", ("log.flush.interval.ms", "5"), ("log.roll.ms", "9"))
    ask.wait_until_set(BROKER, "", lambda found: "log.roll.ms" in found)
    ask.then("brokers: two keys", BROKER, "")
    ask.then("brokers: two keys, of a broker", BROKER, "0", "log.roll.hours", "log.roll.ms", "log.flush.interval.ms")
    clear()
    for key, value in (("no.such.key", "1"), ("broker.id", "5"), ("listeners", "PLAINTEXT://127.0.0.1:1"), ("log.segment.bytes", "1"),
                       ("advertised.listeners", "PLAINTEXT://127.0.0.1:1"), ("max.connections", "100"), ("max.connections", "-1"),
                       ("listener.name.plaintext.ssl.keystore.type", "PKCS12"), ("listener.name.plaintext.max.connections", "5"),
                       ("ssl.keystore.type", "PKCS12"), ("sasl.enabled.mechanisms", "PLAIN"), ("num.io.threads", "100"),
                       ("max.connections.per.ip", "5"), ("leader.replication.throttled.rate", "5")):
        ask(f"brokers: {key} is '{value}'", BROKER, "", (key, value), validate_only=True)


def loggers(ask):
    logger = ("no.such.logger", "INFO")
    ask("logger: another broker", BROKER_LOGGER, "9", logger)
    ask("logger: no broker", BROKER_LOGGER, "", logger)
    ask("logger: no number", BROKER_LOGGER, "nil", logger)
    ask("logger: unknown", BROKER_LOGGER, "0", logger)
    ask("logger: no key", BROKER_LOGGER, "0")
    ask("logger: a null level", BROKER_LOGGER, "0", ("root", None))


def operations(ask):
    def clear():
        ask.clear(BROKER, "0", "log.cleanup.policy", "log.cleaner.threads")
    topic = ask.script.create("stepwise", retention_ms=5000000)
    for case, *configs in (("delete", ("retention.ms", None, DELETE)), ("delete again", ("retention.ms", None, DELETE)),
                           ("delete with a value", ("retention.ms", "5", DELETE)), ("delete an unknown key", ("no.such.key", None, DELETE)),
                           ("append to the default", ("cleanup.policy", "compact", APPEND)),
                           ("append what is there", ("cleanup.policy", "compact", APPEND)),
                           ("append wrongly", ("cleanup.policy", "burn", APPEND)),
                           ("subtract", ("cleanup.policy", "delete", SUBTRACT)),
                           ("subtract what is not there", ("cleanup.policy", "delete", SUBTRACT)),
                           ("subtract the last", ("cleanup.policy", "compact", SUBTRACT)),
                           ("append two", ("leader.replication.throttled.replicas", "0:0,1:0", APPEND)),
                           ("append one more", ("leader.replication.throttled.replicas", "2:0", APPEND)),
                           ("subtract one of three", ("leader.replication.throttled.replicas", "1:0", SUBTRACT)),
                           ("append to no list", ("retention.ms", "5", APPEND)), ("subtract from no list", ("retention.ms", "5", SUBTRACT)),
                           ("append to an unknown key", ("no.such.key", "5", APPEND)), ("append null", ("cleanup.policy", None, APPEND)),
                           ("null values of two operations", ("cleanup.policy", None, APPEND), ("retention.ms", None, SET)),
                           ("operation 4", ("retention.ms", "5", 4)), ("operation -1", ("retention.ms", "5", -1)),
                           ("several", ("retention.ms", "5", SET), ("segment.bytes", None, DELETE), ("cleanup.policy", "delete", SET))):
        ask(f"topic: {case}", TOPIC, topic, *configs)
        ask.then(f"topic: {case}", TOPIC, topic, "retention.ms", "cleanup.policy", "leader.replication.throttled.replicas", "segment.bytes")
    clear()
    ask("broker: append", BROKER, "0", ("log.cleanup.policy", "compact", APPEND))
    ask.wait_until_set(BROKER, "0", lambda found: found.get("log.cleanup.policy") == "delete,compact")
    ask.then("broker: append", BROKER, "0", "log.cleanup.policy")
    ask("broker: subtract", BROKER, "0", ("log.cleanup.policy", "delete", SUBTRACT))
    ask.wait_until_set(BROKER, "0", lambda found: found.get("log.cleanup.policy") == "compact")
    ask("broker: delete", BROKER, "0", ("log.cleanup.policy", None, DELETE))
    ask.wait_until_set(BROKER, "0", lambda found: "log.cleanup.policy" not in found)
    ask("broker: delete what is not set", BROKER, "0", ("log.cleanup.policy", None, DELETE))
    ask("broker: delete what cannot change", BROKER, "0", ("broker.id", None, DELETE))
    ask("broker: append to no list", BROKER, "0", ("log.cleaner.threads", "2", APPEND))
    ask("broker: operation 4", BROKER, "0", ("log.cleaner.threads", "2", 4))
    ask("broker: append to an unknown key", BROKER, "0", ("no.such.key", "2", APPEND))
    clear()


def logger_levels(ask):
    for case, *configs in (("set root", ("root", "INFO")), ("a level in small letters", ("root", "debug")), ("an unknown level", ("root", "LOUD")),
                           ("an empty level", ("root", "")), ("delete root", ("root", None, DELETE)), ("append", ("root", "INFO", APPEND)),
                           ("subtract", ("root", "INFO", SUBTRACT)), ("delete an unknown one", ("no.such.logger", None, DELETE)),
                           ("operation 9", ("root", "INFO", 9)), ("off", ("root", "OFF")),
                           ("one right and one wrong", ("root", "WARN"), ("no.such.logger", "INFO"))):
        ask(f"logger: {case}", BROKER_LOGGER, "0", *configs, validate_only=True)
    for level in ("FATAL", "ERROR", "WARN", "DEBUG", "TRACE", "INFO"):
        ask(f"logger: root is {level}", BROKER_LOGGER, "0", ("root", level))
        wait_until(20, "the level", lambda level=level: _level_of_root(ask) == level)


def _level_of_root(ask):
    return ask.described(BROKER_LOGGER, "0", ["root"])["results"][0]["configs"][0]["value"]
