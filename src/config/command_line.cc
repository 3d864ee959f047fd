#include "config/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

#include "config/file.h"
#include "config/settings.h"

namespace txindex::config {
namespace {

constexpr const char* kConfigVariable = "TXINDEXD_CONFIG";
constexpr const char* kTakeover = "takeover";
constexpr const char* kPasswordCredential = "database-password";

// CLI11 treats an empty variable as one that is not set, and so does everything here.
const char* variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr && *value != '\0' ? value : nullptr;
}

// --- The file ----------------------------------------------------------------------------------

// What was learnt while CLI11 had the file read.
struct FileNotes {
  std::optional<SyntaxError> error;
  struct Entry {
    int line = 0;
    std::string value;
  };
  std::map<std::string, Entry, std::less<>> entries;  // by key
};

// Reads our syntax instead of CLI11's INI. CLI11 2.1 lets the file beat the environment, so entries
// whose variable is set are checked and then held back.
class FileReader : public CLI::Config {
 public:
  explicit FileReader(FileNotes& notes) : notes_(notes) {}

  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    const auto entries = read_entries(input);
    if (!entries) refuse(entries.error());
    std::vector<CLI::ConfigItem> accepted;
    for (const auto& entry : *entries) {
      const Setting* setting = find_setting(entry.key);
      if (setting == nullptr) refuse({entry.line, unknown(entry.key)});
      config::Config scratch;
      if (auto ok = setting->read(scratch, entry.value); !ok) {
        refuse({entry.line, entry.key + ": " + ok.error().message});
      }
      notes_.entries[entry.key] = {entry.line, entry.value};
      if (variable(setting->environment()) != nullptr) continue;
      CLI::ConfigItem item;
      item.name = setting->flag().substr(2);
      item.inputs = {entry.value};
      accepted.push_back(std::move(item));
    }
    return accepted;
  }

 private:
  static std::string unknown(const std::string& key) {
    const auto nearest = nearest_key(key);
    return key + ": there is no such key" +
           (nearest.empty() ? "; txindexd --print-config shows all"
                            : "; did you mean " + std::string(nearest) + "?");
  }

  // CLI11 holds a FileError back until it knows that no help was asked for.
  [[noreturn]] void refuse(SyntaxError error) const {
    notes_.error = std::move(error);
    throw CLI::FileError("refused");
  }

  FileNotes& notes_;
};

// --- The help ----------------------------------------------------------------------------------

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool) const override {
    const std::string value = option->get_expected_max() == 0 ? "" : " " + option->get_type_name();
    return "  " + option->get_name() + value + "\n" +
           wrapped(option->get_description(), "      ", 96);
  }
  std::string make_group(std::string group, bool,
                         std::vector<const CLI::Option*> options) const override {
    std::string out = group + "\n";
    for (const auto* option : options)
      out += make_option(option, false);
    return out;
  }
  std::string make_subcommands(const CLI::App*, CLI::AppFormatMode) const override { return ""; }
  std::string make_usage(const CLI::App*, std::string) const override {
    return "\n"
           "  txindexd [--config FILE] [flags]     run the server\n"
           "  txindexd migrate [flags]             bring the schema up to date, then exit\n"
           "\n"
           "Every setting is a flag, a key in the file and a variable in the environment: the "
           "flag\n"
           "--index-level is the key index.level and the variable TXINDEXD_INDEX_LEVEL. A flag "
           "beats\n"
           "the environment, which beats the file. The file has lines of the form key = value.\n"
           "A DURATION without a unit is seconds; units are us, ms, s, min, h and d. A SIZE "
           "without a\n"
           "unit is bytes; units are KiB, MiB, GiB, KB, MB and GB.\n\n";
  }
};

std::string help_of(const Setting& setting) {
  std::string help = setting.help;
  // A placeholder such as true|false says it all.
  const bool said = setting.allowed.empty() || setting.placeholder.find('|') != std::string::npos;
  if (!said) help += " Takes " + setting.allowed + ".";
  const std::string value = setting.write(Config());
  return help + " Default: " + (value.empty() ? "empty" : value) + ".";
}

// --- Environment and errors --------------------------------------------------------------------

// A warning, not an error: Kubernetes sets variables such as TXINDEXD_SERVICE_HOST by itself for a
// service of that name.
std::vector<std::string> unknown_variables() {
  std::set<std::string> known = {kConfigVariable};
  for (const auto& setting : settings())
    known.insert(setting.environment());
  std::vector<std::string> warnings;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry = *at;
    const std::string name(entry.substr(0, entry.find('=')));
    if (name.starts_with(kEnvironmentPrefix) && !known.contains(name)) {
      warnings.push_back(name + " in the environment is not a setting of txindexd; ignored");
    }
  }
  return warnings;
}

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// Values are not repeated: of a connection string without quotes the shell makes several words, and
// one of them may be the password.
std::string unexpected(const std::vector<std::string>& words) {
  for (const auto& word : words) {
    if (word.starts_with('-')) {
      return word.substr(0, word.find('=')) + ": there is no such flag; txindexd --help shows all";
    }
  }
  const std::string word = words.empty() ? "" : words.front();
  const auto value = word.find('=');
  return "'" + word.substr(0, value) + (value == std::string::npos ? "" : "=...") +
         "' was not expected; see txindexd --help";
}

