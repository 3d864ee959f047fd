// A private PostgreSQL cluster of a test: its own data folder and a unix socket in its own folder,
// no port, gone when the test is (also when the test dies). Any number of them at once.
//
// PostgreSQL refuses to run as root: a test that is root runs it as the user `postgres`, or
// `nobody` where there is none.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/process.h"
#include "support/temp_dir.h"

namespace txindex::test {

class PostgresCluster {
 public:
  using Settings = std::map<std::string, std::string>;

  // Makes the cluster and starts it with `settings` above those of the test (small, durable).
  // TXINDEX_TEST_CACHE: a folder in which a fresh cluster is kept to be copied, which is faster
  // than initdb.
  explicit PostgresCluster(Settings settings = {});
  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  // libpq's connection string for the superuser and the database `postgres`.
  std::string conninfo() const;
  // The path of the unix socket that the server listens on.
  std::filesystem::path socket_path() const;
  // host= of a connection string.
  std::string host() const { return socket_dir_.path().string(); }
  // Its data folder.
  std::filesystem::path data_path() const { return dir_ / "data"; }
  // What the server has logged so far.
  std::string log() const;

  // Returns when the server answers. With `settings`, they replace those of the constructor.
  void start();
  void start(Settings settings);

  // While it runs: changes a setting, which later starts have too.
  void set(const std::string& name, const std::string& value);

  enum class Mode {
    fast,       // sessions are broken, then a checkpoint
    immediate,  // as a crash, but the server itself ends its processes
  };
  void stop(Mode mode = Mode::fast);
  // SIGKILL to every process of the server, as a crash of the machine's memory would; returns when
  // all are gone. What was committed must be there after start().
  void kill9();

  // Nothing of the server runs until resume(): connections stay open, nothing answers.
  void pause();
  void resume();

  // When it does not run: throws away what it has, and starts as a standby that streams from
  // `primary`, where it is called `name` (for synchronous_standby_names).
  void follow(const PostgresCluster& primary, const std::string& name);
  // Of a standby: makes it a server that takes writes; returns when it does.
  void promote();

  // Makes a file or folder the property of the user that it runs as.
  void adopt(const std::filesystem::path& path) const;

  // Whether the postmaster lives.
  bool running() const { return server_ && server_->running(); }

  // Runs a statement on a connection of its own. The first column of the first row, empty when
  // there is none or it is null. Throws what libpqxx throws.
  std::string query(const std::string& sql) const;

 private:
  std::vector<pid_t> processes() const;

  TempDir dir_;         // data folder and log
  TempDir socket_dir_;  // apart, so that the path of the socket stays short
  uid_t user_ = 0;      // 0: as the test itself
  gid_t group_ = 0;
  Settings settings_;
  std::unique_ptr<Process> server_;
};

}  // namespace txindex::test
