// Whom we trust and who we are, in OpenSSL's terms: parsed once, put into the context of every connection. It also notes why a
// handshake failed, because the HTTP library says only that it did.
// Any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "broker/base/result.h"
#include "operator/kubernetes/configuration.h"

struct ssl_ctx_st;

namespace millrace::kubernetes {

// The reason of the last failed handshake, in words.
class TlsFailureNote {
 public:
  void put(std::string reason);
  // The reason since the last call, or nothing.
  std::string take();

 private:
  std::mutex mutex_;
  std::string reason_;
};

class TlsIdentity {
 public:
  // Errors name the entry (certificate-authority, client-certificate, client-key) and OpenSSL's reason.
  static Result<std::shared_ptr<TlsIdentity>> make(const ClientConfiguration& configuration);
  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  // TLS 1.2 or newer, our authorities instead of the system's, our certificate.
  void apply(ssl_ctx_st* context) const;

  [[nodiscard]] TlsFailureNote& failure_note() const { return *failure_note_; }

 private:
  struct Material;
  explicit TlsIdentity(std::unique_ptr<Material> material);
  std::unique_ptr<Material> material_;
  std::shared_ptr<TlsFailureNote> failure_note_;
};

}  // namespace millrace::kubernetes
