#include "support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <stdexcept>

namespace txindex::test {
namespace {

constexpr long kDayAgo = -24 * 3600;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error("certificates: " + what);
}

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  if (extension == nullptr || X509_add_ext(certificate, extension, -1) != 1) fail(value);
  X509_EXTENSION_free(extension);
}

template <typename Write>
void save(const std::string& path, Write write) {
  FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr || write(file) != 1) fail(path);
  std::fclose(file);
  ::chmod(path.c_str(), 0600);
}

}  // namespace

struct Authority::Pair {
  X509* certificate = X509_new();
  EVP_PKEY* key = EVP_EC_gen("P-256");
  Pair() = default;
  Pair(const Pair&) = delete;
  ~Pair() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  void fill(const std::string& name, long begin, long end) {
    static long serial = 0;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), begin);
    X509_gmtime_adj(X509_getm_notAfter(certificate), end);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  }
  void sign_with(const Pair& issuer) {
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate));
    if (X509_sign(certificate, issuer.key, EVP_sha256()) == 0) fail("signing");
  }
};

Authority::Authority(const TempDir& dir, const std::string& name)
    : dir_(dir), name_(name), own_(std::make_unique<Pair>()) {
  own_->fill(name, kDayAgo, 3600);
  X509_set_issuer_name(own_->certificate, X509_get_subject_name(own_->certificate));
  extend(own_->certificate, own_->certificate, NID_basic_constraints, "critical,CA:TRUE");
  extend(own_->certificate, own_->certificate, NID_key_usage, "critical,keyCertSign");
  own_->sign_with(*own_);
  save(file(), [&](FILE* to) { return PEM_write_X509(to, own_->certificate); });
}

Authority::~Authority() = default;

std::string Authority::path(const std::string& name) const {
  return dir_ / (name_ + "-" + name + ".pem");
}

std::string Authority::file() const {
  return path("authority");
}

Authority::Files Authority::sign(const std::string& name, long seconds,
                                 const std::string& host) const {
  Pair pair;
  pair.fill(name, kDayAgo, seconds);
  extend(pair.certificate, own_->certificate, NID_subject_alt_name,
         host.empty() ? "DNS:localhost,IP:127.0.0.1" : "DNS:" + host);
  pair.sign_with(*own_);
  Files files{path(name), path(name + "-key")};
  save(files.certificate, [&](FILE* to) { return PEM_write_X509(to, pair.certificate); });
  save(files.key, [&](FILE* to) {
    return PEM_write_PrivateKey(to, pair.key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  return files;
}

}  // namespace txindex::test
