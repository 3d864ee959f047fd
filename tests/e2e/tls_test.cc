// TLS on the ingest port, as producers and OpenSSL's own client see it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include "chain/base64.h"
#include "support/certificates.h"
#include "support/expect.h"
#include "support/postgres.h"
#include "support/raw_client.h"
#include "support/sending.h"
#include "support/server.h"

namespace txindex::test {
namespace {

using Words = std::vector<std::string>;

class TlsTest : public testing::Test {
 protected:
  // The server's own, which a test may replace.
  void install(const Authority::Files& files) {
    namespace fs = std::filesystem;
    for (const auto& [from, to] :
         {std::pair{files.certificate, own_.certificate}, std::pair{files.key, own_.key}}) {
      fs::copy_file(from, to + ".new", fs::copy_options::overwrite_existing);
      fs::rename(to + ".new", to);
    }
  }

  std::unique_ptr<Server> start(Words flags = {}) {
    flags.insert(flags.begin(), {"--workers=2", "--roll-settle=100ms", "--tls-certificate",
                                 own_.certificate, "--tls-key", own_.key});
    return std::make_unique<Server>(database().conninfo(), flags);
  }

  Words send_words(const Server& server, const std::string& file, const Words& more) const {
    Words words = {TXINDEX_BINARY, "send",           "--json",        "--give-up", "20",
                   "--server",     server.address(), "--connections", "4",         file};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Ran send_tls(const Server& server, const std::string& file, Words more = {}) const {
    more.insert(more.begin(), {"--tls", "--tls-ca", authority_.file()});
    return run(send_words(server, file, more));
  }
  std::int64_t rows() {
    return std::stoll(database().query("SELECT count(*) FROM txindex.transactions"));
  }

  static Ran check_config(const Words& flags) {
    Words words = {TXINDEXD_BINARY, "--check-config"};
    words.insert(words.end(), flags.begin(), flags.end());
    return run(words);
  }

  // What OpenSSL's client shows of a connection on which it sends nothing.
  static Ran s_client(const Server& server, const Words& more) {
    Words words = {"openssl", "s_client", "-connect", server.address()};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }

  // Started when it is first wanted.
  PostgresCluster& database() {
    if (!postgres_) postgres_ = std::make_unique<PostgresCluster>();
    return *postgres_;
  }

  std::unique_ptr<PostgresCluster> postgres_;
  TempDir dir_;
  Authority authority_{dir_, "ours"};
  Authority stranger_{dir_, "strange"};
  Authority::Files own_{dir_ / "server.pem", dir_ / "server.key"};
};

TEST_F(TlsTest, BothModesWorkInTlsAndWhoIsNotBelievedGetsNowhere) {
  install(authority_.sign("server"));
  const auto server = start();
  const std::string file = generate(dir_, 5'000);
  const Ran sent = send_tls(*server, file);
  EXPECT_EQ(sent.status, 0) << sent.output;
  EXPECT_EQ(rows(), 5'000);

  // Line mode, by way of a client that shares no code with the project.
  const std::string transaction = read_file(TXINDEX_TEST_DATA "/solana_mainnet_1.bin");
  Process::Options options;
  options.input_file = dir_ / "line";
  options.output_file = dir_ / "answer";
  write_file(options.input_file, chain::base64::encode(as_bytes(transaction)) + "\n");
  Process lines({"openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile",
                 authority_.file(), "-connect", server->address()},
                options);
  EXPECT_TRUE(eventually([&] {
    return read_file(options.output_file).find("\ncommitted ") != std::string::npos;
  })) << read_file(options.output_file);
  EXPECT_EQ(rows(), 5'001);

  // The client asks who the server is.
  const Ran other_name = send_tls(*server, file, {"--tls-name", "db.example"});
  EXPECT_EQ(other_name.status, 1);
  EXPECT_HAS(other_name.output, "hostname mismatch");
  const Ran other_authority =
      run(send_words(*server, file, {"--tls", "--tls-ca", stranger_.file()}));
  EXPECT_EQ(other_authority.status, 1);
  EXPECT_HAS(other_authority.output, "the peer's certificate is not believed");

  // TLS 1.3 and nothing before it.
  const Ran older = s_client(*server, {"-tls1_2"});
  EXPECT_NE(older.status, 0);
  EXPECT_HAS(older.output, "alert protocol version");
  const Ran current = s_client(*server, {"-CAfile", authority_.file()});
  EXPECT_HAS(current.output, "TLSv1.3");
  EXPECT_HAS(current.output, "Verify return code: 0 (ok)");
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(TlsTest, WhoDoesNotMeetTheOtherHalfWayIsTold) {
  install(authority_.sign("server"));
  const std::string file = generate(dir_, 10);
  {
    const auto server = start();
    const Ran plain = run(send_words(*server, file, {}));
    EXPECT_EQ(plain.status, 1);
    EXPECT_HAS(plain.output, "this port takes TLS only");
    RawClient lines(server->port());
    lines.send("AAAA\n");
    EXPECT_EQ(lines.receive_line(), "error this port takes TLS only (txindex send --tls)");
    EXPECT_EQ(lines.receive_line(), std::nullopt);
    // And who begins as TLS does and goes on otherwise.
    RawClient nonsense(server->port());
    nonsense.send(RawClient::Bytes(300, 0x16));
    nonsense.half_close();
    EXPECT_TRUE(server->logs("a TLS handshake failed"));
    EXPECT_EQ(server->stop(), 0) << server->log();
  }
  Server plain(database().conninfo(), {"--workers=1"});
  const Ran tls = send_tls(plain, file);
  EXPECT_EQ(tls.status, 1);
  EXPECT_HAS(tls.output, "what the peer sends is not TLS");
  EXPECT_TRUE(plain.logs("this looks like TLS, which this port does not speak"));
  EXPECT_EQ(rows(), 0);
  EXPECT_EQ(plain.stop(), 0) << plain.log();
}

TEST_F(TlsTest, WhereClientCertificatesAreAskedForNoOtherHelps) {
  install(authority_.sign("server"));
  const auto server = start({"--tls-client-ca", authority_.file()});
  const std::string file = generate(dir_, 100);
  const Ran without = send_tls(*server, file);
  EXPECT_EQ(without.status, 1);
  EXPECT_HAS(without.output, "wants a certificate of ours");
  const auto strange = stranger_.sign("producer");
  const Ran wrong =
      send_tls(*server, file, {"--tls-certificate", strange.certificate, "--tls-key", strange.key});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_HAS(wrong.output, "unknown ca");
  EXPECT_EQ(rows(), 0);
  const auto right = authority_.sign("producer");
  const Ran sent =
      send_tls(*server, file, {"--tls-certificate", right.certificate, "--tls-key", right.key});
  EXPECT_EQ(sent.status, 0) << sent.output;
  EXPECT_EQ(rows(), 100);
  EXPECT_EQ(server->stop(), 0) << server->log();
}

TEST_F(TlsTest, WhatIsWrongWithTheFilesIsSaidByName) {
  const auto good = authority_.sign("good");
  const auto expired = authority_.sign("expired", -60);
  const auto other = authority_.sign("other");
  const auto check = [](const std::string& certificate, const std::string& key,
                        const Words& more = {}) {
    Words flags = {"--tls-certificate", certificate, "--tls-key", key};
    flags.insert(flags.end(), more.begin(), more.end());
    return check_config(flags);
  };
  EXPECT_EQ(check(good.certificate, good.key).output, "configuration ok\n");
  const auto refused = [&](const Ran& ran, const std::string& what, const std::string& why) {
    EXPECT_EQ(ran.status, 2);
    EXPECT_HAS(ran.output, what);
    EXPECT_HAS(ran.output, why);
  };
  refused(check(expired.certificate, expired.key), "tls.certificate: " + expired.certificate,
          "expired at ");
  refused(check(good.certificate, other.key), "tls.key: " + other.key, "does not match");
  refused(check(dir_ / "none", good.key), "tls.certificate: " + (dir_ / "none").string(),
          "No such file");
  refused(check(good.certificate, dir_ / "none"), "tls.key: ", "No such file");
  refused(check(good.key, good.key), "tls.certificate: " + good.key, "no certificate in PEM");
  refused(check(good.certificate, good.certificate), "tls.key: ", "no private key in PEM");
  refused(check(good.certificate, good.key, {"--tls-client-ca", good.key}),
          "tls.client_ca: " + good.key, "no certificates in PEM");
  refused(check_config({"--tls-certificate", good.certificate}), "tls.key: ", "is needed");
  refused(check_config({"--tls-client-ca", authority_.file()}), "tls.client_ca: ", "needs TLS");

  chmod(good.key.c_str(), 0644);
  const Ran warned = check(good.certificate, good.key);
  EXPECT_EQ(warned.status, 0);
  EXPECT_HAS(warned.output, good.key + " can be read or changed by every user");
}

TEST_F(TlsTest, ARollRenewsTheCertificateUnderLoadAndABadOneAbortsIt) {
  install(authority_.sign("first"));
  const auto server = start();
  const std::string file = generate(dir_, 20'000);
  Process::Options options;
  options.output_file = dir_ / "report";
  Process sending(send_words(*server, file, {"--tls", "--tls-ca", authority_.file()}), options);
  EXPECT_TRUE(eventually([&] { return rows() > 0; }));
  EXPECT_HAS(s_client(*server, {}).output, "CN = first");

  install(authority_.sign("second"));
  kill(server->pid(), SIGUSR2);
  ASSERT_TRUE(server->logs("a rolling restart is done roll=1 ")) << server->log();
  EXPECT_HAS(s_client(*server, {}).output, "CN = second");
  EXPECT_EQ(sending.wait(), 0) << read_file(options.output_file);
  EXPECT_EQ(rows(), 20'000);

  install(authority_.sign("third", -60));
  kill(server->pid(), SIGUSR2);
  EXPECT_TRUE(server->logs("a rolling restart is aborted")) << server->log();
  EXPECT_HAS(server->log(), own_.certificate + ": expired at ");
  EXPECT_HAS(s_client(*server, {}).output, "CN = second");
  EXPECT_EQ(server->stop(), 0) << server->log();
}

}  // namespace
}  // namespace txindex::test
