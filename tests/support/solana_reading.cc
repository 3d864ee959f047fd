#include "support/solana_reading.h"

#include <set>
#include <string_view>

namespace txindex::test {
namespace {

struct BreaksARule {};

void must(bool rule) {
  if (!rule) throw BreaksARule();
}

struct Input {
  Bytes left;

  Bytes take(std::size_t n) {
    must(n <= left.size());
    const Bytes taken = left.first(n);
    left = left.subspan(n);
    return taken;
  }
  std::size_t byte() { return take(1)[0]; }
  // Little-endian.
  std::size_t number(std::size_t bytes) {
    std::size_t value = 0;
    const Bytes taken = take(bytes);
    for (std::size_t i = bytes; i-- > 0;)
      value = value * 256 + taken[i];
    return value;
  }
  // The shortest form of at most three bytes, of a number of 16 bits.
  std::size_t compact() {
    std::size_t value = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::size_t next = byte();
      value += (next % 128) << (7 * i);
      must(i == 0 || next != 0);
      if (next < 128) {
        must(value < 65536);
        return value;
      }
    }
    throw BreaksARule();
  }
};

struct Reader {
  Bytes raw;
  Input in{raw};
  SolanaReading found = {};
  std::size_t signers = 0;
  std::size_t looked_up = 0;
  std::vector<std::size_t> programs = {};
  std::vector<Bytes> account_lists = {};

  void header() {
    signers = in.byte();
    readonly_signers = in.byte();
    readonly_others = in.byte();
  }
  std::size_t readonly_signers = 0;
  std::size_t readonly_others = 0;

  void addresses(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      found.addresses.push_back(in.take(32));
  }
  void signatures(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      found.signatures.push_back(in.take(64));
  }

  void old_formats() {
    must(raw.size() <= 1232);
    const std::size_t count = in.compact();
    signatures(count);
    const std::size_t before = raw.size() - in.left.size();
    found.message = raw.subspan(before);
    must(!in.left.empty());
    if (in.left[0] >= 128) {
      must(in.byte() == 128);
      found.version = 0;
    }
    header();
    must(signers == count);
    addresses(in.compact());
    found.blockhash = in.take(32);
    found.instructions = in.compact();
    for (std::size_t i = 0; i < found.instructions; ++i) {
      programs.push_back(in.byte());
      account_lists.push_back(in.take(in.compact()));
      in.take(in.compact());
    }
    if (found.version != 0) return;
    found.lookups = in.compact();
    for (std::size_t i = 0; i < found.lookups; ++i) {
      in.take(32);
      const std::size_t writable = in.take(in.compact()).size();
      const std::size_t readonly = in.take(in.compact()).size();
      must(writable + readonly > 0);
      looked_up += writable + readonly;
    }
  }

  void version_1() {
    must(raw.size() <= 4096);
    found.version = 1;
    in.byte();
    header();
    const std::size_t mask = in.number(4);
    found.blockhash = in.take(32);
    found.instructions = in.byte();
    const std::size_t count = in.byte();
    must(count <= 64);
    addresses(count);
    config(mask);
    std::vector<std::pair<std::size_t, std::size_t>> sizes;
    for (std::size_t i = 0; i < found.instructions; ++i) {
      programs.push_back(in.byte());
      const std::size_t accounts = in.byte();
      sizes.emplace_back(accounts, in.number(2));
    }
    for (const auto& [accounts, data] : sizes) {
      account_lists.push_back(in.take(accounts));
      in.take(data);
    }
    found.message = raw.first(raw.size() - in.left.size());
    signatures(signers);
  }

  // Bits 0 and 1 are the two halves of one value; bit 4 is the heap's size.
  void config(std::size_t mask) {
    must(mask < 32);
    must(mask % 4 == 0 || mask % 4 == 3);
    for (std::size_t bit = 0; bit < 5; ++bit) {
      if ((mask >> bit) % 2 == 0) continue;
      const std::size_t value = in.number(4);
      if (bit == 4) must(value % 1024 == 0 && value >= 32 * 1024 && value <= 256 * 1024);
    }
  }

  void rules() {
    must(in.left.empty());
    const std::size_t accounts = found.addresses.size();
    must(signers >= 1 && signers <= 12 && signers <= accounts);
    must(signers + readonly_others <= accounts);
    must(readonly_signers < signers);
    must(found.instructions <= 64);
    must(accounts + looked_up <= 256);
    for (const std::size_t program : programs)
      must(program != 0 && program < accounts);
    for (const Bytes list : account_lists) {
      must(list.size() <= 255);
      for (const std::uint8_t index : list)
        must(index < accounts + looked_up);
    }
    std::set<std::string_view> different;
    for (const Bytes address : found.addresses)
      must(different.insert(as_text(address)).second);
  }

  // Signers come first, the writable ones before the others in both parts; the first one pays.
  void roles() {
    const std::size_t accounts = found.addresses.size();
    found.roles.assign(accounts, 2);
    for (std::size_t i = signers - readonly_signers; i < signers; ++i)
      found.roles[i] = 0;
    for (std::size_t i = accounts - readonly_others; i < accounts; ++i)
      found.roles[i] = 0;
    for (std::size_t i = 0; i < signers; ++i)
      found.roles[i] += 1;
    for (const std::size_t program : std::set<std::size_t>(programs.begin(), programs.end()))
      found.roles[program] += 4;
    found.roles[0] += 8;
  }
};

}  // namespace

std::optional<SolanaReading> read_solana(Bytes raw) {
  Reader reader{.raw = raw};
  try {
    must(!raw.empty());
    must(raw[0] < 128 || raw[0] == 129);
    raw[0] == 129 ? reader.version_1() : reader.old_formats();
    reader.rules();
    reader.roles();
  } catch (const BreaksARule&) {
    return std::nullopt;
  }
  return reader.found;
}

}  // namespace txindex::test
