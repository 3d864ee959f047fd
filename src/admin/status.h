// The JSON of /status and /history; README.md describes it.
#pragma once

#include <string>

#include "admin/reading.h"
#include "admin/sampler.h"

namespace txindex::admin {

std::string status_json(const Reading& reading, const Sampler& sampler);
std::string history_json(const Sampler& sampler);

}  // namespace txindex::admin
