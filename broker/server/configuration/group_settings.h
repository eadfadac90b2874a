// Values of the rows of groups as the coordinators take them (Kafka: GroupCoordinatorConfig). Any thread.
#pragma once

#include <string_view>

#include "broker/base/config_table.h"
#include "broker/coordinator/group_host.h"

namespace millrace::server {

coordinator::GroupTableConfig group_table_config(const ConfigValues& values);

// "uniform" or "range" for the name of an assignor or of Kafka's class of it; empty for what is none.
std::string_view consumer_group_assignor(std::string_view name);

}  // namespace millrace::server
