// The value of a "records" field on its way out: null, bytes, or ranges of segment files that are sent without a copy.
// A decoded one views the buffer it was decoded from. Owned by one shard at a time.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/file.h"
#include "broker/base/output_chain.h"

namespace millrace::protocol {

class Records {
 public:
  using Borrowed = OutputChain::Borrowed;
  using Piece = std::variant<Borrowed, FileSlice>;

  Records() = default;                // null
  explicit Records(BytesView bytes);  // not null even when empty; encode copies them
  explicit Records(
      Borrowed bytes);  // encode splices them into the chain, so that their owner lives until they are sent
  explicit Records(FileSlice slice);
  explicit Records(std::vector<Piece> pieces);

  [[nodiscard]] bool is_null() const { return is_null_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  // Bytes without an owner are copied by encode and all else is spliced.
  [[nodiscard]] bool is_copied() const;
  // The bytes of one that is_copied(): empty when null.
  [[nodiscard]] BytesView bytes() const;
  // Appends every piece to `chain`.
  void splice_into(OutputChain& chain) const;

  // Equal bytes, or the same ranges of the same open files.
  friend bool operator==(const Records& left, const Records& right);

 private:
  bool is_null_ = true;
  std::uint64_t size_bytes_ = 0;
  Piece first_;  // the usual single piece, without an allocation
  std::vector<Piece> rest_;
};

}  // namespace millrace::protocol
