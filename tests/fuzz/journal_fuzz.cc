// The journal of `txindex load`: the records of a file are the bytes of the file, up to where it is
// torn or damaged; and where that is, is said.
#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "tools/journal.h"

namespace {

using namespace txindex;
using namespace txindex::tools;

struct Write {
  wire::Buffer& out;

  void operator()(const journal::Sent& r) const {
    out.push_back(1);
    wire::append(out, r.connection);
    wire::append(out, r.sequence);
    wire::append(out, r.sent_us);
    wire::append(out, r.stamp_us);
    out.insert(out.end(), r.txid.begin(), r.txid.end());
  }
  void operator()(const journal::Acked& r) const {
    out.push_back(2);
    wire::append(out, r.connection);
    wire::append(out, r.sequence);
    wire::append(out, r.acked_us);
    out.push_back(static_cast<std::uint8_t>(r.outcome));
  }
  void operator()(const journal::End&) const { out.push_back(3); }
};

}  // namespace

TXINDEX_FUZZ_TARGET(journal) {
  const fuzz::MemoryFile file(input);
  auto reader = journal::Reader::open(file.path());
  if (!reader) return;
  wire::Buffer again(journal::kMagic.begin(), journal::kMagic.end());
  wire::append(again, reader->number());
  std::string problem;
  for (;;) {
    auto record = reader->next();
    if (!record) problem = record.error().message;
    if (!record || !*record) break;
    std::visit(Write{again}, **record);
  }
  fuzz::require(
      again.size() <= input.size() && std::equal(again.begin(), again.end(), input.begin()),
      "the records are the bytes of the file");
  const std::size_t left = input.size() - again.size();
  if (!problem.empty()) {
    fuzz::require(left > 0 && problem.ends_with(" at byte " + std::to_string(again.size())),
                  "damage is where it is said to be");
  } else {
    // The longest record is 93 bytes.
    fuzz::require(reader->torn() == (left > 0) && left < 93, "what is left is a part of a record");
  }
}
