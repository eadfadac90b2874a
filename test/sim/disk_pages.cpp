#include "test/sim/disk_pages.h"

#include <algorithm>
#include <cstring>

namespace millrace::sim {

DiskPages::Page& DiskPages::page(std::uint64_t number) {
  if (pages_.size() <= number) pages_.resize(number + 1);
  auto& found = pages_[number];
  if (found == nullptr) {
    found = std::make_shared<Page>();
  } else if (found.use_count() > 1) {
    found = std::make_shared<Page>(*found);
  }
  return *found;
}

std::size_t DiskPages::read(std::uint64_t position, MutableBytes into) const {
  if (position >= size_) return 0;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - position));
  for (std::size_t done = 0; done < count;) {
    const auto number = (position + done) / page_bytes;
    const auto at = (position + done) % page_bytes;
    const auto part = std::min<std::size_t>(count - done, page_bytes - at);
    if (has_page(number)) {
      std::memcpy(into.data() + done, pages_[number]->data() + at, part);
    } else {
      std::memset(into.data() + done, 0, part);
    }
    done += part;
  }
  return count;
}

void DiskPages::write(std::uint64_t position, BytesView bytes) {
  size_ = std::max(size_, position + bytes.size());
  for (std::size_t done = 0; done < bytes.size();) {
    const auto at = (position + done) % page_bytes;
    const auto part = std::min<std::size_t>(bytes.size() - done, page_bytes - at);
    std::memcpy(page((position + done) / page_bytes).data() + at, bytes.data() + done, part);
    done += part;
  }
}

// Behind its end a file has zeros only, so that it can grow.
void DiskPages::resize(std::uint64_t size_bytes) {
  if (size_bytes < size_) {
    const auto whole = (size_bytes + page_bytes - 1) / page_bytes;
    if (pages_.size() > whole) pages_.resize(whole);
    if (const auto at = size_bytes % page_bytes; at != 0 && has_page(size_bytes / page_bytes)) {
      auto& last = page(size_bytes / page_bytes);
      std::fill(last.begin() + static_cast<std::ptrdiff_t>(at), last.end(), std::uint8_t{0});
    }
  }
  size_ = size_bytes;
}

void DiskPages::flip_bit(std::uint64_t position, unsigned bit) {
  page(position / page_bytes)[position % page_bytes] ^= static_cast<std::uint8_t>(1U << bit);
}

void DiskPages::take(const DiskPages& other, std::uint64_t from, std::uint64_t end) {
  end = std::min(end, size_);
  std::array<std::uint8_t, page_bytes> buffer{};
  while (from < end) {
    const auto part = static_cast<std::size_t>(std::min(end - from, page_bytes - from % page_bytes));
    const auto number = from / page_bytes;
    if (other.has_page(number) || has_page(number)) {
      buffer.fill(0);
      (void)other.read(from, MutableBytes(buffer).first(part));
      write(from, BytesView(buffer).first(part));
    }
    from += part;
  }
}

std::uint64_t DiskPages::pages_in(std::uint64_t first, std::uint64_t end) const {
  std::uint64_t count = 0;
  for (auto number = first; number < std::min<std::uint64_t>(end, pages_.size()); ++number)
    count += pages_[number] != nullptr;
  return count;
}

}  // namespace millrace::sim
