// Counts durations in buckets that grow with the value, so that a percentile is known to within 1 %
// however long the run and however wide the range. 64 buckets for each power of two: a bucket is
// 1/64 of its lower end wide, and its middle, which is what is told, is off by 1/128 at most.
//
//   values    0 .. 127          one bucket each
//             2^k .. 2^(k+1)-1  64 buckets, each 2^(k-6) wide (k from 7 to 62)
//
// 30 KiB. One thread; merge() joins those of many.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace txindex::tools {

class LatencyHistogram {
 public:
  // Negative values count as 0: a clock cannot make them, so the caller's arithmetic would have to.
  void record(std::int64_t value) {
    const auto v = static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
    ++buckets_[bucket_of(v)];
    ++count_;
    sum_ += v;
    max_ = std::max(max_, v);
  }

  void merge(const LatencyHistogram& other) {
    for (std::size_t i = 0; i < buckets_.size(); ++i)
      buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t max() const { return max_; }
  double mean() const {
    return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
  }

  // The value that a share `q` (0 to 1) of all does not exceed: the nearest rank. 0 without values.
  std::uint64_t quantile(double q) const {
    if (count_ == 0) return 0;
    const double wanted = q * static_cast<double>(count_);
    auto rank = static_cast<std::uint64_t>(wanted);
    if (static_cast<double>(rank) < wanted) ++rank;
    rank = std::clamp<std::uint64_t>(rank, 1, count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= rank) return std::min(middle_of(i), max_);
    }
    return max_;
  }

 private:
  static constexpr int kSubBits = 6;
  static constexpr std::size_t kSub = std::size_t{1} << kSubBits;
  static constexpr std::size_t kBuckets = 2 * kSub + (63 - kSubBits - 1) * kSub;

  // The two highest sub-buckets' worth of bits below the leading one choose the bucket.
  static std::size_t bucket_of(std::uint64_t value) {
    if (value < 2 * kSub) return static_cast<std::size_t>(value);
    const int shift = static_cast<int>(std::bit_width(value)) - 1 - kSubBits;
    return kSub * static_cast<std::size_t>(shift) + static_cast<std::size_t>(value >> shift);
  }
  static std::uint64_t middle_of(std::size_t bucket) {
    if (bucket < 2 * kSub) return bucket;
    const std::size_t shift = bucket / kSub - 1;
    const std::uint64_t low = static_cast<std::uint64_t>(bucket - kSub * shift) << shift;
    return low + (std::uint64_t{1} << shift) / 2;
  }

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace txindex::tools
