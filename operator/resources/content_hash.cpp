#include "operator/resources/content_hash.h"

#include <openssl/evp.h>

#include <array>

#include "broker/base/check.h"

namespace millrace::resources {

std::string content_hash(std::string_view content) {
  constexpr std::size_t digits = 12;
  constexpr std::string_view alphabet = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  int done = EVP_Digest(content.data(), content.size(), digest.data(), &length, EVP_sha256(), nullptr);
  MILLRACE_INVARIANT(done == 1 && std::size_t{length} * 2 >= digits, "SHA-256 is part of every OpenSSL");
  std::string text;
  for (std::size_t i = 0; i < digits / 2; ++i) {
    text.push_back(alphabet[digest[i] >> 4]);
    text.push_back(alphabet[digest[i] & 15]);
  }
  return text;
}

}  // namespace millrace::resources
