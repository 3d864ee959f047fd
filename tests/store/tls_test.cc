// sslmode of the connection string: who the server is can be made sure of, and a server that is not
// that one is refused with the reason in one line.
#include <gtest/gtest.h>

#include "store/store_fixture.h"
#include "support/tls_postgres.h"

namespace txindex::store {
namespace {

PgStore::Options options(const std::string& conninfo) {
  PgStore::Options o;
  o.conninfo = conninfo;
  return o;
}

std::string trusting(const test::Authority& authority, const std::string& mode = "verify-full") {
  return "sslmode=" + mode + " sslrootcert=" + authority.file();
}

void expect_refused(const std::string& conninfo, const std::string& why) {
  const auto probed = PgStore::probe(options(conninfo));
  ASSERT_FALSE(probed) << conninfo;
  const std::string& said = probed.error().message;
  EXPECT_TRUE(said.starts_with("localhost:")) << said;
  EXPECT_NE(said.find(why), std::string::npos) << said;
  EXPECT_EQ(said.find('\n'), std::string::npos) << said;
}

TEST(Tls, VerifyFullWritesToTheServerOfThatNameAndAuthority) {
  test::TlsPostgres postgres;
  ASSERT_TRUE(migrate(postgres.conninfo(trusting(postgres.authority())), std::chrono::hours(1)));
  stats::Block block{};
  test::SampleRows sample(1);
  PgStore store(options(postgres.conninfo(trusting(postgres.authority()))), block);
  auto rows = sample.make_many(10);
  ASSERT_TRUE(store.write(rows));
  for (const Row& row : rows)
    EXPECT_EQ(row.outcome, wire::Outcome::committed);
  EXPECT_EQ(postgres.cluster().query(
                "SELECT string_agg(DISTINCT s.version, ' ') FROM pg_stat_ssl s JOIN"
                " pg_stat_activity a USING (pid) WHERE a.application_name = 'txindexd' AND s.ssl"),
            "TLSv1.3");
}

TEST(Tls, AnotherAuthorityAnotherNameAndNoTlsAreRefused) {
  test::TlsPostgres postgres;
  ASSERT_TRUE(migrate(postgres.cluster().conninfo(), std::chrono::hours(1)));
  const test::TempDir dir;
  const test::Authority stranger(dir, "stranger");
  expect_refused(postgres.conninfo(trusting(stranger)), "certificate verify failed");
  expect_refused(postgres.conninfo(trusting(stranger, "verify-ca")), "certificate verify failed");
  expect_refused(postgres.conninfo("sslmode=verify-full sslrootcert=/nowhere/ca.crt"),
                 "/nowhere/ca.crt");
  expect_refused(postgres.conninfo("sslmode=disable"), "no encryption");

  test::TlsPostgres another("db.example");
  ASSERT_TRUE(migrate(another.cluster().conninfo(), std::chrono::hours(1)));
  expect_refused(another.conninfo(trusting(another.authority())),
                 "\"db.example\" does not match host name \"localhost\"");
  EXPECT_TRUE(
      PgStore::probe(options(another.conninfo(trusting(another.authority(), "verify-ca")))));
}

}  // namespace
}  // namespace txindex::store
