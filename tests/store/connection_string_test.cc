#include "store/connection_string.h"

#include <gtest/gtest.h>

#include "support/process.h"
#include "support/temp_dir.h"

namespace txindex::store {
namespace {

TEST(ConnectionString, NamesTheAddressAndNeverThePassword) {
  for (const std::string text : {"host=db.example port=5433 dbname=chain user=a password=secret",
                                 "postgresql://a:secret@db.example:5433/chain"}) {
    const auto parsed = parse_connection_string(text);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->address, "db.example:5433/chain");
    EXPECT_EQ(parsed->address.find("secret"), std::string::npos);
  }
}

TEST(ConnectionString, KeepsWhatItIsGivenAndAddsTimeouts) {
  const auto parsed = parse_connection_string("host=h connect_timeout=77 password='a\\'b\\\\c d'");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_NE(parsed->options.find("connect_timeout='77'"), std::string::npos) << parsed->options;
  EXPECT_NE(parsed->options.find("tcp_user_timeout='30000'"), std::string::npos);
  EXPECT_NE(parsed->options.find("password='a\\'b\\\\c d'"), std::string::npos);
}

// --- A password in a file of its own -----------------------------------------------------------

class PasswordFile : public testing::Test {
 protected:
  // What libpq gets for the file with this text.
  std::string given(const std::string& text, std::string conninfo = "host=h user=u") {
    test::write_file(path(), text);
    if (auto ok = add_password(conninfo, path()); !ok) return ok.error().message;
    return parse_connection_string(conninfo)->options;
  }

  void expect_refused(const std::string& text, const std::string& why,
                      std::string conninfo = "host=h user=u") {
    test::write_file(path(), text);
    const std::string before = conninfo;
    const auto added = add_password(conninfo, path());
    ASSERT_FALSE(added) << conninfo;
    EXPECT_EQ(conninfo, before);
    EXPECT_EQ(added.error().exit_status, kExitConfiguration);
    EXPECT_NE(added.error().message.find(path()), std::string::npos) << added.error().message;
    EXPECT_NE(added.error().message.find(why), std::string::npos) << added.error().message;
    EXPECT_EQ(added.error().message.find("sesame"), std::string::npos) << added.error().message;
  }

  std::string path() const { return dir_ / "password"; }

 private:
  test::TempDir dir_;
};

TEST_F(PasswordFile, ItsFirstLineIsThePassword) {
  for (const std::string text : {"sesame", "sesame\n", "sesame\r\n", "sesame\nand more\n"}) {
    const std::string options = given(text);
    EXPECT_NE(options.find("password='sesame' "), std::string::npos) << options;
    EXPECT_NE(options.find("host='h' "), std::string::npos) << options;
    EXPECT_NE(options.find("user='u' "), std::string::npos) << options;
  }
  EXPECT_NE(given(" a'b\\c = d \n").find("password=' a\\'b\\\\c = d ' "), std::string::npos);
  const std::string longest(1024, 'x');
  EXPECT_NE(given(longest + "\r\n").find("password='" + longest + "' "), std::string::npos);
}

TEST_F(PasswordFile, GoesWithAUriAndWithAnEmptyConnectionString) {
  const std::string uri = given("p/w@%\n", "postgresql://u@h:5433/chain?sslmode=require");
  for (const char* part : {"password='p/w@%' ", "user='u' ", "host='h' ", "port='5433' ",
                           "dbname='chain' ", "sslmode='require' "}) {
    EXPECT_NE(uri.find(part), std::string::npos) << part << "is not in " << uri;
  }
  EXPECT_NE(given("sesame\n", "").find("password='sesame' "), std::string::npos);
}

TEST_F(PasswordFile, WithoutOneNothingChanges) {
  for (const std::string before : {"host=h password=sesame", ""}) {
    std::string conninfo = before;
    ASSERT_TRUE(add_password(conninfo, ""));
    EXPECT_EQ(conninfo, before);
  }
}

TEST_F(PasswordFile, ThatIsNoPasswordIsRefusedAndNamed) {
  expect_refused("", "the first line is empty");
  expect_refused("\nsesame\n", "the first line is empty");
  expect_refused("\r\n", "the first line is empty");
  expect_refused(std::string("sesame\0x", 8), "NUL");
  // Not by +, in which g++ 12 sees bounds that are not there.
  std::string too_long(1026, 'x');
  too_long.back() = '\n';
  expect_refused(too_long, "longer than 1024 bytes");
  expect_refused(std::string(100'000, 'x'), "longer than 1024 bytes");
}

TEST_F(PasswordFile, BesideAnotherPasswordIsRefused) {
  expect_refused("sesame\n", "remove one of them", "host=h password=sesame");
  expect_refused("sesame\n", "remove one of them", "postgresql://u:sesame@h/d");
}

TEST_F(PasswordFile, ThatCannotBeReadIsNamedWithTheReason) {
  std::string conninfo = "host=h";
  const auto absent = add_password(conninfo, path());
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().message,
            "database.password_file: " + path() + ": cannot be read: No such file or directory");
  EXPECT_EQ(absent.error().exit_status, kExitConfiguration);
  const auto folder = add_password(conninfo, "/");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().message, "database.password_file: /: cannot be read: Is a directory");
}

TEST(ConnectionString, ThatLibpqCannotReadIsAnErrorOfConfiguration) {
  const auto parsed = parse_connection_string("hots=typo");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().exit_status, kExitConfiguration);
  EXPECT_NE(parsed.error().message.find("hots"), std::string::npos);
  EXPECT_NE(parsed.error().message.find("did you mean host?"), std::string::npos);
}

// A password that was not quoted or percent-encoded: libpq would repeat a part of it as something
// that it does not understand, or take it for the host, the port or the database.
TEST(ConnectionString, APartOfAPasswordIsNeverShownAsSomethingElse) {
  for (const std::string text :
       {"host=h password=my zecret", "host=h password=my zecret=5", "host=h password='zecret",
        "postgresql://u:my@zecret@h/db", "postgresql://u:my/zecret@h/db",
        "postgresql://u:zecret/my@h/db", "postgresql://u:12/zecret@h/db",
        "postgresql://u:zecret%zz@h/db", "postgresql://u:zecret@[::1/db",
        "postgresql://u:zecret/db", "postgresql://u:my@h:zecret/db", "postgres://u:my@h/db?zecret",
        "my zecret", "dbname=postgresql://u:zecret@h/db", "dbname='host=h password=zecret'"}) {
    const auto parsed = parse_connection_string(text);
    if (parsed) {
      EXPECT_EQ(parsed->address.find("zecret"), std::string::npos) << parsed->address;
      ADD_FAILURE() << "taken: " << text;
      continue;
    }
    EXPECT_EQ(parsed.error().exit_status, kExitConfiguration);
    EXPECT_EQ(parsed.error().message.find("zecret"), std::string::npos) << parsed.error().message;
  }
  for (const std::string text :
       {"postgresql://u:my%40se%2Fcret@h/db", "postgresql:///db?host=/run/postgresql",
        "postgresql://h1:1,h2:2/db", "postgresql://u@h/db?password=a@b", "host=@abstract",
        "postgresql://u:q?w@h/db"}) {
    EXPECT_TRUE(parse_connection_string(text)) << text;
  }
}

}  // namespace
}  // namespace txindex::store
