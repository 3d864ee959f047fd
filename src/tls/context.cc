#include "tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>

namespace txindex::tls {
namespace {

using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;

// The oldest error is the cause, the later ones are those of its callers.
std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown reason";
  if (ERR_GET_LIB(code) == ERR_LIB_SYS) return std::strerror(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
}

// A key with a passphrase: without this OpenSSL would ask for it on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  char text[32] = "an unreadable time";
  if (ASN1_TIME_to_tm(time, &parts) == 1) {
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  }
  return text;
}

}  // namespace

// The steps of loading; each failure begins with the name of what was loaded and its file.
struct Loader {
  static result<std::shared_ptr<SSL_CTX>> make(const SSL_METHOD* method) {
    ERR_clear_error();
    std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), &SSL_CTX_free);
    if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION) != 1) {
      return failure("TLS: " + openssl_reason());
    }
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context.get(), 0);
    SSL_CTX_set_max_early_data(context.get(), 0);
    // One call for what has arrived, instead of two for each record.
    SSL_CTX_set_read_ahead(context.get(), 1);
    // An idle connection keeps no buffer of OpenSSL's.
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
    return context;
  }

  static Failure wrong(const char* what, const std::string& file, const std::string& why) {
    return configuration_failure(std::string(what) + ": " + file + ": " + why);
  }

  static std::optional<Failure> unreadable(const char* what, const std::string& file) {
    if (::access(file.c_str(), R_OK) == 0) return std::nullopt;
    return wrong(what, file, std::string("cannot be read: ") + std::strerror(errno));
  }

  static result<void> own_certificate(SSL_CTX* context, const char* certificate_is,
                                      const std::string& certificate, const char* key_is,
                                      const std::string& key) {
    if (auto problem = unreadable(certificate_is, certificate)) return *problem;
    if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
      return wrong(certificate_is, certificate, "no certificate in PEM form: " + openssl_reason());
    const X509* own = SSL_CTX_get0_certificate(context);
    if (X509_cmp_current_time(X509_get0_notAfter(own)) < 0) {
      return wrong(certificate_is, certificate,
                   "expired at " + text_of(X509_get0_notAfter(own)) + "; renew it");
    }
    if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0) {
      return wrong(
          certificate_is, certificate,
          "is not valid before " + text_of(X509_get0_notBefore(own)) + "; is the clock right?");
    }
    if (auto problem = unreadable(key_is, key)) return *problem;
    // Also compares the two.
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
      const unsigned long code = ERR_peek_error();
      const bool mismatch = ERR_GET_LIB(code) == ERR_LIB_X509;
      const std::string why = openssl_reason();
      if (mismatch) return wrong(key_is, key, "does not match the certificate " + certificate);
      return wrong(key_is, key, "no private key in PEM form without a passphrase: " + why);
    }
    return {};
  }

  static result<ContextPtr> server(const ServerFiles& files) {
    auto context = make(TLS_server_method());
    if (!context) return context.error();
    if (auto ok = own_certificate(context->get(), "tls.certificate", files.certificate, "tls.key",
                                  files.key);
        !ok) {
      return ok.error();
    }
    if (!files.client_ca.empty()) {
      static constexpr const char* kWhat = "tls.client_ca";
      if (auto problem = unreadable(kWhat, files.client_ca)) return *problem;
      auto* names = SSL_load_client_CA_file(files.client_ca.c_str());
      if (names == nullptr ||
          SSL_CTX_load_verify_file(context->get(), files.client_ca.c_str()) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return wrong(kWhat, files.client_ca, "no certificates in PEM form: " + openssl_reason());
      }
      SSL_CTX_set_client_CA_list(context->get(), names);
      SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                         nullptr);
    }
    return ContextPtr(new Context(*std::move(context)));
  }

  static result<ContextPtr> client(const ClientFiles& files) {
    auto context = make(TLS_client_method());
    if (!context) return context.error();
    static constexpr const char* kWhat = "TLS authorities";
    if (files.ca.empty()) {
      SSL_CTX_set_default_verify_paths(context->get());
    } else {
      if (auto problem = unreadable(kWhat, files.ca)) return *problem;
      if (SSL_CTX_load_verify_file(context->get(), files.ca.c_str()) != 1)
        return wrong(kWhat, files.ca, "no certificates in PEM form: " + openssl_reason());
    }
    SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
    if (files.certificate.empty() != files.key.empty())
      return configuration_failure("a TLS certificate and its key go together: one is missing");
    if (!files.certificate.empty()) {
      if (auto ok = own_certificate(context->get(), "TLS certificate", files.certificate, "TLS key",
                                    files.key);
          !ok) {
        return ok.error();
      }
    }
    return ContextPtr(new Context(*std::move(context)));
  }
};

result<ContextPtr> load_server(const ServerFiles& files) {
  return Loader::server(files);
}

result<ContextPtr> load_client(const ClientFiles& files) {
  return Loader::client(files);
}

std::vector<std::string> warnings(const ServerFiles& files) {
  struct stat status {};
  if (files.key.empty() || ::stat(files.key.c_str(), &status) != 0) return {};
  if ((status.st_mode & S_IRWXO) == 0) return {};
  return {"tls.key: " + files.key + " can be read or changed by every user; chmod o= " + files.key};
}

}  // namespace txindex::tls
