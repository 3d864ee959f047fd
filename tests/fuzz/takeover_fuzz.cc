// The state that one supervisor leaves to the next: what is read can be written, and what was
// written is read as the same.
#include <vector>

#include "fuzz/memory_file.h"
#include "fuzz/target.h"
#include "process/takeover.h"

namespace {

using namespace txindex;
using namespace txindex::process;

std::string content(int fd) {
  std::string text;
  char part[4096];
  for (ssize_t n = 0; (n = ::pread(fd, part, sizeof part, static_cast<off_t>(text.size()))) > 0;)
    text.append(part, static_cast<std::size_t>(n));
  return text;
}

}  // namespace

TXINDEX_FUZZ_TARGET(takeover) {
  const fuzz::MemoryFile file(input);
  const auto state = read_state(file.fd());
  if (!state) {
    fuzz::require(state.error().message.find("full restart") != std::string::npos,
                  "a refusal says what to do");
    return;
  }
  const auto written = write_state(*state);
  fuzz::require(written.has_value(), "what is read can be written");
  const auto again = read_state(written->get());
  fuzz::require(again.has_value(), "what is written can be read");
  fuzz::require(again->descriptors() == state->descriptors(), "the same descriptors go along");
  const auto twice = write_state(*again);
  fuzz::require(twice && content(twice->get()) == content(written->get()),
                "what was written is read as the same");
}
