// The bytes of one simulated file: pages that copies share until one of them is written to. A page that was never
// written is a hole, reads as zeros and takes no space. A value: copying costs a pointer for each page.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "broker/base/bytes.h"

namespace millrace::sim {

class DiskPages {
 public:
  static constexpr std::uint64_t page_bytes = 4096;

  [[nodiscard]] std::uint64_t size() const { return size_; }
  // Up to the end of the file.
  std::size_t read(std::uint64_t position, MutableBytes into) const;
  void write(std::uint64_t position, BytesView bytes);
  // Cuts, or adds a hole.
  void resize(std::uint64_t size_bytes);
  void flip_bit(std::uint64_t position, unsigned bit);
  // The bytes in [from, end) become those of `other`, zeros where it has none. The size stays.
  void take(const DiskPages& other, std::uint64_t from, std::uint64_t end);

  // Pages with content in [first, end).
  [[nodiscard]] std::uint64_t pages_in(std::uint64_t first, std::uint64_t end) const;
  [[nodiscard]] std::uint64_t page_count() const { return pages_.size(); }
  [[nodiscard]] bool has_page(std::uint64_t number) const {
    return number < pages_.size() && pages_[number] != nullptr;
  }

 private:
  using Page = std::array<std::uint8_t, page_bytes>;

  Page& page(std::uint64_t number);

  std::uint64_t size_ = 0;
  std::vector<std::shared_ptr<Page>> pages_;
};

}  // namespace millrace::sim
