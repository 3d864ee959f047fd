#include "admin/site.h"

#include <array>

#include "admin/host_check.h"
#include "admin/metrics.h"
#include "admin/page.h"
#include "admin/status.h"
#include "flow/clock.h"

namespace txindex::admin {
namespace {

constexpr std::string_view kJson = "application/json";

Reading read_now(const stats::Segment& segment) {
  return read(segment, flow::steady_us(), flow::wall_us());
}

Answer get_page(const Reading&, const Sampler&) {
  const Page& made = page();
  return {200, "text/html; charset=utf-8", std::string(made.html), made.policy};
}

Answer get_metrics(const Reading& reading, const Sampler&) {
  return {200, kMetricsType, metrics_text(reading)};
}

Answer get_health(const Reading&, const Sampler&) {
  Answer answer;
  answer.body = "ok\n";
  return answer;
}

Answer get_readiness(const Reading& reading, const Sampler&) {
  const auto problem = unreadiness(reading);
  Answer answer;
  answer.status = problem.empty() ? 200 : 503;
  answer.body = problem.empty() ? "ready\n" : "not ready: " + std::string(problem) + "\n";
  return answer;
}

Answer get_status(const Reading& reading, const Sampler& sampler) {
  return {200, kJson, status_json(reading, sampler)};
}

Answer get_history(const Reading&, const Sampler& sampler) {
  return {200, kJson, history_json(sampler)};
}

struct Route {
  std::string_view path;
  Answer (*get)(const Reading&, const Sampler&);
};
constexpr std::array kRoutes = {
    Route{"/", get_page},          Route{"/metrics", get_metrics},
    Route{"/healthz", get_health}, Route{"/readyz", get_readiness},
    Route{"/status", get_status},  Route{"/history", get_history},
};

Answer refusal(unsigned status, std::string text) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(text) + "\n";
  return answer;
}

}  // namespace

Answer Site::answer(const Request& request) const {
  if (!request.host.empty() && !host_allowed(request.host, hosts_)) {
    return refusal(421, "This server does not answer to the host name '" +
                            std::string(request.host) +
                            "'. Use an address in numbers or localhost, or add the name to the "
                            "setting admin.hosts.");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    auto answer = refusal(405, "Only GET and HEAD are answered here.");
    answer.allow = "GET, HEAD";
    return answer;
  }
  const auto path = request.target.substr(0, request.target.find('?'));
  for (const auto& route : kRoutes) {
    if (route.path == path) return route.get(read_now(segment_), sampler_);
  }
  std::string paths;
  for (const auto& route : kRoutes)
    paths += " " + std::string(route.path);
  return refusal(404, "There is nothing here. There is:" + paths);
}

void Site::sample() {
  sampler_.add(read_now(segment_));
}

}  // namespace txindex::admin
