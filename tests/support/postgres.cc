#include "support/postgres.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <pqxx/pqxx>
#include <sstream>
#include <stdexcept>

namespace txindex::test {
namespace {

namespace fs = std::filesystem;

// The newest PostgreSQL of Debian's layout, else what is on the PATH.
std::string binary(const std::string& name) {
  int newest = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const int version = std::atoi(entry.path().filename().c_str());
    if (fs::exists(entry.path() / "bin" / name)) newest = std::max(newest, version);
  }
  if (newest == 0) return name;
  return "/usr/lib/postgresql/" + std::to_string(newest) + "/bin/" + name;
}

void give_to(const fs::path& path, uid_t user, gid_t group) {
  if (user != 0 && chown(path.c_str(), user, group) != 0) {
    throw std::runtime_error("chown " + path.string());
  }
}

void run_or_throw(std::vector<std::string> command, uid_t user, gid_t group) {
  const std::string name = command.front();
  Process::Options options;
  options.run_as = user;
  options.group = group;
  const Ran ran = run(std::move(command), options);
  if (ran.status != 0) throw std::runtime_error(name + ": " + ran.output);
}

void initdb(const fs::path& data, uid_t user, gid_t group) {
  run_or_throw({binary("initdb"), "--no-sync", "--auth=trust", "--username=postgres",
                "--encoding=UTF8", "--locale=C.UTF-8", "--pgdata=" + data.string()},
               user, group);
}

// A fresh cluster made once in the cache folder, by whichever test comes first.
void copy_from_cache(const fs::path& cache, const fs::path& data, uid_t user, gid_t group) {
  fs::create_directories(cache);
  const std::string lock_path = cache / "lock";
  const int lock = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock < 0 || flock(lock, LOCK_EX) != 0) throw std::runtime_error("lock " + lock_path);
  std::string version = binary("initdb") + "-" + std::to_string(user == 0 ? getuid() : user);
  std::replace(version.begin(), version.end(), '/', '_');
  const fs::path kept = cache / version;
  if (!fs::exists(kept)) {
    initdb(data, user, group);
    const fs::path unfinished = kept.string() + ".unfinished";
    fs::remove_all(unfinished);
    run_or_throw({"cp", "-a", data, unfinished}, 0, 0);
    fs::rename(unfinished, kept);
  } else {
    run_or_throw({"cp", "-a", kept, data}, 0, 0);
  }
  close(lock);
}

void add_descendants(pid_t pid, std::vector<pid_t>& all) {
  all.push_back(pid);
  const std::string task = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid);
  std::ifstream children(task + "/children");
  for (pid_t child = 0; children >> child;)
    add_descendants(child, all);
}

bool gone(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string word;
  char state = 'Z';
  if (stat >> word) {
    // "pid (name) state": the name may hold spaces.
    std::string rest;
    std::getline(stat, rest);
    const auto end = rest.rfind(')');
    if (end != std::string::npos && end + 2 < rest.size()) state = rest[end + 2];
  }
  return state == 'Z' || state == 'X';
}

// The System V segment that tells PostgreSQL of its predecessor's survivors, by the last line but
// one of postmaster.pid: "key id". After SIGKILL it stays, and a machine has only so many of them.
void remove_shared_memory(const fs::path& data) {
  std::ifstream file(data / "postmaster.pid");
  constexpr int kLine = 7;
  std::string line;
  for (int i = 0; i < kLine; ++i)
    std::getline(file, line);
  std::istringstream words(line);
  unsigned long key = 0;
  int id = -1;
  if (!(words >> key >> id)) return;
  shmid_ds segment{};
  const bool unused = shmctl(id, IPC_STAT, &segment) == 0 && segment.shm_nattch == 0 &&
                      static_cast<unsigned long>(segment.shm_perm.__key) == key;
  if (unused) shmctl(id, IPC_RMID, nullptr);
}

const PostgresCluster::Settings kBaseSettings = {
    {"port", "5432"},          {"listen_addresses", "''"},   {"shared_buffers", "64MB"},
    {"max_connections", "60"}, {"log_min_messages", "info"}, {"deadlock_timeout", "200ms"},
};

}  // namespace

PostgresCluster::PostgresCluster(Settings settings) : settings_(std::move(settings)) {
  if (getuid() == 0) {
    const passwd* user = getpwnam("postgres");
    if (user == nullptr) user = getpwnam("nobody");
    if (user == nullptr) throw std::runtime_error("no user to run PostgreSQL as");
    user_ = user->pw_uid;
    group_ = user->pw_gid;
  }
  give_to(dir_.path(), user_, group_);
  give_to(socket_dir_.path(), user_, group_);
  const fs::path data = dir_ / "data";
  const char* cache = getenv("TXINDEX_TEST_CACHE");
  if (cache != nullptr && *cache != '\0') {
    copy_from_cache(cache, data, user_, group_);
  } else {
    initdb(data, user_, group_);
  }
  start();
}

