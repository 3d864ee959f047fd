// txindex: the tools around a server. Each command is a function in src/tools; here stands what
// can be typed.
//
// Exit status: 0 full success, 1 failure (of a transaction, too), 2 wrong usage; above that, what
// the help of a command says.
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "access/tokens.h"
#include "text/edit_distance.h"
#include "tools/command.h"
#include "tools/gen.h"
#include "tools/load.h"
#include "tools/send.h"
#include "tools/server_options.h"
#include "tools/token.h"
#include "tools/verify.h"
#include "version.h"

namespace txindex::tools {
namespace {

const std::map<std::string, Mix> kMixes = {{"transfer", Mix::transfer}, {"mixed", Mix::mixed}};

// Runs a command with the server's address and what the server asks for.
template <typename Options, typename Run>
int with_access(Options& options, const ServerFlags& flags, Run command) {
  auto access = read_access(flags);
  if (!access) return tell(access.error());
  options.server = access->server;
  options.token = std::move(access->token);
  options.tls = std::move(access->tls);
  options.tls_name = std::move(access->tls_name);
  return status_of(command(options));
}

constexpr auto kFewest = 1U;
constexpr auto kMostThreads = 1024U;
constexpr std::uint64_t kMostCount = std::uint64_t{1} << 40;
// So that the last is of the year 9999 too, which PostgreSQL's partitions can say.
constexpr std::uint64_t kMostTimeUs = 253'402'300'799'999'999 - kMostCount;

void add_gen(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<GenOptions>();
  CLI::App* gen_app = app.add_subcommand("gen", "Make signed Solana transactions to send");
  gen_app->footer(R"(
Each transaction has a time stamp, one microsecond after the one before, so that the file can be
sent again at any time and stored once.

  txindex gen --count 200000 --out tx.txs && txindex send tx.txs
  txindex gen --count 1000 --line | nc -N 127.0.0.1 9400
  txindex gen --count 10 --seed 7 --time 1700000000000000 --out -   always the same bytes)");
  gen_app->add_option("--count", options->count, "How many")
      ->check(whole_number(kMostCount))
      ->required();
  gen_app->add_option("--out", options->out, "Where to: a file, or - for standard output")
      ->capture_default_str();
  gen_app->add_option("--seed", options->seed, "Same seed, same transactions; default: a new one")
      ->check(whole_number(UINT64_MAX));
  gen_app->add_option("--accounts", options->accounts, "Different fee payers")
      ->check(CLI::Range(1U, 10'000'000U))
      ->capture_default_str();
  auto* mix =
      gen_app
          ->add_option(
              "--mix", options->mix,
              "transfer: payments with one signature; mixed: some with a memo, two signers, "
              "version 0, version 1 among them")
          ->transform(CLI::CheckedTransformer(kMixes))
          ->default_str("mixed");
  gen_app
      ->add_option(
          "--bytes", options->bytes,
          "All payments with a memo, each of so many bytes: legacy up to 1232, then version 1")
      ->check(CLI::Range(kGivenBytesLeast, kGivenBytesMost))
      ->excludes(mix);
  gen_app
      ->add_option("--time", options->time_us,
                   "Time stamp of the first, in microseconds since 1970; default: so that the "
                   "last is now")
      ->check(whole_number(kMostTimeUs));
  gen_app->add_flag("--line", options->lines, "Lines of base64, without times, instead of .txs");
  gen_app->add_option("--threads", options->threads, "Default: one for each core")
      ->check(CLI::Range(kFewest, kMostThreads));
  gen_app->add_flag("-q,--quiet", options->quiet, "No progress and no summary");
  gen_app->callback(
      [options, &chosen] { chosen = [options] { return status_of(gen(*options)); }; });
}

void add_send(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<SendOptions>();
  auto give_up = std::make_shared<double>(60);
  CLI::App* send_app = app.add_subcommand("send", "Send transactions to a server");
  send_app->footer(R"(
Reads .txs files or lines of base64, told apart by their first bytes. What has no time stamp gets
one, once. Lost connections and restarts of the server are ridden out: what was not acknowledged is
sent again. Ctrl-C stops reading and waits for what is under way; twice ends at once.

  txindex send tx.txs
  txindex send --server db1:9400 --connections 4 --rejects bad.tsv monday.txs tuesday.txs
  zcat tx.txs.gz | txindex send --json

--rejects writes lines of: ordinal, input, frame or line number, outcome, with tabs between.

Exit status: 0 if every transaction was acknowledged as committed or duplicate; 1 if one was
rejected (see the counts), was not acknowledged, or the input was malformed; 2 for wrong usage.)");
  send_app->add_option("inputs", options->inputs, "Files, or - for standard input")
      ->default_str("-");
  const auto server = add_server_flags(send_app);
  send_app->add_option("-c,--connections", options->connections, "How many to send over")
      ->check(CLI::Range(1U, 10'000U))
      ->capture_default_str();
  send_app
      ->add_option(
          "--give-up", *give_up,
          "Seconds without being served (the server is away, silent, or refuses) after which "
          "to fail; 0: never")
      ->check(CLI::Range(0.0, kMostSeconds))
      ->capture_default_str();
  send_app->add_option("--rejects", options->rejects, "File for what was not stored");
  send_app->add_flag("--json", options->json, "The report as one line of JSON");
  send_app->add_flag("-q,--quiet", options->quiet, "No progress and no report");
  send_app->callback([=, &chosen] {
    options->give_up_after = from_seconds(*give_up);
    chosen = [=] { return with_access(*options, *server, send_inputs); };
  });
}

void add_verify(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* verify_app = app.add_subcommand("verify", "Check transactions without a server");
  verify_app->footer(R"(
Parses every transaction and checks its signatures as a server does, and says which are bad.

  txindex verify tx.txs
  producer | txindex verify --out - | txindex send        sends on only the good ones, in order

Exit status: 0 if all are good; 1 if one is bad or the input is malformed; 2 for wrong usage.)");
  verify_app->add_option("inputs", options->inputs, "Files, or - for standard input")
      ->default_str("-");
  verify_app->add_option("-o,--out", options->out,
                         "Write the good ones there as .txs; - is standard output, and the report "
                         "then goes to standard error");
  verify_app->add_option("--threads", options->threads, "Default: one for each core")
      ->check(CLI::Range(kFewest, kMostThreads));
  auto backend = std::make_shared<std::string>(kVerifyBackends[0]);
  verify_app->add_option("--backend", *backend, "What verifies signatures")
      ->check(
          CLI::IsMember(std::vector<std::string>(kVerifyBackends.begin(), kVerifyBackends.end())))
      ->capture_default_str();
  verify_app->add_option("--max-errors", options->max_errors, "Tell at most so many one by one")
      ->capture_default_str();
  verify_app->add_flag("-q,--quiet", options->quiet, "No progress and no report");
  verify_app->callback([options, backend, &chosen] {
    const auto found = std::find(kVerifyBackends.begin(), kVerifyBackends.end(), *backend);
    options->backend = static_cast<VerifyBackend>(found - kVerifyBackends.begin());
    chosen = [options, backend] { return status_of(verify_inputs(*options)); };
  });
}

void add_load(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<LoadOptions>();
  auto duration = std::make_shared<std::optional<double>>();
  auto give_up = std::make_shared<double>(60);
  CLI::App* load_app = app.add_subcommand("load", "Load a server, and measure it");
  load_app->footer(R"(
Without --rate (closed loop) every connection is kept full up to its window: how much the server
takes. With --rate (open loop) each transaction has its time, whatever the server does, and its
latency counts from that time: how long it takes at that rate. Those sent more than 10 ms after
their time are counted as late, those not sent when the time was over as unsent; they count in the
percentiles with the time that they waited. The first transaction of a connection waits for it to be
made, and counts too.

  txindex load --connections 64 --duration 30
  txindex load --rate 5000 --duration 60 --json
  txindex load --connections 8 --file a.txs --file b.txs --journal run1

Transactions are fresh ones, made and signed by threads of their own: --ahead of them before the
clock starts, the rest meanwhile, which takes about 25 us of a core for each. If that is too slow
the report says how long was waited for them; make a file first (txindex gen) and send it with
--file.

--journal records every transaction before it is sent and every answer as it comes, in files that
stay good when this program is killed. Their format is in src/tools/journal.h.

Exit status: 0 if every transaction was sent, and acknowledged as committed or duplicate; 1 if not;
2 for wrong usage.)");
  const auto server = add_server_flags(load_app);
  load_app->add_option("-c,--connections", options->connections, "How many to send over")
      ->check(CLI::Range(1U, 100'000U))
      ->capture_default_str();
  load_app->add_option("--rate", options->rate, "Transactions a second, over all connections")
      ->check(CLI::Range(0.001, 1e7));
  load_app->add_option("--duration", *duration, "Seconds to send for")
      ->check(CLI::Range(0.001, kMostSeconds));
  load_app->add_option("--count", options->count, "How many to send")
      ->check(CLI::Range(std::uint64_t{1}, kMostCount));
  load_app
      ->add_option("--window", options->window,
                   "Unacknowledged on a connection at most; 1: each waits for its answer")
      ->check(CLI::Range(1U, limits::kWindowMaxTransactions))
      ->capture_default_str();
  load_app->add_option("--file", options->files,
                       ".txs or base64 lines to send, once; default: make transactions");
  load_app->add_option("--mix", options->mix, "Of those that are made: see txindex gen")
      ->transform(CLI::CheckedTransformer(kMixes))
      ->default_str("mixed");
  load_app->add_option("--accounts", options->accounts, "Of those that are made: fee payers")
      ->check(CLI::Range(1U, 10'000'000U))
      ->capture_default_str();
  load_app->add_option("--seed", options->seed, "Of those that are made; default: a new one")
      ->check(whole_number(UINT64_MAX));
  load_app->add_option("--ahead", options->ahead, "Transactions kept ready, in memory, at most")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{100'000'000}))
      ->capture_default_str();
  load_app->add_option("--threads", options->threads, "That send; default: one for two cores")
      ->check(CLI::Range(kFewest, kMostThreads));
  load_app
      ->add_option(
          "--give-up", *give_up,
          "Seconds without being served (the server is away, silent, or refuses) after which "
          "to fail; 0: never")
      ->check(CLI::Range(0.0, kMostSeconds))
      ->capture_default_str();
  load_app->add_option("--journal", options->journal, "Folder for a record of all that happens");
  load_app->add_flag("--json", options->json, "The report as one line of JSON");
  load_app->add_flag("-q,--quiet", options->quiet, "No progress and no report");
  load_app->callback([=, &chosen] {
    options->give_up_after = from_seconds(*give_up);
    if (*duration) options->duration = from_seconds(**duration);
    chosen = [=] { return with_access(*options, *server, load); };
  });
}

void add_token(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<TokenOptions>();
  auto limits = std::make_shared<std::vector<std::string>>();
  CLI::App* token_app = app.add_subcommand("token", "Make a token for a producer");
  token_app->footer(R"(
Writes the token, which is kept nowhere else, and the line by which a server knows it, which holds
only a hash and goes into the file that the server's setting `tokens` names. Limits may follow the
name: rate=N/s (transactions), burst=N, volume=SIZE/s.

  txindex token alice
  txindex token bob rate=1000/s volume=1MiB/s --out bob.token >> /etc/txindexd/tokens

A server reads the file anew at a rolling restart (txindex restart, systemctl reload).)");
  token_app->add_option("name", options->name, "Stands for the token in logs and metrics")
      ->required()
      ->check([](const std::string& name) { return std::string(access::name_problem(name)); });
  token_app->add_option("limits", *limits, "rate=N/s, burst=N, volume=SIZE/s");
  token_app->add_option("-o,--out", options->out,
                        "A new file for the token, which others cannot read; default: it is shown");
  token_app->callback([=, &chosen] {
    for (const auto& limit : *limits)
      options->limits += (options->limits.empty() ? "" : " ") + limit;
    chosen = [options] { return status_of(make_producer_token(*options)); };
  });
}

// What is wrong with the command that was typed, if it is none; CLI11 would say that one is
// missing.
std::optional<std::string> unknown_command(const CLI::App& app, const std::string& word) {
  constexpr std::size_t kNear = 2;
  std::string meant;
  std::size_t least = kNear + 1;
  for (const CLI::App* command : app.get_subcommands({})) {
    const std::size_t distance = text::edit_distance(word, command->get_name());
    if (distance == 0) return std::nullopt;
    if (distance >= least) continue;
    least = distance;
    meant = ", did you mean " + command->get_name() + "?";
  }
  return "there is no command '" + word + "'" + meant + " (txindex --help lists them)";
}

int run(int argc, char** argv) {
  CLI::App app("Tools around txindexd, the server that indexes signed transactions", "txindex");
  app.set_version_flag("--version", std::string("txindex ") + version());
  app.require_subcommand(1);
  app.footer("txindex COMMAND --help says more, with examples.");
  Command chosen;
  add_gen(app, chosen);
  add_send(app, chosen);
  add_verify(app, chosen);
  add_load(app, chosen);
  add_token(app, chosen);
  add_operator_commands(app, chosen);
  if (argc > 1 && *argv[1] != '-') {
    if (const auto problem = unknown_command(app, argv[1]))
      return tell(configuration_failure(*problem));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kExitSuccess : kExitConfiguration;
  }
  return chosen();
}

}  // namespace
}  // namespace txindex::tools

int main(int argc, char** argv) {
  try {
    return txindex::tools::run(argc, argv);
  } catch (const std::exception& problem) {
    // Nothing that a command is given leads here; memory that is not to be had does.
    std::fprintf(stderr, "txindex: %s\n", problem.what());
    return txindex::kExitFailure;
  }
}
