// What each stage of a worker is told, as it follows from the configuration.
#pragma once

#include "batch/batcher.h"
#include "config/config.h"
#include "net/connections.h"
#include "process/coalescing.h"
#include "process/intake.h"
#include "process/sandbox.h"
#include "store/maintenance.h"
#include "store/pg_store.h"
#include "verify/verify_pool.h"

namespace txindex::process {

Intake::Options intake_options(const config::Config& config);
net::ConnectionLimits connection_limits(const config::Config& config);
verify::VerifyPool::Options verify_options(const config::Config& config);
Coalescing::Options coalescing_options(const config::Config& config);
batch::Batcher::Options batch_options(const config::Config& config);
// Of the batch queue.
std::size_t batch_capacity_rows(const config::Config& config);
store::PgStore::Options store_options(const config::Config& config);
store::Maintenance::Options maintenance_options(const config::Config& config);
Sandbox worker_sandbox(const config::Config& config);

}  // namespace txindex::process
