// A broker's values from all the places they can come from, nearest first: set for this broker at run time, set for all brokers at
// run time, server.properties, the defaults (Kafka: DynamicBrokerConfig). Immutable; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/base/config_table.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/configuration/config_entry.h"

namespace millrace::server {

class BrokerConfigLayers {
 public:
  // `fixed` outlives this. Dynamic values that are wrong, or of keys that cannot change, are left out and named in rejected().
  explicit BrokerConfigLayers(const BrokerConfiguration& fixed, ConfigTexts cluster_wide = {},
                              ConfigTexts of_broker = {});

  [[nodiscard]] const BrokerConfiguration& fixed() const { return *fixed_; }
  // What is in force. A dynamic value hides the static ones of all its synonyms: log.retention.ms hides log.retention.hours.
  [[nodiscard]] const ConfigValues& values() const { return values_; }
  [[nodiscard]] const ConfigTexts& cluster_wide() const { return cluster_wide_; }
  [[nodiscard]] const ConfigTexts& of_broker() const { return of_broker_; }
  // Keys without a row, of every place, with the value in force.
  [[nodiscard]] ConfigTexts unlisted() const;
  [[nodiscard]] const std::vector<std::string>& rejected() const { return rejected_; }

  // Every value of the key and of the keys that stand in for it, the one in force first. Nothing where the key itself has no
  // value anywhere: what stands in for it is not told then, as in Kafka.
  [[nodiscard]] std::vector<ConfigSynonym> synonyms(std::string_view name) const;

 private:
  void apply(ConfigTexts& texts, bool cluster_wide);

  const BrokerConfiguration* fixed_;
  ConfigTexts cluster_wide_;
  ConfigTexts of_broker_;
  ConfigValues values_;
  std::vector<std::string> rejected_;
};

// The keys that may give the value of `name`, the first first: log.retention.ms, .minutes, .hours.
// With the key of a listener, the key without its prefix comes last.
std::vector<std::string> broker_config_synonyms(std::string_view name);

// "ssl.keystore.type" for "listener.name.<name>.ssl.keystore.type", also with a mechanism between; empty for another key.
std::string_view base_of_listener_key(std::string_view name);

}  // namespace millrace::server
