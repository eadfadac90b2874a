// Counters, gauges and histograms of the process, named as Prometheus names them. prometheus-cpp stays in metrics.cpp.
// Registration may take a lock; adding is a relaxed atomic. Any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

class MetricsRegistry {
 public:
  class Counter {
   public:
    void add(double amount = 1);
    [[nodiscard]] double value() const;

   private:
    friend class MetricsRegistry;
    void* counter_ = nullptr;  // owned by the registry
  };
  class Gauge {
   public:
    void set(double value);
    void add(double amount);
    [[nodiscard]] double value() const;

   private:
    friend class MetricsRegistry;
    void* gauge_ = nullptr;
  };
  class Histogram {
   public:
    void observe(double value);

   private:
    friend class MetricsRegistry;
    void* histogram_ = nullptr;
  };

  MetricsRegistry();
  ~MetricsRegistry();
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;

  // The same name and labels give the same metric. Handles live as long as the registry.
  Counter counter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Histogram histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                      const MetricLabels& labels = {});

  // Everything in Prometheus' text format 0.0.4.
  [[nodiscard]] std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace
