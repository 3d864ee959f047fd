#include <gtest/gtest.h>

#include "txindex/endpoint.h"

namespace txindex {
namespace {

TEST(Endpoint, TakesNamesAddressesAndBracketedIpv6) {
  EXPECT_EQ(*parse_endpoint("127.0.0.1:9400"), (Endpoint{"127.0.0.1", 9400}));
  EXPECT_EQ(*parse_endpoint("db-1.example.org:1"), (Endpoint{"db-1.example.org", 1}));
  EXPECT_EQ(*parse_endpoint("[::1]:9400"), (Endpoint{"::1", 9400}));
  EXPECT_EQ(*parse_endpoint("[fe80::1%eth0]:65535"), (Endpoint{"fe80::1%eth0", 65535}));
  EXPECT_EQ(*parse_endpoint("localhost:0"), (Endpoint{"localhost", 0}));
}

TEST(Endpoint, ComesBackAsItWasWritten) {
  for (const char* text : {"127.0.0.1:9400", "[::1]:9400", "localhost:0"}) {
    EXPECT_EQ(to_string(*parse_endpoint(text)), text);
  }
}

TEST(Endpoint, RefusesWhatIsNotHostAndPort) {
  for (const char* text : {"",
                           ":",
                           "localhost",
                           "localhost:",
                           ":9400",
                           "localhost:65536",
                           "localhost:-1",
                           "localhost:+1",
                           "localhost:0x10",
                           "localhost: 1",
                           "localhost:1 ",
                           "localhost:99999999999999",
                           "::1:9400",
                           "[::1]",
                           "[::1:9400",
                           "[]:9400",
                           "[localhost]:9400",
                           "[::1]]:9400",
                           "a b:1",
                           "[:1",
                           "[:",
                           "]:1"}) {
    const auto parsed = parse_endpoint(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().exit_status, kExitConfiguration);
    EXPECT_NE(parsed.error().message.find("expected HOST:PORT"), std::string::npos);
  }
}

}  // namespace
}  // namespace txindex
