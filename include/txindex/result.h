// How a function here reports failure: result<T> on every path that data from outside takes;
// exceptions only where a library throws them, caught at that edge.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace txindex {

// Why something could not be done, in one line for a person: names the file, key, address or row,
// and says what to do. `exit_status` is what a command that ends because of it returns.
struct Failure {
  std::string message;
  int exit_status = 1;
};

// result<T>::value() on a failure is a bug of ours: it throws, and nobody catches it.
[[noreturn]] inline void throw_exception_from_error(const Failure& failure,
                                                    const boost::source_location&) {
  throw std::logic_error("value() of a failed result: " + failure.message);
}

template <typename T, typename E = Failure>
using result = boost::system::result<T, E>;

// 2: the configuration or the command line is wrong; 1: everything else.
inline constexpr int kExitFailure = 1;
inline constexpr int kExitConfiguration = 2;

inline Failure failure(std::string message) {
  return {std::move(message), kExitFailure};
}
inline Failure configuration_failure(std::string message) {
  return {std::move(message), kExitConfiguration};
}

}  // namespace txindex
