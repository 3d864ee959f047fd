#include "support/sending.h"

#include <boost/json.hpp>
#include <stdexcept>

namespace txindex::test {
namespace {

Process::Options output_to(const std::string& file) {
  Process::Options options;
  options.output_file = file;
  return options;
}

}  // namespace

std::string generate(const TempDir& dir, std::size_t count, const std::string& mix) {
  static int files = 0;
  const std::string file = dir / ("generated-" + std::to_string(++files) + ".txs");
  const Ran ran = run({TXINDEX_BINARY, "gen", "--quiet", "--count", std::to_string(count), "--mix",
                       mix, "--out", file});
  if (ran.status != 0) throw std::runtime_error("txindex gen: " + ran.output);
  return file;
}

std::int64_t Report::operator[](const std::string& name) const {
  const auto at = numbers.find(name);
  if (at == numbers.end()) throw std::runtime_error("no " + name + " in: " + output);
  return at->second;
}

Sending::Sending(const std::string& server, const std::string& file, int connections)
    : process_({TXINDEX_BINARY, "send", "--json", "--server", server, "--connections",
                std::to_string(connections), file},
               output_to(dir_ / "report")) {}

Report Sending::wait() {
  Report report;
  report.status = process_.wait(std::chrono::seconds(180));
  report.output = read_file(dir_ / "report");
  // Standard error is in the same file; the report is the line in braces.
  const auto begin = report.output.find('{');
  const auto end = report.output.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) return report;
  boost::system::error_code problem;
  const auto value = boost::json::parse(report.output.substr(begin, end - begin + 1), problem);
  if (problem || !value.is_object()) return report;
  for (const auto& [name, field] : value.as_object()) {
    if (field.is_int64()) report.numbers[name] = field.as_int64();
  }
  return report;
}

}  // namespace txindex::test
