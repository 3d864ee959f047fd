#include "support/ifma_emulation.h"

#include <signal.h>
#include <ucontext.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "verify/ed25519/kernel.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace txindex::test {

#ifdef __x86_64__
namespace {

// Where the kernel has put a register's parts into the signal's frame (Intel SDM 1, chapter 13: the
// standard format of XSAVE).
constexpr unsigned kLegacyXmm = 160;
constexpr unsigned kHeaderXstateBv = 512;
constexpr int kUpperYmm = 2;   // state components
constexpr int kUpperZmm = 6;   // of zmm0 to zmm15
constexpr int kHigherZmm = 7;  // zmm16 to zmm31

unsigned offset_of_component[8];
std::atomic<unsigned long> instructions = 0;
struct sigaction before;

struct Zmm {
  std::uint64_t lane[8];
};

Zmm read(const std::uint8_t* state, unsigned number) {
  Zmm value;
  auto* to = reinterpret_cast<std::uint8_t*>(&value);
  if (number >= 16) {
    std::memcpy(to, state + offset_of_component[kHigherZmm] + 64 * (number - 16), 64);
  } else {
    std::memcpy(to, state + kLegacyXmm + 16 * number, 16);
    std::memcpy(to + 16, state + offset_of_component[kUpperYmm] + 16 * number, 16);
    std::memcpy(to + 32, state + offset_of_component[kUpperZmm] + 32 * number, 32);
  }
  return value;
}

void write(std::uint8_t* state, unsigned number, const Zmm& value) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(&value);
  if (number >= 16) {
    std::memcpy(state + offset_of_component[kHigherZmm] + 64 * (number - 16), from, 64);
  } else {
    std::memcpy(state + kLegacyXmm + 16 * number, from, 16);
    std::memcpy(state + offset_of_component[kUpperYmm] + 16 * number, from + 16, 16);
    std::memcpy(state + offset_of_component[kUpperZmm] + 32 * number, from + 32, 32);
  }
  // Or it would be taken for zero.
  std::uint64_t in_use;
  std::memcpy(&in_use, state + kHeaderXstateBv, sizeof(in_use));
  in_use |= 0xe7;
  std::memcpy(state + kHeaderXstateBv, &in_use, sizeof(in_use));
}

std::int64_t general_register(const ucontext_t& context, unsigned number) {
  constexpr int kOrder[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                              REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                              REG_R12, REG_R13, REG_R14, REG_R15};
  return context.uc_mcontext.gregs[kOrder[number]];
}

// One VPMADD52LUQ or VPMADD52HUQ of whole registers, without a mask (Intel SDM 2, section 2.7: the
// EVEX prefix). False if it is anything else.
bool emulate(ucontext_t& context) {
  const auto* const begin =
      reinterpret_cast<const std::uint8_t*>(context.uc_mcontext.gregs[REG_RIP]);
  const std::uint8_t* at = begin;
  if (at[0] != 0x62) return false;
  const unsigned p0 = at[1];
  const unsigned p1 = at[2];
  const unsigned p2 = at[3];
  const unsigned opcode = at[4];
  const unsigned modrm = at[5];
  at += 6;
  const bool is_one = (p0 & 0x0f) == 2 && (p1 & 0x87) == 0x85 && (opcode == 0xb4 || opcode == 0xb5);
  const bool is_whole = (p2 >> 5 & 3) == 2 && (p2 & 7) == 0;
  if (!is_one || !is_whole) return false;
  const bool high = opcode == 0xb5;
  const bool broadcast = (p2 & 0x10) != 0;
  // Bits of the prefix that extend numbers are inverted.
  const unsigned to = (modrm >> 3 & 7) | (~p0 >> 7 & 1) << 3 | (~p0 >> 4 & 1) << 4;
  const unsigned first = (~p1 >> 3 & 15) | (~p2 >> 3 & 1) << 4;
  auto* const state = reinterpret_cast<std::uint8_t*>(context.uc_mcontext.fpregs);
  const Zmm a = read(state, first);
  Zmm b;
  const unsigned mode = modrm >> 6;
  const unsigned rm = modrm & 7;
  if (mode == 3) {
    b = read(state, rm | (~p0 >> 5 & 1) << 3 | (~p0 >> 6 & 1) << 4);
  } else {
    std::int64_t address = 0;
    bool relative = false;
    unsigned base = rm;
    if (rm == 4) {
      const unsigned sib = *at++;
      base = sib & 7;
      const unsigned index = (sib >> 3 & 7) | (~p0 >> 6 & 1) << 3;
      if (index != 4) address += general_register(context, index) << (sib >> 6);
    }
    const bool no_base = mode == 0 && base == 5;
    if (no_base) {
      relative = rm != 4;
    } else {
      address += general_register(context, base | (~p0 >> 5 & 1) << 3);
    }
    if (mode == 1) {
      // In units of what is read.
      address += static_cast<std::int64_t>(static_cast<std::int8_t>(*at++)) * (broadcast ? 8 : 64);
    } else if (mode == 2 || no_base) {
      std::int32_t displacement;
      std::memcpy(&displacement, at, sizeof(displacement));
      at += sizeof(displacement);
      address += displacement;
    }
    if (relative) address += reinterpret_cast<std::int64_t>(at);
    const auto* from = reinterpret_cast<const std::uint8_t*>(address);
    for (unsigned i = 0; i < 8; ++i)
      std::memcpy(&b.lane[i], from + (broadcast ? 0 : 8 * i), 8);
  }
  Zmm sum = read(state, to);
  constexpr std::uint64_t kLow52 = (std::uint64_t{1} << 52) - 1;
  __extension__ using Wide = unsigned __int128;
  for (unsigned i = 0; i < 8; ++i) {
    const Wide product = static_cast<Wide>(a.lane[i] & kLow52) * (b.lane[i] & kLow52);
    sum.lane[i] += static_cast<std::uint64_t>(high ? product >> 52 : product & kLow52);
  }
  write(state, to, sum);
  context.uc_mcontext.gregs[REG_RIP] += at - begin;
  return true;
}

void on_illegal_instruction(int, siginfo_t*, void* context) {
  if (!emulate(*static_cast<ucontext_t*>(context))) {
    // As if there were nobody here: it traps again.
    ::sigaction(SIGILL, &before, nullptr);
    return;
  }
  instructions.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

bool IfmaEmulation::is_possible() {
  return verify::ed25519::avx512_is_there();
}

IfmaEmulation::IfmaEmulation() {
  instructions = 0;
  for (const unsigned component : {kUpperYmm, kUpperZmm, kHigherZmm}) {
    unsigned size;
    unsigned offset;
    unsigned c;
    unsigned d;
    if (__get_cpuid_count(0xd, component, &size, &offset, &c, &d) == 0) std::abort();
    offset_of_component[component] = offset;
  }
  struct sigaction action {};
  action.sa_sigaction = on_illegal_instruction;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGILL, &action, &before);
}

IfmaEmulation::~IfmaEmulation() {
  ::sigaction(SIGILL, &before, nullptr);
}

unsigned long IfmaEmulation::done() {
  return instructions;
}
#else
bool IfmaEmulation::is_possible() {
  return false;
}
IfmaEmulation::IfmaEmulation() = default;
IfmaEmulation::~IfmaEmulation() = default;
unsigned long IfmaEmulation::done() {
  return 0;
}
#endif

}  // namespace txindex::test
