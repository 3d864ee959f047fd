// txindex load against the real server: what it reports and what its journal says is what is in
// PostgreSQL.
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/json.hpp>
#include <filesystem>
#include <map>
#include <set>

#include "support/postgres.h"
#include "support/process.h"
#include "support/sending.h"
#include "support/server.h"
#include "text/hex.h"
#include "tools/journal.h"

namespace txindex::test {
namespace {

namespace journal = tools::journal;

// What the journals of a folder say, by txid in hexadecimal.
struct Told {
  std::set<std::string> sent;
  std::set<std::string> acked;  // committed or duplicate
  std::map<std::string, std::int64_t> stamps;
  bool ended = true;  // each with its END
};
Told read_journals(const std::filesystem::path& folder) {
  Told told;
  std::map<std::pair<std::uint32_t, std::uint64_t>, std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    auto reader = journal::Reader::open(entry.path());
    if (!reader) throw std::runtime_error(reader.error().message);
    bool ended = false;
    while (true) {
      const auto next = reader->next();
      if (!next) throw std::runtime_error(next.error().message);
      if (!*next) break;
      if (const auto* sent = std::get_if<journal::Sent>(&**next)) {
        const std::string txid = text::hex(sent->txid);
        told.sent.insert(txid);
        told.stamps[txid] = sent->stamp_us;
        names[{sent->connection, sent->sequence}] = txid;
      } else if (const auto* acked = std::get_if<journal::Acked>(&**next)) {
        if (acked->outcome <= wire::Outcome::duplicate)
          told.acked.insert(names.at({acked->connection, acked->sequence}));
      } else {
        ended = true;
      }
    }
    told.ended = told.ended && ended;
  }
  return told;
}

class LoadTest : public testing::Test {
 protected:
  Ran load(std::vector<std::string> flags) {
    std::vector<std::string> command = {TXINDEX_BINARY, "load", "--json", "--server",
                                        server_.address()};
    command.insert(command.end(), flags.begin(), flags.end());
    return run(command);
  }
  static boost::json::object report(const Ran& ran) {
    return boost::json::parse(ran.output.substr(0, ran.output.find('\n'))).as_object();
  }
  // The txids of all rows, in hexadecimal.
  std::set<std::string> rows() {
    const std::string all =
        postgres_.query("SELECT string_agg(encode(txid, 'hex'), ' ') FROM txindex.transactions");
    std::set<std::string> found;
    for (std::size_t at = 0; at < all.size(); at += 129)
      found.insert(all.substr(at, 128));
    return found;
  }

  PostgresCluster postgres_;
  Server server_{postgres_.conninfo(), {"--workers", "2"}};
  TempDir dir_;
};

TEST_F(LoadTest, ClosedLoopCommitsAllAndItsJournalIsWhatTheDatabaseHas) {
  const Ran ran = load(
      {"--connections", "50", "--count", "5000", "--threads", "2", "--journal", dir_ / "journal"});
  ASSERT_EQ(ran.status, 0) << ran.output;
  const auto json = report(ran);
  EXPECT_EQ(json.at("committed"), 5000);
  EXPECT_EQ(json.at("unacknowledged"), 0);
  EXPECT_GT(json.at("latency_us").at("p50").as_int64(), 0);
  const Told told = read_journals(dir_ / "journal");
  EXPECT_TRUE(told.ended);
  EXPECT_EQ(told.sent.size(), 5000U);
  EXPECT_EQ(told.acked, told.sent);
  EXPECT_EQ(rows(), told.sent);
  const std::string txid = *told.sent.begin();
  EXPECT_EQ(postgres_.query("SELECT (extract(epoch FROM ts) * 1000000)::bigint FROM "
                            "txindex.transactions WHERE txid = '\\x" +
                            txid + "'"),
            std::to_string(told.stamps.at(txid)));
}

TEST_F(LoadTest, OpenLoopKeepsItsRate) {
  const Ran ran = load({"--connections", "8", "--rate", "300", "--duration", "2"});
  ASSERT_EQ(ran.status, 0) << ran.output;
  const auto json = report(ran);
  EXPECT_EQ(json.at("committed"), 600);
  EXPECT_EQ(json.at("unsent"), 0);
  EXPECT_GE(json.at("seconds").to_number<double>(), 1.9);
  EXPECT_EQ(rows().size(), 600U);
}

TEST_F(LoadTest, AFileThatIsSentTwiceIsDuplicates) {
  const std::string file = generate(dir_, 700);
  for (const char* outcome : {"committed", "duplicate"}) {
    const Ran ran = load({"--connections", "3", "--file", file});
    ASSERT_EQ(ran.status, 0) << ran.output;
    EXPECT_EQ(report(ran).at(outcome), 700);
  }
  EXPECT_EQ(rows().size(), 700U);
}

// Killed in the middle: what its journal has acked is there, and nothing is there that it has not.
TEST_F(LoadTest, AJournalIsGoodUpToTheEndOfALoadThatIsKilled) {
  Process::Options options;
  options.output_file = dir_ / "output";
  Process process({TXINDEX_BINARY, "load", "--server", server_.address(), "--connections", "20",
                   "--duration", "600", "--ahead", "20000", "--journal", dir_ / "journal"},
                  options);
  ASSERT_TRUE(eventually([&] {
    return postgres_.query("SELECT count(*) >= 1000 FROM txindex.transactions") == "t";
  })) << read_file(options.output_file);
  process.signal(SIGKILL);
  EXPECT_EQ(process.wait(), 128 + SIGKILL);
  EXPECT_EQ(server_.stop(), 0);  // with all that it had received
  const Told told = read_journals(dir_ / "journal");
  EXPECT_FALSE(told.ended);
  const auto stored = rows();
  EXPECT_GE(told.acked.size(), 1U);
  EXPECT_GE(stored.size(), 1000U);
  EXPECT_TRUE(std::includes(stored.begin(), stored.end(), told.acked.begin(), told.acked.end()));
  EXPECT_TRUE(std::includes(told.sent.begin(), told.sent.end(), stored.begin(), stored.end()));
}

TEST_F(LoadTest, AServerThatIsReplacedUnderLoadLosesNothing) {
  Process::Options options;
  options.output_file = dir_ / "output";
  Process process({TXINDEX_BINARY, "load", "--json", "--server", server_.address(), "--connections",
                   "10", "--rate", "500", "--duration", "4", "--journal", dir_ / "journal"},
                  options);
  ASSERT_TRUE(eventually(
      [&] { return postgres_.query("SELECT count(*) >= 100 FROM txindex.transactions") == "t"; }));
  for (const pid_t pid : server_.worker_pids())
    kill(pid, SIGKILL);
  ASSERT_EQ(process.wait(), 0) << read_file(options.output_file);
  const auto json = report({0, read_file(options.output_file)});
  EXPECT_GE(json.at("reconnects").as_int64(), 1);
  const Told told = read_journals(dir_ / "journal");
  EXPECT_EQ(told.sent.size(), 2000U);
  EXPECT_EQ(told.acked, told.sent);
  EXPECT_EQ(rows(), told.sent);
}

}  // namespace
}  // namespace txindex::test
