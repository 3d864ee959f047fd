// The page for people: one HTML file without anything from outside, made at build time from the
// files in page/ (page/embed.cmake).
#pragma once

#include <string_view>

namespace txindex::admin {

struct Page {
  std::string_view html;
  // The Content-Security-Policy that lets the page's own style and script run, and no others.
  std::string_view policy;
};
Page page();

}  // namespace txindex::admin
