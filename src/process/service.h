// The supervisor's state and what it does, event by event. Its parts:
//
//   service           start, loop, end
//   service_children  starting processes, their messages and their deaths
//   service_queues    listening sockets that outlive workers; workers that hang
//   service_roll      rolling restart, more and fewer workers
//   service_reload    re-executing this program in place
#pragma once

#include <chrono>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "txindex/endpoint.h"

#include "config/config.h"
#include "log/log.h"
#include "process/child_table.h"
#include "process/children.h"
#include "process/control.h"
#include "process/launch.h"
#include "process/queue_table.h"
#include "process/reservation.h"
#include "process/roll.h"
#include "process/service_manager.h"
#include "process/takeover.h"
#include "stats/segment.h"

namespace txindex::process {

using Clock = std::chrono::steady_clock;

class Service {
 public:
  struct Parts {
    Descriptor signals;
    ServiceManager manager;
    Reservation reservation;
    stats::Segment segment;
  };
  Service(const config::Config& config, const Program& program, Parts parts);

  // Exactly one of these, then run().
  void begin(std::vector<ServiceManager::Kept> kept);
  void take_over(const TakeoverState& state, bool same_segment);

  int run();

 private:
  static constexpr int kAdmin = static_cast<int>(stats::kAdminSlot);

  // --- service.cc
  void wait();
  void on_signals();
  void on_signal(int signal);
  void end(int signal);
  void reopen_logs();
  void on_time();
  void announce();
  void publish();
  void publish_texts();
  std::optional<Endpoint> admin_address() const;
  std::string status_line();
  void stop();
  void kill_all();
  void fail_start(const std::string& who, const std::string& reason, int status);

  // --- service_children.cc
  void start_due();
  result<Child*> spawn(int slot, Role role);
  void on_messages(Child& child);
  void on_message(Child& child, Received received);
  void on_ready(Child& child, const Message& message);
  void on_deaths();
  void on_death(Child& child, int wait_status);
  void on_death_in_charge(const Child& child, const std::string& end, int wait_status);
  bool tell(const Child& child, MessageType type, int value = 0, int fd = -1);
  void dismiss(Child& child);
  void publish(const Child& child);
  stats::Block& block(const Child& child);
  // An event of a child's.
  static void event(log::Level level, std::string_view text, const Child& child,
                    std::initializer_list<log::Field> more = {});

  // --- service_queues.cc
  void deposit(const Child& child, Descriptor listener);
  void lend_queues();
  void tell_all_but(pid_t worker, MessageType type, int queue);
  bool needs_sibling(int slot, Clock::time_point now);
  void watch_heartbeats();
  bool anyone_silent();
  static std::string listener_name(int slot);

  // --- service_roll.cc
  void request_roll(const char* why);
  void advance_roll();
  void begin_roll();
  void warn_of_changes_that_wait() const;
  void warn_of_addresses(const config::Config& wanted) const;
  void hand_over();
  void end_roll(const std::string& failure);
  void tell_outcome(const std::string& failure);
  void resize();
  void add_worker();
  void retire_worker();

  // --- service_reload.cc
  void request_reload();
  void start_check();
  void on_checked(int wait_status);
  void reload_failed(const std::string& reason);
  void re_execute();
  TakeoverState state_to_leave();

  const config::Config& config_;
  const Program& program_;
  Descriptor signals_;
  ServiceManager manager_;
  Reservation reservation_;
  stats::Segment segment_;
  ChildTable table_;
  Children children_;
  std::map<int, Descriptor> listeners_;  // by slot: duplicates of the workers' listening sockets
  QueueTable queues_;
  std::map<int, Clock::time_point> unserved_;  // slots without a ready process, and since when

  std::optional<Roll> roll_;
  Clock::time_point roll_began_{};
  bool roll_requested_ = false;
  std::string roll_failure_;  // of the latest one; empty if there was none
  std::uint64_t rolls_ = 0;   // have been begun
  std::uint64_t rolls_aborted_ = 0;
  int resize_ = 0;  // workers to add, or to retire if negative

  struct Check {
    pid_t pid = 0;
    Descriptor control;
    Clock::time_point deadline;
  };
  bool reload_requested_ = false;
  bool reload_checked_ = false;
  std::optional<Check> check_;
  std::uint64_t reexecs_ = 0;

  std::int64_t started_unix_us_ = 0;
  bool announced_ = false;     // every child has been ready
  bool start_failed_ = false;  // before that
  bool child_ended_ = false;
  std::vector<int> to_end_;  // signals that say so, not heeded yet
  int signals_to_end_ = 0;
  bool killed_ = false;
  std::optional<Clock::time_point> deadline_;  // of the drain, then of the end after SIGKILL
  Clock::time_point next_watchdog_{};          // systemd's
  int exit_status_ = 0;
};

}  // namespace txindex::process
