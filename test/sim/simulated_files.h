// The file system as one process on a simulated machine has it. It ends with the object, or when the machine loses its
// power: then every call fails, those on its open files too, and its locks are free. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/base/file.h"
#include "test/sim/simulated_disk.h"

namespace millrace::sim {

class SimulatedFiles final : public FileSystem {
 public:
  explicit SimulatedFiles(SimulatedDisk& disk);
  ~SimulatedFiles() override;

  // As kill -9.
  void end();
  [[nodiscard]] bool has_ended() const { return *disk_ == nullptr; }

  Result<std::shared_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::vector<Entry>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Status create_directories(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_all(const std::string& path) override;
  Status sync_directory(const std::string& directory) override;
  Result<Space> space(const std::string& directory) override;
  Result<std::string> read_text(const std::string& path, std::uint64_t limit_bytes) override;
  Result<std::shared_ptr<void>> lock(const std::string& path) override;

 private:
  Status begin(DiskCall call, const std::string& path);

  std::shared_ptr<SimulatedDisk*> disk_;  // its open files have it, too; null when the process has ended
};

}  // namespace millrace::sim
