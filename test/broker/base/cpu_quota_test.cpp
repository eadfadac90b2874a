#include "broker/base/cpu_quota.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "test/broker/base/temporary_directory.h"

namespace millrace {
namespace {

TEST(CpuQuota, IsWhatThePeriodAllows) {
  EXPECT_EQ(cpu_quota_of("150000 100000\n"), 1.5);
  EXPECT_EQ(cpu_quota_of("50000\n 100000\n"), 0.5);
}

TEST(CpuQuota, IsNoneWhereNothingIsLimitedOrNothingIsSaid) {
  for (const auto* text : {"max 100000\n", "-1 100000", "", " ", "150000", "150000 0", "what 100000"})
    EXPECT_EQ(cpu_quota_of(text), std::nullopt) << text;
}

TEST(CpuQuota, IsReadFromTheFilesOfBothVersions) {
  const TemporaryDirectory root;
  EXPECT_EQ(cpu_quota(root.path()), std::nullopt);
  std::filesystem::create_directories(root.path() + "/cpu");
  std::ofstream(root.path() + "/cpu/cpu.cfs_quota_us") << "300000\n";
  std::ofstream(root.path() + "/cpu/cpu.cfs_period_us") << "100000\n";
  EXPECT_EQ(cpu_quota(root.path()), 3.0);
  std::ofstream(root.path() + "/cpu.max") << "250000 100000\n";
  EXPECT_EQ(cpu_quota(root.path()), 2.5);
}

TEST(CpuQuota, LeavesAtLeastACoreAndNoMoreThanThereAre) {
  EXPECT_GE(usable_cores(), 1U);
  EXPECT_LE(usable_cores(), std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace millrace
