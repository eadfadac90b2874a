#include "operator/kubernetes/tls_identity.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <utility>
#include <vector>

namespace millrace::kubernetes {

namespace {

template <auto Free>
struct Releaser {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using BioPointer = std::unique_ptr<BIO, Releaser<BIO_free_all>>;
using CertificatePointer = std::unique_ptr<X509, Releaser<X509_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Releaser<EVP_PKEY_free>>;
using StorePointer = std::unique_ptr<X509_STORE, Releaser<X509_STORE_free>>;

std::string openssl_reason() {
  unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "no PEM block found" : reason;
}

// A key that wants a password must not make OpenSSL ask for it on the terminal.
int no_password(char*, int, int, void*) { return -1; }

BioPointer memory(const std::string& pem) {
  return BioPointer(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Result<std::vector<CertificatePointer>> read_certificates(const std::string& pem, const std::string& entry) {
  std::vector<CertificatePointer> certificates;
  BioPointer bio = memory(pem);
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr))
    certificates.emplace_back(certificate);
  unsigned long code = ERR_peek_last_error();
  bool at_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  if (certificates.empty() || !at_end) {
    return fail(ErrorKind::invalid_argument, entry + " is not a PEM certificate: " + openssl_reason());
  }
  ERR_clear_error();
  return certificates;
}

Result<KeyPointer> read_key(const std::string& pem) {
  BioPointer bio = memory(pem);
  KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (!key) {
    return fail(ErrorKind::invalid_argument,
                "client-key is not a PEM private key without a password: " + openssl_reason());
  }
  return key;
}

int note_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr,
                                                    [](void*, void* pointer, CRYPTO_EX_DATA*, int, long, void*) {
                                                      delete static_cast<std::shared_ptr<TlsFailureNote>*>(pointer);
                                                    });
  return index;
}

// Alerts are where a handshake's failure has a name. The other side's come in, ours go out.
void note_alert(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_ALERT) == 0 || (value & 0xff) == SSL_AD_CLOSE_NOTIFY) return;
  auto* note = static_cast<std::shared_ptr<TlsFailureNote>*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), note_index()));
  if (note == nullptr) return;
  std::string alert = SSL_alert_desc_string_long(value);
  if ((where & SSL_CB_READ) != 0) {
    (*note)->put("the API server refused our certificate or the connection (TLS alert: " + alert + ")");
    return;
  }
  long verdict = SSL_get_verify_result(ssl);
  // The HTTP library's check of the name leaves no verdict behind.
  if (verdict != X509_V_OK && verdict != X509_V_ERR_UNSPECIFIED) {
    (*note)->put(std::string("the API server's certificate is not trusted: ") + X509_verify_cert_error_string(verdict));
  } else {
    (*note)->put("the API server's certificate is for another name, or its TLS is not acceptable (TLS alert: " + alert +
                 ")");
  }
}

}  // namespace

struct TlsIdentity::Material {
  StorePointer authorities;  // none: the system's
  std::vector<CertificatePointer> chain;
  KeyPointer key;
};

void TlsFailureNote::put(std::string reason) {
  std::lock_guard lock(mutex_);
  reason_ = std::move(reason);
}

std::string TlsFailureNote::take() {
  std::lock_guard lock(mutex_);
  return std::exchange(reason_, {});
}

TlsIdentity::TlsIdentity(std::unique_ptr<Material> material)
    : material_(std::move(material)), failure_note_(std::make_shared<TlsFailureNote>()) {}

TlsIdentity::~TlsIdentity() = default;

Result<std::shared_ptr<TlsIdentity>> TlsIdentity::make(const ClientConfiguration& configuration) {
  auto material = std::make_unique<Material>();
  if (!configuration.authority_pem.empty()) {
    auto certificates = read_certificates(configuration.authority_pem, "certificate-authority");
    if (!certificates) return tl::unexpected<Error>(certificates.error());
    material->authorities.reset(X509_STORE_new());
    for (auto& certificate : *certificates) X509_STORE_add_cert(material->authorities.get(), certificate.get());
  }
  if (configuration.client_certificate_pem.empty() != configuration.client_key_pem.empty()) {
    return fail(ErrorKind::invalid_argument, "client-certificate and client-key are given together or not at all");
  }
  if (!configuration.client_certificate_pem.empty()) {
    auto chain = read_certificates(configuration.client_certificate_pem, "client-certificate");
    if (!chain) return tl::unexpected<Error>(chain.error());
    auto key = read_key(configuration.client_key_pem);
    if (!key) return tl::unexpected<Error>(key.error());
    if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
      ERR_clear_error();
      return fail(ErrorKind::invalid_argument, "client-key does not belong to client-certificate");
    }
    material->chain = std::move(*chain);
    material->key = std::move(*key);
  }
  return std::shared_ptr<TlsIdentity>(new TlsIdentity(std::move(material)));
}

void TlsIdentity::apply(ssl_ctx_st* context) const {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  // An idle connection keeps no 34 KiB of buffers.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  if (material_->authorities) SSL_CTX_set1_cert_store(context, material_->authorities.get());
  if (material_->key) {
    SSL_CTX_use_certificate(context, material_->chain.front().get());
    for (std::size_t at = 1; at < material_->chain.size(); ++at)
      SSL_CTX_add1_chain_cert(context, material_->chain[at].get());
    SSL_CTX_use_PrivateKey(context, material_->key.get());
  }
  SSL_CTX_set_ex_data(context, note_index(), new std::shared_ptr<TlsFailureNote>(failure_note_));
  SSL_CTX_set_info_callback(context, note_alert);
}

}  // namespace millrace::kubernetes
