// The order in which Kafka's maps are written to JSON: that of their hash tables. Readers do not care, but whoever compares our
// znodes with Kafka's byte by byte, or reads a diff of them, should find them equal.
#pragma once

#include <string>
#include <vector>

namespace millrace::metadata::znodes {

// scala.collection.mutable.HashMap (2.13): the partitions of a topic.
void sort_as_scala_mutable_map(std::vector<std::string>& keys);
// scala.collection.immutable.Map (2.13): up to four keys as they came, more as the hash trie has them.
void sort_as_scala_immutable_map(std::vector<std::string>& keys);
// java.util.Properties (17): configurations. Keys that collide keep the order that they have here, which is not always Kafka's.
void sort_as_java_properties(std::vector<std::string>& keys);

}  // namespace millrace::metadata::znodes
