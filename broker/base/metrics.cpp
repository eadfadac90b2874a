#include "broker/base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>

namespace millrace {

struct MetricsRegistry::State {
  prometheus::Registry registry{prometheus::Registry::InsertBehavior::Merge};
};

namespace {

std::map<std::string, std::string> as_map(const MetricLabels& labels) { return {labels.begin(), labels.end()}; }

}  // namespace

MetricsRegistry::MetricsRegistry() : state_(std::make_unique<State>()) {}
MetricsRegistry::~MetricsRegistry() = default;

MetricsRegistry::Counter MetricsRegistry::counter(const std::string& name, const std::string& help,
                                                  const MetricLabels& labels) {
  Counter handle;
  handle.counter_ = &prometheus::BuildCounter().Name(name).Help(help).Register(state_->registry).Add(as_map(labels));
  return handle;
}

MetricsRegistry::Gauge MetricsRegistry::gauge(const std::string& name, const std::string& help,
                                              const MetricLabels& labels) {
  Gauge handle;
  handle.gauge_ = &prometheus::BuildGauge().Name(name).Help(help).Register(state_->registry).Add(as_map(labels));
  return handle;
}

MetricsRegistry::Histogram MetricsRegistry::histogram(const std::string& name, const std::string& help,
                                                      const std::vector<double>& bounds, const MetricLabels& labels) {
  Histogram handle;
  handle.histogram_ =
      &prometheus::BuildHistogram().Name(name).Help(help).Register(state_->registry).Add(as_map(labels), bounds);
  return handle;
}

std::string MetricsRegistry::text() const { return prometheus::TextSerializer().Serialize(state_->registry.Collect()); }

void MetricsRegistry::Counter::add(double amount) { static_cast<prometheus::Counter*>(counter_)->Increment(amount); }
double MetricsRegistry::Counter::value() const { return static_cast<prometheus::Counter*>(counter_)->Value(); }
void MetricsRegistry::Gauge::set(double value) { static_cast<prometheus::Gauge*>(gauge_)->Set(value); }
void MetricsRegistry::Gauge::add(double amount) { static_cast<prometheus::Gauge*>(gauge_)->Increment(amount); }
double MetricsRegistry::Gauge::value() const { return static_cast<prometheus::Gauge*>(gauge_)->Value(); }
void MetricsRegistry::Histogram::observe(double value) {
  static_cast<prometheus::Histogram*>(histogram_)->Observe(value);
}

}  // namespace millrace
