// Asks a server's admin port: one HTTP request, one connection, one deadline.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "txindex/endpoint.h"
#include "txindex/result.h"

namespace txindex::tools {

inline constexpr std::chrono::milliseconds kAdminPatience = std::chrono::seconds(5);

struct AdminAnswer {
  unsigned status;  // of HTTP
  std::string body;
};
using OnAdminAnswer = std::function<void(result<AdminAnswer>)>;

// GET `target`. Calls `on_answer` once, on the thread that runs `loop`, after at most `limit` (a
// name that has to be looked up may take as long as the resolver does). Any status is an answer;
// failures name the address and say what to do.
void admin_get(boost::asio::io_context& loop, const Endpoint& admin, const std::string& target,
               std::chrono::milliseconds limit, OnAdminAnswer on_answer);

// The same, waiting. Any status but 200 is a failure.
result<std::string> admin_get(const Endpoint& admin, const std::string& target,
                              std::chrono::milliseconds limit = kAdminPatience);

// The body of an answer with status 200, else a failure.
result<std::string> body_of(result<AdminAnswer> answer, const Endpoint& admin,
                            const std::string& target);

}  // namespace txindex::tools
