// The two instructions of AVX-512 IFMA on processors that have the rest of AVX-512: each traps, and
// is done in plain code. A thousand times slower, but it is the compiled kernel that runs.
#pragma once

namespace txindex::test {

// While there is one, this process does them. One at a time.
class IfmaEmulation {
 public:
  // Has this machine the rest of AVX-512 (F, BW, CD, DQ), so that this is enough?
  static bool is_possible();

  IfmaEmulation();
  ~IfmaEmulation();
  IfmaEmulation(const IfmaEmulation&) = delete;
  IfmaEmulation& operator=(const IfmaEmulation&) = delete;

  // How many were done. Zero where the processor has them.
  static unsigned long done();
};

}  // namespace txindex::test
