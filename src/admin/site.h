// What the admin port answers to a request; nothing of HTTP as bytes.
//
//   /          a page for people          /healthz   200 while this process answers
//   /metrics   Prometheus text            /readyz    200 if transactions can be taken
//   /status    JSON                       /history   JSON: the last 300 seconds
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "admin/reading.h"
#include "admin/sampler.h"
#include "stats/segment.h"

namespace txindex::admin {

struct Request {
  std::string_view method;  // "GET"
  std::string_view target;  // "/status?x=1"
  std::string_view host;    // the Host header; empty: none, which HTTP/1.0 allows
};

struct Answer {
  unsigned status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string_view policy = "default-src 'none'; frame-ancestors 'none'";  // for browsers
  std::string_view allow = {};  // the methods that are allowed, if that is what is wrong
};

// Loop thread only. `segment` is only read and outlives the Site.
class Site {
 public:
  Site(const stats::Segment& segment, std::vector<std::string> hosts)
      : segment_(segment), hosts_(std::move(hosts)) {}

  Answer answer(const Request& request) const;
  // To be called once a second: what is "recent" is between two calls.
  void sample();

 private:
  const stats::Segment& segment_;
  const std::vector<std::string> hosts_;
  Sampler sampler_;
};

}  // namespace txindex::admin
