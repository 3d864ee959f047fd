// What the real server writes to its log: never a secret, never a peer's bytes as they came, and
// not more than a disk can take.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <sstream>

#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/sending.h"
#include "support/server.h"

namespace txindex::test {
namespace {

class LogsTest : public testing::Test {
 protected:
  // A role that must give a password, and owns the database.
  void make_writer(const std::string& password) {
    postgres_.query("CREATE ROLE writer LOGIN SUPERUSER PASSWORD '" + password + "'");
    write_file(postgres_.data_path() / "pg_hba.conf",
               "local all writer scram-sha-256\nlocal all all trust\n");
    postgres_.query("SELECT pg_reload_conf()");
  }
  std::string as_writer(const std::string& password) const {
    return "host=" + postgres_.socket_path().parent_path().string() +
           " dbname=postgres user=writer password=" + password;
  }
  static std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
      ++found;
    return found;
  }

  PostgresCluster postgres_;
};

TEST_F(LogsTest, AWrongPasswordIsAnErrorThatDoesNotSayIt) {
  make_writer("correct");
  const std::string socket = postgres_.socket_path().parent_path().string();
  for (const std::string& conninfo :
       {as_writer("zecret"), "postgresql://writer:zecret@/postgres?host=" + socket}) {
    for (const std::string format : {"text", "json"}) {
      for (const std::string migrate : {"true", "false"}) {
        Server::Options options;
        options.flags = {"--log-level", "trace", "--log-format", format,
                         "--migrate",   migrate, "--workers",    "1"};
        options.wait = false;
        Server server(conninfo, options);
        EXPECT_GT(server.process().wait(), 0);
        const std::string log = server.log();
        EXPECT_NE(log.find("password authentication failed"), std::string::npos) << log;
        EXPECT_NE(log.find("writer"), std::string::npos);
        EXPECT_EQ(log.find("zecret"), std::string::npos) << log;
      }
    }
  }
}

TEST_F(LogsTest, APasswordThatNoLongerServesIsNotSaidEither) {
  make_writer("zecret");
  Server server(as_writer("zecret"), {"--log-level", "trace", "--workers", "1"});
  postgres_.query("ALTER ROLE writer PASSWORD 'another'");
  postgres_.query(
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'writer'");
  TempDir dir;
  Sending sending(server.address(), generate(dir, 100), 1);
  EXPECT_TRUE(server.logs("password authentication failed")) << server.log();
  postgres_.query("ALTER ROLE writer PASSWORD 'zecret'");
  EXPECT_EQ(sending.wait()["committed"], 100);
  EXPECT_TRUE(server.logs("PostgreSQL goes on")) << server.log();
  EXPECT_EQ(server.stop(), 0);
  EXPECT_EQ(server.log().find("zecret"), std::string::npos) << server.log();
}

TEST_F(LogsTest, AConnectionStringThatIsWrongIsNotRepeated) {
  for (const std::string conninfo :
       {"host=/nowhere password=my zecret", "host=/nowhere password=my zecret=5",
        "postgresql://u:my@zecret@/postgres", "postgresql://u:zecret%zz@/postgres"}) {
    const Ran ran = run({TXINDEXD_BINARY, "--listen=127.0.0.1:0", "--admin=off",
                         "--log-level=trace", "--database=" + conninfo});
    EXPECT_EQ(ran.status, 2) << ran.output;
    EXPECT_NE(ran.output.find("database"), std::string::npos) << ran.output;
    EXPECT_EQ(ran.output.find("zecret"), std::string::npos) << ran.output;
  }
  // Without quotes, the shell makes several words of it.
  const Ran ran = run({TXINDEXD_BINARY, "--database", "host=/nowhere", "password=zecret"});
  EXPECT_EQ(ran.status, 2);
  EXPECT_EQ(ran.output.find("zecret"), std::string::npos) << ran.output;
}

TEST_F(LogsTest, PeersThatMakeNoSenseCannotFillIt) {
  Server server(postgres_.conninfo(), {"--workers", "1"});
  for (int i = 0; i < 300; ++i) {
    RawClient client(server.port());
    client.send("\x01\x1b[2J forged\n");
    EXPECT_TRUE(client.receive_frame()) << "ERROR";
  }
  EXPECT_EQ(server.stop(), 0);
  const std::string log = server.log();
  const std::string from = "connection failed peer=127.0.0.1:";
  const std::string repeated = "connection failed repeated=";
  EXPECT_NE(log.find(from), std::string::npos) << log;
  EXPECT_EQ(log.find("forged"), std::string::npos);
  // Every one of them is in it, itself or as a number.
  std::size_t left_out = 0;
  for (auto at = log.find(repeated); at != std::string::npos; at = log.find(repeated, at + 1))
    left_out += std::stoul(log.substr(at + repeated.size()));
  EXPECT_GT(left_out, 0U) << log;
  EXPECT_EQ(count(log, from) + left_out, 300U) << log;
}

TEST_F(LogsTest, JsonIsOneObjectALineFromEveryProcess) {
  Server server(postgres_.conninfo(), {"--workers", "2", "--log-format", "json"});
  RawClient client(server.port());
  client.send("\x01");
  EXPECT_TRUE(client.receive_frame());
  TempDir dir;
  EXPECT_EQ(send(server.address(), generate(dir, 50))["committed"], 50);
  EXPECT_EQ(server.stop(), 0);
  std::istringstream lines(server.log());
  std::map<std::string, boost::json::object> by_message;
  for (std::string line; std::getline(lines, line);) {
    boost::json::error_code problem;
    const auto parsed = boost::json::parse(line, problem);
    ASSERT_FALSE(problem) << line;
    const auto& object = parsed.as_object();
    for (const char* member : {"time", "level", "process", "pid", "message"})
      EXPECT_TRUE(object.contains(member)) << line;
    by_message[std::string(object.at("message").as_string())] = object;
  }
  ASSERT_TRUE(by_message.contains("connection failed")) << server.log();
  EXPECT_TRUE(by_message["connection failed"].at("peer").as_string().starts_with("127.0.0.1:"));
  ASSERT_TRUE(by_message.contains("partitions made")) << server.log();
  EXPECT_EQ(by_message["partitions made"].at("tables").as_int64(), 6);
}

}  // namespace
}  // namespace txindex::test
