#include "access/guard.h"

#include <sys/stat.h>

#include <algorithm>

#include "stats/tokens.h"

namespace txindex::access {
namespace {

constexpr std::int64_t kPauseNs = 5'000'000;

tls::ServerFiles tls_files(const config::Config& config) {
  return {config.tls_certificate, config.tls_key, config.tls_client_ca};
}

}  // namespace

std::int64_t Producer::charge(std::uint64_t transactions, std::uint64_t bytes,
                              std::int64_t now_ns) const {
  return std::max(take(counts->rate_spent_until_ns, token.rate, transactions, now_ns),
                  take(counts->volume_spent_until_ns, token.volume, bytes, now_ns));
}

std::int64_t Producer::wait_ns(std::int64_t now_ns) const {
  return std::max(access::wait_ns(counts->rate_spent_until_ns, token.rate, now_ns),
                  access::wait_ns(counts->volume_spent_until_ns, token.volume, now_ns));
}

std::int64_t Producer::pause_ns() const {
  std::int64_t pause = kPauseNs;
  for (const Limit& limit : {token.rate, token.volume}) {
    if (limit.per_second != 0) pause = std::min(pause, duration_ns(limit, limit.burst) / 2);
  }
  return pause;
}

result<Guard> Guard::load(const config::Config& config) {
  Guard guard;
  if (config.tls_certificate.empty() != config.tls_key.empty()) {
    return configuration_failure(config.tls_key.empty()
                                     ? "tls.key: is needed with tls.certificate"
                                     : "tls.certificate: is needed with tls.key");
  }
  if (!config.tls_client_ca.empty() && config.tls_certificate.empty()) {
    return configuration_failure("tls.client_ca: needs TLS: set tls.certificate and tls.key too");
  }
  if (!config.tls_certificate.empty()) {
    auto context = tls::load_server(tls_files(config));
    if (!context) return context.error();
    guard.tls_ = *std::move(context);
  }
  if (!config.tokens.empty()) {
    auto tokens = read_tokens(config.tokens);
    if (!tokens) return tokens.error();
    guard.tokens_ = *std::move(tokens);
    guard.asks_for_token_ = true;
  }
  return guard;
}

result<Guard> Guard::load(const config::Config& config, stats::TokenTable& counts) {
  auto guard = load(config);
  if (!guard) return guard;
  for (const auto& token : guard->tokens_) {
    stats::TokenEntry* entry = stats::find_token(counts, token.name);
    if (entry == nullptr) {
      return failure("tokens: " + config.tokens +
                     ": since the service was started its tokens had " +
                     std::to_string(stats::kTokenEntries) +
                     " names, which is all that can be counted; there is no room for " +
                     token.name + " before a restart");
    }
    guard->producers_.push_back({token, entry});
  }
  return guard;
}

const Producer* Guard::producer_of(std::string_view token) const {
  const auto found = find_token(tokens_, token);
  return found ? &producers_[*found] : nullptr;
}

std::vector<std::string> warnings(const config::Config& config) {
  auto all = tls::warnings(tls_files(config));
  struct stat status {};
  if (!config.tokens.empty() && ::stat(config.tokens.c_str(), &status) == 0 &&
      (status.st_mode & S_IWOTH) != 0) {
    all.push_back("tokens: " + config.tokens + " can be changed by every user; chmod o-w " +
                  config.tokens);
  }
  if (!config.tokens.empty() && config.tls_certificate.empty() &&
      !config::is_loopback(config.listen.host)) {
    all.push_back("tokens: are sent in the clear over the network without tls.certificate");
  }
  return all;
}

}  // namespace txindex::access