Failure file_failure(const std::string& path, const FileNotes& notes) {
  if (notes.error) {
    const auto& [line, message] = *notes.error;
    return configuration_failure(path + ":" + (line > 0 ? std::to_string(line) + ":" : "") + " " +
                                 message);
  }
  const bool denied = ::access(path.c_str(), R_OK) != 0;
  return configuration_failure(
      path + ": cannot be read: " + (denied ? std::strerror(errno) : "not a file"));
}

// The password that systemd passes by LoadCredential= or SetCredential=; empty: none.
std::string password_credential() {
  const char* folder = variable("CREDENTIALS_DIRECTORY");
  if (folder == nullptr) return {};
  std::string path = std::string(folder) + "/" + kPasswordCredential;
  return ::access(path.c_str(), F_OK) == 0 ? path : "";
}

// --- The definition ----------------------------------------------------------------------------

struct Definition {
  CLI::App app{"txindexd indexes signed blockchain transactions from TCP into PostgreSQL."};
  FileNotes notes;
  CLI::Option* config_file = nullptr;
  std::vector<CLI::Option*> options;  // in the order of settings()
  std::vector<std::string> values = std::vector<std::string>(settings().size());
  CLI::App* migrate = nullptr;
  CLI::App* worker = nullptr;
  CLI::App* admin = nullptr;
  CLI::App* takeover = nullptr;
  ChildArguments child;
  std::string child_listen;
  TakeoverArguments takeover_arguments;
  bool check_config = false;
  bool print_config = false;
  bool version = false;

  Definition();
};

Definition::Definition() {
  app.name("txindexd");
  app.formatter(std::make_shared<HelpFormatter>());
  app.config_formatter(std::make_shared<FileReader>(notes));
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.set_help_flag("-h,--help", "Show this help.")->group("Commands");

  const char* path = variable(kConfigVariable);
  // Required once it is named, by whatever means: a file that is missing is never passed over.
  config_file =
      app.set_config("--config", path != nullptr ? path : "",
                     "File to read settings from. Variable: TXINDEXD_CONFIG.", path != nullptr);
  config_file->type_name("FILE")->group("Commands");
  app.add_flag("--check-config", check_config, "Check the configuration, then exit.")
      ->group("Commands");
  app.add_flag("--print-config", print_config,
               "Print every setting with its value, as a file for --config, then exit. The output "
               "holds the database password, if one is configured.")
      ->group("Commands");
  app.add_flag("--version", version, "Print the version, then exit.")->group("Commands");

  for (std::size_t i = 0; i < settings().size(); ++i) {
    const auto& setting = settings()[i];
    options.push_back(app.add_option(setting.flag(), values[i], help_of(setting))
                          ->envname(setting.environment())
                          ->type_name(std::string(setting.placeholder))
                          ->group(std::string(setting.group)));
  }

  app.require_subcommand(0, 1);
  migrate = app.add_subcommand("migrate", "Bring the schema up to date, then exit.");
  worker = app.add_subcommand("worker")->group("");
  admin = app.add_subcommand("admin")->group("");
  takeover = app.add_subcommand(kTakeover)->group("");
  for (auto* subcommand : {migrate, worker, admin, takeover})
    subcommand->fallthrough()->set_help_flag();
  for (auto* subcommand : {worker, admin}) {
    subcommand->add_option("--slot", child.slot)->required();
    subcommand->add_option("--side", child.side)->required();
    subcommand->add_option("--generation", child.generation)->required();
    subcommand->add_option("--control-fd", child.control_fd)->required();
    subcommand->add_option("--stats-fd", child.stats_fd)->required();
    subcommand->add_option("--listen-fd", child.listen_fd);
    subcommand->add_option("--listen-address", child_listen)->required();
    subcommand->add_flag("--patient", child.patient);
  }
  takeover->add_option("--state-fd", takeover_arguments.state_fd)->required();
  takeover->add_flag("--check", takeover_arguments.check);
  takeover->add_option("--control-fd", takeover_arguments.control_fd);
}

// The setting, and where its value came from, as an error names it.
std::string name_of(const Setting& setting, const std::string& value, const std::string& path,
                    const FileNotes& notes) {
  const std::string key(setting.key);
  const char* from_environment = variable(setting.environment());
  if (from_environment != nullptr && value == from_environment) {
    return setting.environment() + " in the environment: " + key;
  }
  const auto entry = notes.entries.find(setting.key);
  if (entry != notes.entries.end() && from_environment == nullptr && value == entry->second.value) {
    return path + ":" + std::to_string(entry->second.line) + ": " + key;
  }
  return setting.flag();
}

