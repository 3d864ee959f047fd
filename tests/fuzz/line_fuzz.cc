// The same lines come out of a stream however it is cut, and a line that is base64 is the one text
// of its bytes. The first byte says how it is cut.
#include <string>
#include <vector>

#include "chain/base64.h"
#include "fuzz/stream_pieces.h"
#include "fuzz/target.h"
#include "net/line_mode.h"

namespace {

using namespace txindex;
using net::FrameBuffer;

struct Outcome {
  std::vector<std::string> lines;
  std::vector<wire::Buffer> decoded;  // empty: not base64, or of nothing
  bool bad = false;
  bool operator==(const Outcome&) const = default;
};

void take(Outcome& outcome, std::span<std::uint8_t> line) {
  const std::string text(as_text(Bytes(line)));
  const auto bytes = net::decode_line(line);
  if (bytes) fuzz::require(chain::base64::encode(*bytes) == text, "every value has one text");
  outcome.lines.push_back(text);
  outcome.decoded.push_back(bytes ? wire::Buffer(bytes->begin(), bytes->end()) : wire::Buffer());
}

Outcome read_cut(Bytes stream, fuzz::Cut cut) {
  FrameBuffer buffer;
  Outcome outcome;
  outcome.bad = fuzz::read_all(buffer, stream, cut, [&](FrameBuffer& in) {
    std::span<std::uint8_t> line;
    const auto status = in.next_line(line);
    if (status == FrameBuffer::Status::whole) take(outcome, line);
    return status;
  });
  if (!outcome.bad) take(outcome, buffer.last_line());
  return outcome;
}

// The same by the standard library: lines up to the first that is too long.
void check(Bytes stream, const Outcome& outcome) {
  std::string_view rest = as_text(stream);
  std::size_t n = 0;
  bool bad = false;
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    std::string_view line = rest.substr(0, end);
    bad = line.size() > limits::kLineMaxBytes;
    if (bad) break;
    if (line.ends_with('\r')) line.remove_suffix(1);
    fuzz::require(n < outcome.lines.size() && outcome.lines[n++] == line, "lines end at LF");
    rest.remove_prefix(end + 1);
  }
  bad = bad || rest.size() > limits::kLineMaxBytes;
  fuzz::require(bad == outcome.bad, "a line that is too long, and no other, is refused");
  if (!bad) fuzz::require(outcome.lines.at(n++) == rest, "the last line needs no LF");
  fuzz::require(n == outcome.lines.size(), "as many lines as there are");
}

}  // namespace

TXINDEX_FUZZ_TARGET(line) {
  if (input.empty()) return;
  check(input.subspan(1), fuzz::read_however_cut(input, read_cut));
}
