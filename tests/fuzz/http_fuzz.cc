// A connection of the admin port: whatever comes is answered as HTTP or not at all, plain requests
// as a second reading says, the same however it is cut, and the connection ends. The first byte
// says how it is cut.
#include <algorithm>
#include <cctype>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "admin/session.h"
#include "fuzz/local_exchange.h"
#include "fuzz/target.h"

namespace {

using namespace txindex;

// The status of each answer.
std::vector<std::string> answers(Bytes stream, std::size_t piece) {
  static const auto segment = stats::Segment::create();
  static boost::asio::io_context loop(1);
  const admin::Site site(*segment, {"metrics.example"});
  bool gone = false;
  std::string text;
  {
    fuzz::LocalClient client(loop);
    std::make_shared<admin::Session>(
        admin::Session::Socket(loop, boost::asio::ip::tcp::v4(), client.server_end()), site,
        admin::SessionLimits(), [&gone](admin::Session&) { gone = true; })
        ->start();
    const auto received = client.exchange(stream, piece);
    text = as_text(received);
  }
  fuzz::require(gone, "a connection that has ended is gone");
  constexpr std::string_view kBegin = "HTTP/1.";
  fuzz::require(text.empty() || text.starts_with(kBegin), "what is answered is HTTP");
  std::vector<std::string> statuses;
  for (auto at = text.find(kBegin); at != std::string::npos; at = text.find(kBegin, at + 1))
    statuses.push_back(text.substr(at + kBegin.size() + 2, 3));
  return statuses;
}

// What is no request is refused as wrong or as too large, as soon as that is seen, or closed upon
// when the stream ends before: which of these depends on the pieces. All answers before do not.
bool agree(std::vector<std::string> a, std::vector<std::string> b) {
  const auto drop_refusal = [](std::vector<std::string>& answers) {
    if (!answers.empty() && (answers.back() == "400" || answers.back() == "431")) {
      answers.pop_back();
    }
  };
  drop_refusal(a);
  drop_refusal(b);
  return a == b;
}

// What a second, narrow reading of the stream expects: it knows requests that nobody could read in
// two ways, and stops at the first other one.
struct Expected {
  std::vector<std::string> statuses;
  bool all = false;  // and none after these
};

std::string lower(std::string text) {
  for (char& c : text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// By its rules, or nullopt: somebody else has to say.
std::optional<bool> host_is_ours(const std::string& host) {
  static const std::regex number(
      R"((\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])(\.(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}(:\d{1,5})?)");
  static const std::regex name(R"(([a-z]+(\.[a-z]+)*)\.?(:\d{1,5})?)");
  const std::string text = lower(host);
  std::smatch parts;
  if (std::regex_match(text, number)) return true;
  if (!std::regex_match(text, parts, name)) return std::nullopt;
  return parts[1] == "localhost" || parts[1] == "metrics.example";
}

Expected second_reading(std::string_view stream) {
  static const std::regex request(R"(([A-Z]{1,20}) (/[!-~]*) HTTP/1\.([01]))");
  static const std::regex header(R"(([A-Za-z-]+): ?([!-~]([ -~]*[!-~])?)?)");
  // They say how the message goes on, or whether the connection does.
  static const std::set<std::string> special = {
      "content-length", "transfer-encoding", "connection", "proxy-connection", "upgrade", "expect"};
  static const std::set<std::string> paths = {"/", "/metrics", "/healthz", "/status", "/history"};
  constexpr std::size_t kSurelyShort = 4000;
  Expected expected;
  for (;;) {
    const auto end = stream.find("\r\n\r\n");
    if (end == std::string_view::npos || end > kSurelyShort) return expected;
    std::istringstream head(std::string(stream.substr(0, end)) + "\r\n");
    stream.remove_prefix(end + 4);
    std::vector<std::string> lines;
    for (std::string line; std::getline(head, line);) {
      if (!line.ends_with('\r')) return expected;
      lines.push_back(line.substr(0, line.size() - 1));
    }
    std::smatch first;
    if (!std::regex_match(lines.at(0), first, request)) return expected;
    std::vector<std::string> hosts;
    for (std::size_t i = 1; i < lines.size(); ++i) {
      std::smatch parts;
      if (!std::regex_match(lines[i], parts, header)) return expected;
      const std::string name = lower(parts[1]);
      if (special.contains(name)) return expected;
      if (name == "host") hosts.push_back(parts[2]);
    }
    const bool old = first[3] == "0";
    const std::string target = first[2];
    const std::string path = target.substr(0, target.find('?'));
    if (hosts.size() > 1 || (hosts.empty() && !old)) {
      expected.statuses.emplace_back("400");
      expected.all = true;
      return expected;
    }
    const auto ours = hosts.empty() ? std::optional(true) : host_is_ours(hosts[0]);
    if (!ours) return expected;
    expected.statuses.emplace_back(!*ours                                    ? "421"
                                   : first[1] != "GET" && first[1] != "HEAD" ? "405"
                                   : path == "/readyz"                       ? "503"
                                   : paths.contains(path)                    ? "200"
                                                                             : "404");
    expected.all = old;
    if (old) return expected;
  }
}

bool as_expected(const std::vector<std::string>& answers, const Expected& expected) {
  const auto n = expected.statuses.size();
  return answers.size() >= n && (!expected.all || answers.size() == n) &&
         std::equal(expected.statuses.begin(), expected.statuses.end(), answers.begin());
}

}  // namespace

TXINDEX_FUZZ_TARGET(http) {
  if (input.empty()) return;
  const Bytes stream = input.subspan(1);
  const auto whole = answers(stream, 1 << 20);
  static const std::set<std::string> known = {"200", "400", "404", "405",
                                              "413", "421", "431", "503"};
  if (!whole.empty()) fuzz::require(known.contains(whole.front()), "a status that is documented");
  fuzz::require(as_expected(whole, second_reading(as_text(stream))),
                "plain requests are answered as a second reading of them says");
  fuzz::require(agree(whole, answers(stream, input[0] % 64U + 1)), "another cut, the same answers");
}
