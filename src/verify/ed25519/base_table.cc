#include "verify/ed25519/base_table.h"

#include <cstddef>
#include <memory>

#include "verify/ed25519/lanes_portable.h"
#include "verify/ed25519/point.h"

namespace txindex::verify::ed25519 {
namespace {

using Lanes = PortableLanes;

constexpr Constant kBaseX = {
    {0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d, 0x1ff60527118fe, 0x216936d3cd6e5}};
constexpr Constant kBaseY = {
    {0x6666666666658, 0x4cccccccccccc, 0x1999999999999, 0x3333333333333, 0x6666666666666}};

constexpr std::size_t kPart = kLimbs;  // of a row

// One lane of an element, canonical.
void put(std::uint64_t* to, const Element<Lanes>& a, int lane) {
  const auto number = canonical<Lanes>(carry<Lanes>(a));
  for (int i = 0; i < kLimbs; ++i)
    to[i] = number.limb[i].lane[lane];
}

// The multiples of p, which is the same in every lane, eight at a time.
void fill(BaseTable& table, const Point<Lanes>& p) {
  const auto step = addend<Lanes>(p);
  Point<Lanes> lanes = neutral<Lanes>();  // lane i: i p
  for (int i = 1; i < Lanes::kLanes; ++i) {
    const auto more = add<Lanes, true>(lanes, step, 0);
    const auto from_i = static_cast<Lanes::Mask>(0xff << i);
    lanes = {select<Lanes>(from_i, lanes.y_plus_x, more.y_plus_x),
             select<Lanes>(from_i, lanes.y_minus_x, more.y_minus_x),
             select<Lanes>(from_i, lanes.z, more.z), select<Lanes>(from_i, lanes.t, more.t)};
  }
  const auto eight = addend<Lanes>(twice<Lanes, true>(twice<Lanes, false>(twice<Lanes, false>(p))));
  for (int begin = 0; begin < kBaseRows; begin += Lanes::kLanes) {
    const auto inverse = invert<Lanes>(lanes.z);
    const auto y_plus_x = mul<Lanes>(lanes.y_plus_x, inverse);
    const auto y_minus_x = mul<Lanes>(lanes.y_minus_x, inverse);
    const auto t2d = mul<Lanes>(mul<Lanes>(lanes.t, inverse), broadcast<Lanes>(kTwoD));
    for (int lane = 0; lane < Lanes::kLanes && begin + lane < kBaseRows; ++lane) {
      std::uint64_t* row = table.row[begin + lane];
      put(row, y_plus_x, lane);
      put(row + kPart, y_minus_x, lane);
      put(row + 2 * kPart, t2d, lane);
      row[3 * kPart] = 0;
    }
    lanes = add<Lanes, true>(lanes, eight, 0);
  }
}

std::unique_ptr<const BaseTables> make() {
  auto tables = std::make_unique<BaseTables>();
  const auto x = broadcast<Lanes>(kBaseX);
  const auto y = broadcast<Lanes>(kBaseY);
  Point<Lanes> p = {carry<Lanes>(plus<Lanes>(y, x)), carry<Lanes>(minus<Lanes>(y, x)),
                    broadcast<Lanes>(kOne), mul<Lanes>(x, y)};
  fill(tables->low, p);
  for (int i = 0; i < 128; ++i)
    p = twice<Lanes, true>(p);
  fill(tables->high, p);
  return tables;
}

}  // namespace

const BaseTables& base_tables() {
  static const std::unique_ptr<const BaseTables> tables = make();
  return *tables;
}

}  // namespace txindex::verify::ed25519