PostgresCluster::~PostgresCluster() {
  try {
    if (server_ && server_->running()) kill9();
    remove_shared_memory(dir_ / "data");
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "%s\n", problem.what());
  }
}

std::string PostgresCluster::conninfo() const {
  const std::string port = settings_.contains("port") ? " port=" + settings_.at("port") : "";
  return "host=" + socket_dir_.path().string() + port + " user=postgres dbname=postgres";
}

fs::path PostgresCluster::socket_path() const {
  return socket_dir_ / (".s.PGSQL." + (settings_.contains("port") ? settings_.at("port") : "5432"));
}

std::string PostgresCluster::log() const {
  return read_file(dir_ / "log");
}

void PostgresCluster::start(Settings settings) {
  settings_ = std::move(settings);
  start();
}

void PostgresCluster::start() {
  Settings all = settings_;
  all.insert(kBaseSettings.begin(), kBaseSettings.end());
  std::ofstream conf(dir_ / "data" / "postgresql.auto.conf", std::ios::trunc);
  for (const auto& [name, value] : all)
    conf << name << " = " << value << "\n";
  conf << "unix_socket_directories = '" << socket_dir_.path().string() << "'\n";
  conf.close();

  Process::Options options;
  options.output_file = dir_ / "log";
  options.run_as = user_;
  options.group = group_;
  options.death_signal = SIGQUIT;
  server_ = std::make_unique<Process>(
      std::vector<std::string>{binary("postgres"), "-D", dir_ / "data"}, options);
  const bool ready = eventually([this] {
    if (!server_->running()) throw std::runtime_error("PostgreSQL ended: " + log());
    try {
      query("SELECT 1");
      return true;
    } catch (const pqxx::failure&) {
      return false;
    }
  });
  if (!ready) throw std::runtime_error("PostgreSQL does not answer: " + log());
}

void PostgresCluster::set(const std::string& name, const std::string& value) {
  settings_[name] = value;
  query("ALTER SYSTEM SET " + name + " = " + value);
  query("SELECT pg_reload_conf()");
}

void PostgresCluster::stop(Mode mode) {
  server_->signal(mode == Mode::fast ? SIGINT : SIGQUIT);
  if (server_->wait() == -1) throw std::runtime_error("PostgreSQL does not stop: " + log());
}

void PostgresCluster::follow(const PostgresCluster& primary, const std::string& name) {
  const fs::path data = data_path();
  fs::remove_all(data);
  run_or_throw({binary("pg_basebackup"), "--pgdata=" + data.string(), "--checkpoint=fast",
                "--no-sync", "--host=" + primary.host(), "--username=postgres"},
               user_, group_);
  const fs::path signal = data / "standby.signal";
  write_file(signal, "");
  adopt(signal);
  settings_["primary_conninfo"] =
      "'host=" + primary.host() + " user=postgres application_name=" + name + "'";
  start();
}

void PostgresCluster::promote() {
  if (query("SELECT pg_promote(true, 60)") != "t") {
    throw std::runtime_error("the standby is not promoted: " + log());
  }
}

void PostgresCluster::adopt(const fs::path& path) const {
  give_to(path, user_, group_);
}

std::vector<pid_t> PostgresCluster::processes() const {
  std::vector<pid_t> all;
  add_descendants(server_->pid(), all);
  return all;
}

void PostgresCluster::kill9() {
  // Stopped first, so that it starts no process that the list does not have.
  server_->signal(SIGSTOP);
  const auto all = processes();
  for (const pid_t pid : all)
    kill(pid, SIGKILL);
  server_->wait();
  const bool ended = eventually(
      [&all] { return std::all_of(all.begin(), all.end(), [](pid_t p) { return gone(p); }); });
  if (!ended) throw std::runtime_error("PostgreSQL outlives SIGKILL");
}

void PostgresCluster::pause() {
  server_->signal(SIGSTOP);
  for (const pid_t pid : processes())
    kill(pid, SIGSTOP);
}

void PostgresCluster::resume() {
  for (const pid_t pid : processes())
    kill(pid, SIGCONT);
}

std::string PostgresCluster::query(const std::string& sql) const {
  pqxx::connection connection(conninfo());
  pqxx::nontransaction work(connection);
  const pqxx::result rows = work.exec(sql);
  if (rows.empty() || rows[0].size() == 0 || rows[0][0].is_null()) return "";
  return rows[0][0].c_str();
}

}  // namespace txindex::test
