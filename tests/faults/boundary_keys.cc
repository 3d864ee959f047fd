#include "faults/boundary_keys.h"

#include <string>

namespace txindex::test {

// PostgreSQL compares: sorted by time a row may be far from its key.
std::uint64_t wrong_boundary_keys(Snapshot& snapshot, const store::PartitionRule& rule) {
  const std::string interval = std::to_string(rule.interval_us);
  const std::string window = std::to_string(rule.window_us);
  return static_cast<std::uint64_t>(snapshot.number(
      "WITH stamped AS MATERIALIZED ("
      "  SELECT chain, txid, (extract(epoch FROM ts) * 1000000)::bigint AS us"
      "  FROM txindex.transactions),"
      " near AS ("
      "  SELECT chain, txid, CASE WHEN us % " +
      interval + " < " + window + "   THEN us - us % " + interval + "   WHEN " + interval +
      " - us % " + interval + " <= " + window + "   THEN us - us % " + interval + " + " + interval +
      " END AS boundary FROM stamped),"
      " keys AS MATERIALIZED ("
      "  SELECT chain, txid, (extract(epoch FROM boundary) * 1000000)::bigint AS boundary,"
      "   count(*) AS n FROM txindex.boundary_transactions GROUP BY 1, 2, 3)"
      " SELECT (SELECT coalesce(sum(n - 1), 0) FROM keys)"
      "  + (SELECT count(*) FROM near LEFT JOIN keys USING (chain, txid, boundary)"
      "     WHERE near.boundary IS NOT NULL AND keys.n IS NULL)"
      "  + (SELECT count(*) FROM keys WHERE NOT EXISTS ("
      "     SELECT FROM stamped s WHERE s.chain = keys.chain AND s.txid = keys.txid"
      "     AND abs(s.us - keys.boundary) <= " +
      interval + "))::bigint"));
}

}  // namespace txindex::test