result<Config> gather(const Definition& definition, const std::string& path) {
  Config config;
  std::map<std::string, std::string, std::less<>> names;
  for (std::size_t i = 0; i < settings().size(); ++i) {
    const auto& setting = settings()[i];
    if (definition.options[i]->count() == 0) continue;
    const std::string& value = definition.values[i];
    const std::string& name = names[std::string(setting.key)] =
        name_of(setting, value, path, definition.notes);
    if (auto ok = setting.read(config, value); !ok)
      return configuration_failure(name + ": " + ok.error().message);
  }
  if (config.database_password_file.empty()) config.database_password_file = password_credential();
  if (const auto wrong = contradiction(config)) {
    const auto name = names.find(wrong->key);
    return configuration_failure((name == names.end() ? std::string(wrong->key) : name->second) +
                                 ": " + wrong->message);
  }
  return config;
}

}  // namespace

result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  Definition definition;
  CommandLine line;
  std::string path;
  const auto file = [&] {
    return definition.config_file->count() > 0 ? definition.config_file->results().back()
                                               : variable(kConfigVariable);
  };
  try {
    definition.app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.command = Command::help;
    line.help = definition.app.help();
    return line;
  } catch (const CLI::ExtrasError&) {
    return configuration_failure(unexpected(definition.app.remaining()));
  } catch (const CLI::FileError&) {
    if (!definition.version) return file_failure(file(), definition.notes);
  } catch (const CLI::Error& error) {
    return configuration_failure(one_line(error.what()) + " (txindexd --help shows all flags)");
  }
  if (definition.version) {
    line.command = Command::version;
    return line;
  }
  if (definition.config_file->count() > 0) path = file();

  auto config = gather(definition, path);
  if (!config) return config.error();
  line.config = *std::move(config);
  line.warnings = unknown_variables();
  if (definition.check_config) {
    line.command = Command::check_config;
  } else if (definition.print_config) {
    line.command = Command::print_config;
  } else if (definition.migrate->parsed()) {
    line.command = Command::migrate;
  } else if (definition.takeover->parsed()) {
    line.command = Command::takeover;
    line.takeover = definition.takeover_arguments;
  } else if (definition.worker->parsed() || definition.admin->parsed()) {
    auto listen = parse_endpoint(definition.child_listen);
    if (!listen) return configuration_failure("--listen-address: " + listen.error().message);
    line.command = definition.worker->parsed() ? Command::worker : Command::admin;
    line.child = definition.child;
    line.child.listen = *std::move(listen);
  }
  return line;
}

namespace {

// How a child that serves strangers has no business to connect: how to become the owner of the
// schema; for the admin process, to the database at all.
bool is_hidden(Command child, const std::string& flag) {
  static constexpr std::array<std::string_view, 2> kOwner = {"--migrate-database",
                                                             "--migrate-password-file"};
  static constexpr std::array<std::string_view, 2> kIngest = {"--database",
                                                              "--database-password-file"};
  const auto is_in = [&](const auto& flags) {
    return std::find(flags.begin(), flags.end(), flag) != flags.end();
  };
  return is_in(kOwner) || (child == Command::admin && is_in(kIngest));
}

}  // namespace

std::vector<std::string> child_command_line(Command command, const ChildArguments& child,
                                            const std::vector<std::string>& original) {
  std::vector<std::string> words = {command == Command::admin ? "admin" : "worker",
                                    "--slot=" + std::to_string(child.slot),
                                    "--side=" + std::to_string(child.side),
                                    "--generation=" + std::to_string(child.generation),
                                    "--control-fd=" + std::to_string(child.control_fd),
                                    "--stats-fd=" + std::to_string(child.stats_fd),
                                    "--listen-address=" + to_string(child.listen)};
  if (child.listen_fd >= 0) words.push_back("--listen-fd=" + std::to_string(child.listen_fd));
  if (child.patient) words.emplace_back("--patient");
  for (std::size_t i = 0; i < original.size(); ++i) {
    const std::string& word = original[i];
    const std::string flag = word.substr(0, word.find('='));
    if (!is_hidden(command, flag)) {
      words.push_back(word);
    } else if (flag == word) {
      ++i;  // its value is the next word
    }
  }
  return words;
}

std::vector<std::string> hidden_variables(Command child) {
  std::vector<std::string> names;
  for (const auto& setting : settings())
    if (is_hidden(child, setting.flag())) names.push_back(setting.environment() + "=");
  if (child == Command::admin) names.emplace_back("PGPASSWORD=");
  return names;
}

std::vector<std::string> takeover_command_line(const TakeoverArguments& takeover,
                                               const std::vector<std::string>& original) {
  std::vector<std::string> words = {kTakeover, "--state-fd=" + std::to_string(takeover.state_fd)};
  if (takeover.check) {
    words.emplace_back("--check");
    words.push_back("--control-fd=" + std::to_string(takeover.control_fd));
  }
  words.insert(words.end(), original.begin(), original.end());
  return words;
}

std::vector<std::string> original_arguments(std::vector<std::string> words) {
  if (words.size() >= 2 && words.front() == kTakeover)
    words.erase(words.begin(), words.begin() + 2);
  return words;
}

}  // namespace txindex::config
