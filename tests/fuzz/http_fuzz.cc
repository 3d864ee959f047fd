// A connection of the admin port: whatever comes is answered as HTTP or not at all, the same
// however it is cut, and the connection ends. The first byte says how it is cut.
#include <set>
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

}  // namespace

TXINDEX_FUZZ_TARGET(http) {
  if (input.empty()) return;
  const Bytes stream = input.subspan(1);
  const auto whole = answers(stream, 1 << 20);
  static const std::set<std::string> known = {"200", "400", "404", "405",
                                              "413", "421", "431", "503"};
  if (!whole.empty()) fuzz::require(known.contains(whole.front()), "a status that is documented");
  fuzz::require(agree(whole, answers(stream, input[0] % 64U + 1)), "another cut, the same answers");
}
