// The oracle by itself: judges a load that somebody made, against a database that somebody has.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "faults/oracle.h"

int main(int argc, char** argv) {
  using namespace txindex;
  CLI::App app("Compares the journal of txindex load with PostgreSQL, and counts", "fault_oracle");
  test::Evidence evidence;
  std::vector<std::string> journals;
  double interval_s = 3600;
  double window_s = 600;
  app.add_option("--journal", journals, "Folders of txindex load --journal")->required();
  app.add_option("--database", evidence.database, "libpq's connection string")->required();
  app.add_option("--others", evidence.others, ".txs files that others sent some of");
  const std::map<std::string, IndexLevel> levels = {{"transactions", IndexLevel::transactions},
                                                    {"accounts", IndexLevel::accounts},
                                                    {"instructions", IndexLevel::instructions}};
  app.add_option("--index-level", evidence.level, "The server's index.level; default: accounts")
      ->transform(CLI::CheckedTransformer(levels));
  app.add_option("--partition-interval", interval_s, "The server's, in seconds")
      ->capture_default_str();
  app.add_option("--dedup-window", window_s, "The server's, in seconds")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  for (const auto& folder : journals)
    evidence.journals.push_back({.folder = folder});
  evidence.rule = {static_cast<std::int64_t>(interval_s * 1e6),
                   static_cast<std::int64_t>(window_s * 1e6)};
  const auto counts = test::judge(evidence);
  if (!counts) {
    std::fprintf(stderr, "fault_oracle: %s\n", counts.error().message.c_str());
    return 2;
  }
  std::fputs(test::to_text(*counts).c_str(), stdout);
  return counts->clean() ? 0 : 1;
}
