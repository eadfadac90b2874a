"""Cases of UpdateFeatures: without a feature that could be finalized."""

UNKNOWN, UPGRADE, SAFE, UNSAFE = range(4)


def cases(script):
    def ask(case, version, *updates):
        script.ask(case, "UpdateFeatures", version, {"feature_updates": [
            {"feature": name, "max_version_level": level, "allow_downgrade": kind == SAFE, "upgrade_type": kind} for name, level, kind in updates]})

    for version in script.versions("UpdateFeatures"):
        for kind in (UPGRADE, SAFE):
            for level in (-1, 0, 1, 0x7FFF):
                ask(f"to level {level}, type {kind}", version, ("metadata.version", level, kind))
        ask("without a name", version, ("", 1, UPGRADE))
        ask("one twice", version, ("twice", 1, UPGRADE), ("twice", 0, SAFE))
        ask("several", version, ("b", 1, UPGRADE), ("a", 0, SAFE), ("", 0, SAFE))
        ask("none", version)
    for version in script.versions("UpdateFeatures", 1):
        for kind in (UNKNOWN, UNSAFE, 7, -1):
            for level in (0, 1):
                ask(f"to level {level}, type {kind}", version, ("a", level, kind))

