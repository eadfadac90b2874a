// Prints the stable versions of every API that a broker of a release serves on a listener: release, key, name, lowest, highest, and the first
// flexible version (32767: none).
//
//   java -cp 'LIBS/*' GoldenVersions.java RELEASE LISTENER
import org.apache.kafka.common.protocol.ApiKeys;

public class GoldenVersions {
  static int flexibleSince(ApiKeys key) {
    for (short version = key.oldestVersion(); version <= key.latestVersion(); version++) {
      if (key.requestHeaderVersion(version) >= 2) return version;
    }
    return Short.MAX_VALUE;
  }

  public static void main(String[] arguments) {
    for (ApiKeys key : ApiKeys.values()) {
      boolean served = key.messageType.listeners().stream().anyMatch(listener -> listener.name().equals(arguments[1]));
      if (served && key.latestVersion() >= key.oldestVersion()) {
        System.out.println(arguments[0] + " " + key.id + " " + key.name + " " + key.oldestVersion() + " " + key.latestVersion() + " "
            + flexibleSince(key));
      }
    }
  }
}
