// A .txs file, or lines of base64: the transactions of an input are its bytes, and are the same
// however the input comes. The first byte says in which pieces.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "chain/base64.h"
#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "tools/transaction_reader.h"

namespace {

using namespace txindex;
using tools::TransactionReader;

struct Outcome {
  wire::Buffer frames;  // what was read, as TX frames
  std::string lines;    // and as lines
  std::uint64_t count = 0;
  std::string problem;
  bool ended = false;
  bool operator==(const Outcome&) const = default;
};

// Takes what there is; false: the reader wants more.
bool take(TransactionReader& reader, Outcome& outcome) {
  for (;;) {
    TransactionReader::Item item;
    const auto status = reader.next(item);
    if (!status) outcome.problem = status.error().message;
    if (!status || *status == TransactionReader::Status::end) {
      outcome.ended = true;
      return true;
    }
    if (*status == TransactionReader::Status::need_input) return false;
    fuzz::require(item.number > outcome.count, "numbers go up");
    outcome.count = item.number;
    wire::append_tx(outcome.frames, item.tx);
    outcome.lines += chain::base64::encode(item.tx.transaction) + "\n";
  }
}

Outcome read_file(Bytes stream) {
  fuzz::MemoryFile file(stream);
  TransactionReader reader(file.release(), "input");
  Outcome outcome;
  while (!take(reader, outcome))
    fuzz::require(reader.fill().has_value(), "a file can be read");
  return outcome;
}

Outcome read_pipe(Bytes stream, std::size_t piece) {
  std::array<int, 2> ends{};
  fuzz::require(::pipe2(ends.data(), O_CLOEXEC) == 0, "there is a pipe");
  process::Descriptor in(ends[1]);
  TransactionReader reader(ends[0], "input");
  Outcome outcome;
  while (!take(reader, outcome)) {
    const std::size_t n = std::min(piece, stream.size());
    if (n == 0) in.reset();
    fuzz::require(n == 0 || ::write(ends[1], stream.data(), n) == static_cast<ssize_t>(n),
                  "a pipe can be written");
    stream = stream.subspan(n);
    fuzz::require(reader.fill().has_value(), "a pipe can be read");
  }
  return outcome;
}

// The stream without what the reader passes over: empty lines, and CR before LF.
std::string plain(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) out.append(line).append("\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

TXINDEX_FUZZ_TARGET(txs) {
  if (input.empty()) return;
  const Bytes stream = input.subspan(1);
  const Outcome whole = read_file(stream);
  fuzz::require(whole == read_pipe(stream, input[0] * 4U + 1), "in other pieces, the same");
  const auto& preface = wire::kFilePreface;
  if (as_text(stream).starts_with(as_text(Bytes(preface)))) {
    const Bytes frames = stream.subspan(preface.size());
    fuzz::require(whole.frames.size() <= frames.size() &&
                      std::equal(whole.frames.begin(), whole.frames.end(), frames.begin()),
                  "the transactions are the bytes of the file");
    fuzz::require(!whole.problem.empty() || whole.frames.size() == frames.size(),
                  "nothing is passed over");
  } else {
    const std::string lines = plain(as_text(stream));
    fuzz::require(lines.starts_with(whole.lines), "the transactions are the lines of the file");
    fuzz::require(!whole.problem.empty() || lines == whole.lines, "nothing is passed over");
  }
}
