// The numbered migrations of the schema, compiled in from src/store/migrations/*.sql.
#pragma once

#include <string_view>
#include <vector>

namespace txindex::store {

struct Migration {
  int version;  // counts from 1, without a gap
  std::string_view name;
  std::string_view sql;
};

const std::vector<Migration>& migrations();

}  // namespace txindex::store
