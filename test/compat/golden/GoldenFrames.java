// Serialises requests and responses with Kafka's own generated classes, at every version, for the test that decodes and encodes them again:
//
//   java -cp 'LIBS/*' GoldenFrames.java RELEASE OUT [API:FIRST_VERSION...] > frames.txt
//
// Without APIs: those of a broker's ZooKeeper listener, which only the classes of 3.9 know. Each API has random numbers of its own, so that
// the frames of one do not depend on the others. Appended to, in the folder OUT:
//   versions.txt     the versions that the classes have: release, key, name, lowest, highest
//   conversions.txt  what becomes of a "full" frame that is read and written again at every version: key, "request" or "response", the frame's
//                    version, VERSION=CRC32C-of-the-body or VERSION=refused
//
// One line per frame: API key, "request" or "response", version, variant, hex of header and body. Variants: "default" (nothing set), "full"
// (every field of the version set), "nulls" (every nullable field null, arrays of one element), "null-arrays" (nullable arrays null).
// The fields and their versions come from the schemas inside kafka-clients.jar; the bytes from its classes.
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.ResponseHeader;

public class GoldenFrames {
  enum Variant { FULL, NULLS, NULL_ARRAYS }

  static final ObjectMapper JSON = new ObjectMapper().configure(JsonParser.Feature.ALLOW_COMMENTS, true);
  static Random random;

  static boolean contains(String versions, int version) {
    if (versions == null || versions.equals("none")) return false;
    if (versions.endsWith("+")) return version >= Integer.parseInt(versions.substring(0, versions.length() - 1));
    String[] ends = versions.split("-");
    return version >= Integer.parseInt(ends[0]) && version <= Integer.parseInt(ends[ends.length - 1]);
  }

  static String text(JsonNode node, String name) {
    return node.has(name) ? node.get(name).asText() : null;
  }

  // Never a default: not zero, not -1, no empty text.
  static Object number(JsonNode field, String type) {
    long bits = random.nextLong() | 2;
    if ((byte) bits == -1) bits ^= 1;
    return switch (type) {
      case "int8" -> (byte) bits;
      case "int16" -> (short) bits;
      case "uint16" -> (int) (bits & 0xffff);
      case "int32" -> (int) bits;
      case "uint32" -> bits & 0xffffffffL;
      case "int64" -> bits;
      case "float64" -> (double) bits / 3;
      case "bool" -> !field.path("default").asText().equalsIgnoreCase("true");
      case "uuid" -> new Uuid(bits, random.nextLong());
      case "string" -> "text-" + Long.toString(bits & 0xffffff, 36) + (random.nextInt(4) == 0 ? "-\u00e4\u20ac" : "");
      default -> null;
    };
  }

  // By reflection: 4.x keeps these classes in another package, and none of its APIs here has records.
  static Object records() throws Exception {
    Class<?> recordType = Class.forName("org.apache.kafka.common.record.SimpleRecord");
    Object some = Array.newInstance(recordType, 1 + random.nextInt(3));
    for (int i = 0; i < Array.getLength(some); i++) {
      Array.set(some, i, recordType.getConstructor(long.class, byte[].class, byte[].class)
          .newInstance(1700000000000L + i, ("key" + i).getBytes(), ("value" + i).getBytes()));
    }
    return Class.forName("org.apache.kafka.common.record.MemoryRecords").getMethod("withRecords", Compression.class, some.getClass())
        .invoke(null, Compression.NONE, some);
  }

  static Class<?> nested(Class<?> root, String name) throws ClassNotFoundException {
    return Class.forName(root.getName() + "$" + name);
  }

  static Method setter(Class<?> type, String field) {
    String name = "set" + Character.toUpperCase(field.charAt(0)) + field.substring(1);
    for (Method method : type.getMethods()) {
      if (method.getName().equals(name)) return method;
    }
    throw new IllegalStateException(type + " has no " + name);
  }

  @SuppressWarnings("unchecked")
  static Object array(JsonNode field, String type, Class<?> collection, Class<?> root, JsonNode schema, int version, Variant variant)
      throws Exception {
    Collection<Object> made = collection == List.class ? new ArrayList<>() : (Collection<Object>) collection.getConstructor().newInstance();
    int count = variant == Variant.FULL ? 2 + random.nextInt(2) : 1;
    for (int i = 0; i < count; i++) made.add(value(field, type, root, schema, version, variant));
    return made;
  }

  static Object value(JsonNode field, String type, Class<?> root, JsonNode schema, int version, Variant variant) throws Exception {
    Object simple = number(field, type);
    if (simple != null) return simple;
    if (type.equals("records")) return records();
    if (type.equals("bytes")) return new byte[] {1, 2, (byte) 0xff};
    Object made = nested(root, type).getConstructor().newInstance();
    JsonNode fields = field.get("fields");
    if (fields == null) {
      for (JsonNode common : schema.get("commonStructs")) {
        if (common.get("name").asText().equals(type)) fields = common.get("fields");
      }
    }
    fill(made, fields, root, schema, version, variant);
    return made;
  }

