#include "broker/protocol/records.h"

#include <algorithm>
#include <utility>

namespace millrace::protocol {
namespace {

std::uint64_t piece_size_bytes(const Records::Piece& piece) {
  if (const auto* slice = std::get_if<FileSlice>(&piece)) return slice->length_bytes;
  return std::get<Records::Borrowed>(piece).bytes.size();
}

bool same_piece(const Records::Piece& left, const Records::Piece& right) {
  if (left.index() != right.index()) return false;
  if (const auto* slice = std::get_if<FileSlice>(&left)) {
    const auto& other = std::get<FileSlice>(right);
    return slice->file == other.file && slice->position == other.position && slice->length_bytes == other.length_bytes;
  }
  return std::ranges::equal(std::get<Records::Borrowed>(left).bytes, std::get<Records::Borrowed>(right).bytes);
}

}  // namespace

Records::Records(BytesView bytes) : Records(Borrowed{bytes, nullptr}) {}

Records::Records(Borrowed bytes) : is_null_(false), size_bytes_(bytes.bytes.size()), first_(std::move(bytes)) {}

Records::Records(FileSlice slice) : is_null_(false), size_bytes_(slice.length_bytes), first_(std::move(slice)) {}

Records::Records(std::vector<Piece> pieces) : is_null_(false), rest_(std::move(pieces)) {
  for (const Piece& piece : rest_) size_bytes_ += piece_size_bytes(piece);
}

bool Records::is_copied() const {
  const auto* borrowed = std::get_if<Borrowed>(&first_);
  return rest_.empty() && borrowed != nullptr && borrowed->owner == nullptr;
}

BytesView Records::bytes() const {
  const auto* borrowed = std::get_if<Borrowed>(&first_);
  return borrowed != nullptr ? borrowed->bytes : BytesView{};
}

void Records::splice_into(OutputChain& chain) const {
  const auto append = [&chain](const Piece& piece) {
    std::visit([&chain](const auto& each) { chain.append(each); }, piece);
  };
  append(first_);
  for (const Piece& piece : rest_) append(piece);
}

bool operator==(const Records& left, const Records& right) {
  return left.is_null_ == right.is_null_ && left.size_bytes_ == right.size_bytes_ &&
         same_piece(left.first_, right.first_) && std::ranges::equal(left.rest_, right.rest_, same_piece);
}

}  // namespace millrace::protocol
