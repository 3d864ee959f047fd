#include "faults/honest_load.h"

#include <signal.h>

#include <boost/json.hpp>
#include <filesystem>
#include <stdexcept>

#include "faults/sent_files.h"

namespace txindex::test {

using namespace std::chrono_literals;

void generate_file(const std::string& file, std::uint64_t count, std::uint64_t seed) {
  const Ran ran = run({TXINDEX_BINARY, "gen", "--quiet", "--count", std::to_string(count), "--seed",
                       std::to_string(seed), "--out", file});
  if (ran.status != 0) throw std::runtime_error("txindex gen: " + ran.output);
}

HonestLoad::HonestLoad(const Options& options) {
  const double seconds = std::chrono::duration<double>(options.duration).count();
  std::vector<std::string> command = {TXINDEX_BINARY,
                                      "load",
                                      "--json",
                                      "--server",
                                      to_string(options.server),
                                      "--give-up",
                                      std::to_string(options.give_up.count()),
                                      "--journal",
                                      journal(),
                                      "--rate",
                                      std::to_string(options.rate),
                                      "--duration",
                                      std::to_string(seconds),
                                      "--connections",
                                      std::to_string(options.connections)};
  if (options.some_bad) command.insert(command.end(), {"--file", make_file(options)});
  Process::Options process_options;
  process_options.output_file = dir_ / "report";
  process_ = start_within(options.within, std::move(command), process_options);
  const bool sends = eventually([this] { return !running() || !lanes().empty(); });
  if (!sends) throw std::runtime_error("the load does not begin");
}

std::string HonestLoad::make_file(const Options& options) {
  const double seconds = std::chrono::duration<double>(options.duration).count();
  const std::string good = dir_ / "good.txs";
  const std::string some_bad = dir_ / "some_bad.txs";
  generate_file(good, static_cast<std::uint64_t>(options.rate * seconds) + 1, options.seed);
  broken_ = break_signatures(good, some_bad);
  std::filesystem::remove(good);
  return some_bad;
}

void HonestLoad::abandon() {
  process_->signal(SIGINT);
  if (wait(2s) == -1) process_->signal(SIGINT);
  if (wait(10s) == -1) throw std::runtime_error("the load cannot be ended");
}

const HonestLoad::Lanes& HonestLoad::lanes() {
  follow();
  return lanes_;
}

std::uint64_t HonestLoad::answered() {
  follow();
  return answered_;
}

void HonestLoad::follow() {
  namespace journal = tools::journal;
  std::error_code none;
  for (const auto& file : std::filesystem::directory_iterator(this->journal(), none)) {
    auto at = journals_.find(file.path());
    if (at == journals_.end()) {
      auto reader = journal::Reader::open(file.path());
      if (!reader) continue;  // its header is not there yet
      at = journals_.emplace(file.path(), std::move(*reader)).first;
    }
    for (;;) {
      const auto record = at->second.next();
      if (!record) throw std::runtime_error(record.error().message);
      if (!*record) break;
      if (const auto* sent = std::get_if<journal::Sent>(&**record)) {
        ++lanes_[sent->connection].sent;
      } else if (const auto* acked = std::get_if<journal::Acked>(&**record)) {
        ++lanes_[acked->connection].answered;
        ++answered_;
      }
    }
  }
}

std::map<std::string, double> HonestLoad::report() const {
  const std::string text = read_file(dir_ / "report");
  const auto begin = text.find('{');
  const auto end = text.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) {
    throw std::runtime_error("the load made no report: " + text);
  }
  std::map<std::string, double> numbers;
  const auto said = boost::json::parse(text.substr(begin, end - begin + 1));
  for (const auto& [name, value] : said.as_object()) {
    if (value.is_number()) numbers[name] = value.to_number<double>();
  }
  return numbers;
}

}  // namespace txindex::test
