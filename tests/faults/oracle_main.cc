// The oracle by itself: judges a load that somebody made, against a database that somebody has.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "faults/oracle.h"

int main(int argc, char** argv) {
  using namespace txindex;
  CLI::App app("Compares the journal of txindex load with PostgreSQL, and counts", "fault_oracle");
  test::Evidence evidence;
  bool no_accounts = false;
  app.add_option("--journal", evidence.journal, "Folder of txindex load --journal")->required();
  app.add_option("--database", evidence.database, "libpq's connection string")->required();
  app.add_option("--others", evidence.others, ".txs files that others sent some of");
  app.add_flag("--no-accounts", no_accounts, "The server has index.level = transactions");
  CLI11_PARSE(app, argc, argv);
  if (no_accounts) evidence.level = IndexLevel::transactions;
  const auto counts = test::judge(evidence);
  if (!counts) {
    std::fprintf(stderr, "fault_oracle: %s\n", counts.error().message.c_str());
    return 2;
  }
  std::fputs(test::to_text(*counts).c_str(), stdout);
  return counts->clean() ? 0 : 1;
}
