// Certificates made on the spot: an authority, what it signs, and server contexts that use them. Elliptic keys, because they are
// made in no time.
#pragma once

#include <memory>
#include <string>

struct ssl_ctx_st;
struct x509_st;
struct evp_pkey_st;

namespace millrace::kubernetes {

struct TestIdentity {
  std::shared_ptr<x509_st> certificate;
  std::shared_ptr<evp_pkey_st> key;

  [[nodiscard]] std::string certificate_pem() const;
  [[nodiscard]] std::string key_pem() const;
};

TestIdentity make_authority(const std::string& name);
// alternative_names as OpenSSL writes them: IP:127.0.0.1,DNS:localhost. A negative lifetime is over already.
TestIdentity make_identity(const TestIdentity& authority, const std::string& name, const std::string& alternative_names,
                           long lifetime_seconds = 3600);

// With `client_authority` a client must show a certificate that it signed.
std::shared_ptr<ssl_ctx_st> make_server_context(const TestIdentity& server,
                                                const TestIdentity* client_authority = nullptr);

}  // namespace millrace::kubernetes