  static void fill(Object message, JsonNode fields, Class<?> root, JsonNode schema, int version, Variant variant) throws Exception {
    for (JsonNode field : fields) {
      if (!contains(text(field, "versions"), version)) continue;
      Method set = setter(message.getClass(), field.get("name").asText());
      String type = field.get("type").asText();
      boolean nullable = contains(text(field, "nullableVersions"), version);
      boolean isArray = type.startsWith("[]");
      if (nullable && (isArray ? variant == Variant.NULL_ARRAYS : variant != Variant.FULL)) {
        set.invoke(message, new Object[] {null});
      } else if (isArray) {
        set.invoke(message, array(field, type.substring(2), set.getParameterTypes()[0], root, schema, version, variant));
      } else if (type.equals("bytes") && set.getParameterTypes()[0] == ByteBuffer.class) {
        set.invoke(message, ByteBuffer.wrap(new byte[] {1, 2, (byte) 0xff}));
      } else {
        set.invoke(message, value(field, type, root, schema, version, variant));
      }
    }
  }

  static byte[] bytes(Message message, short version) {
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
    message.write(new ByteBufferAccessor(buffer), cache, version);
    return buffer.array();
  }

  static byte[] header(ApiKeys key, boolean request, short version) {
    int correlation = random.nextInt();
    if (request) {
      RequestHeader header = new RequestHeader(key, version, "golden-client", correlation);
      return bytes(header.data(), header.headerVersion());
    }
    ResponseHeader header = new ResponseHeader(correlation, key.responseHeaderVersion(version));
    return bytes(header.data(), header.headerVersion());
  }

  static void print(ApiKeys key, boolean request, short version, String variant, ApiMessage message) {
    HexFormat hex = HexFormat.of();
    System.out.println(key.id + " " + (request ? "request" : "response") + " " + version + " " + variant + " "
        + hex.formatHex(header(key, request, version)) + hex.formatHex(bytes(message, version)));
  }

  // What becomes of a message when another version is to carry it: the checksum of its bytes, or "refused".
  static String converted(ApiMessage message, short version) {
    try {
      CRC32C checksum = new CRC32C();
      checksum.update(bytes(message, version));
      return Long.toHexString(checksum.getValue());
    } catch (UnsupportedVersionException | NullPointerException e) {
      return "refused";
    }
  }

  static void convert(ApiKeys key, boolean request, ApiMessage full, short version, PrintStream conversions) {
    ApiMessage read = request ? key.messageType.newRequest() : key.messageType.newResponse();
    read.read(new ByteBufferAccessor(ByteBuffer.wrap(bytes(full, version))), version);
    conversions.print(key.id + " " + (request ? "request" : "response") + " " + version);
    for (short other = key.oldestVersion(); other <= key.latestVersion(true); other++) conversions.print(" " + other + "=" + converted(read, other));
    conversions.println();
  }

  static void generate(ApiKeys key, boolean request, short firstVersion, PrintStream conversions) throws Exception {
    String name = key.name + (request ? "Request" : "Response");
    JsonNode schema;
    try (InputStream in = ApiKeys.class.getResourceAsStream("/common/message/" + name + ".json")) {
      schema = JSON.readTree(in);
    }
    for (short version = firstVersion; version <= key.latestVersion(true); version++) {
      ApiMessage empty = request ? key.messageType.newRequest() : key.messageType.newResponse();
      print(key, request, version, "default", empty);
      for (Variant variant : Variant.values()) {
        ApiMessage message = request ? key.messageType.newRequest() : key.messageType.newResponse();
        fill(message, schema.get("fields"), message.getClass(), schema, version, variant);
        print(key, request, version, variant.name().toLowerCase().replace('_', '-'), message);
        if (variant == Variant.FULL) convert(key, request, message, version, conversions);
      }
    }
  }

  static void generate(ApiKeys key, short firstVersion, String release, PrintStream versions, PrintStream conversions) throws Exception {
    versions.println(release + " " + key.id + " " + key.name + " " + key.oldestVersion() + " " + key.latestVersion(true));
    random = new Random(1000L * key.id + firstVersion);
    generate(key, true, firstVersion, conversions);
    generate(key, false, firstVersion, conversions);
  }

  static PrintStream append(String folder, String name) throws Exception {
    return new PrintStream(new FileOutputStream(folder + "/" + name, true), false, StandardCharsets.US_ASCII);
  }

  public static void main(String[] arguments) throws Exception {
    String release = arguments[0];
    System.out.println("# Made by GoldenFrames.java with the classes of kafka-clients " + release + ": key, kind, version, variant, header and body.");
    try (PrintStream versions = append(arguments[1], "versions.txt"); PrintStream conversions = append(arguments[1], "conversions.txt")) {
      for (int i = 2; i < arguments.length; i++) {
        String[] words = arguments[i].split(":");
        generate(ApiKeys.valueOf(words[0]), Short.parseShort(words[1]), release, versions, conversions);
      }
      for (ApiKeys key : ApiKeys.values()) {
        boolean chosen = arguments.length == 2 && key.messageType.listeners().stream().anyMatch(listener -> listener.name().equals("ZK_BROKER"));
        if (chosen) generate(key, key.oldestVersion(), release, versions, conversions);
      }
    }
  }
}
