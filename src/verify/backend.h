// The code that judges Ed25519 signatures: libsodium, or a kernel of ours (ed25519/) that judges
// eight at a time and exactly alike. Chosen once in a process.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "txindex/result.h"
#include "txindex/verify_backend.h"

#include "verify/ed25519/kernel.h"

namespace txindex::verify {

// Must be called in a process before anything else here; from one thread. Aborts if libsodium
// cannot start, or does not judge a fixed set of signatures as the chains' rule demands. A kernel
// must judge that set and more as libsodium does. Fails if it is `wanted` by name and does not, or
// cannot run here; `automatic` goes on with libsodium then, and logs a kernel that differs.
result<VerifyBackend> start(VerifyBackend wanted);

// Never `automatic`. libsodium before start().
VerifyBackend backend();
std::string_view name(VerifyBackend backend);
// How many signatures it judges side by side: fewer cost as much.
std::size_t lanes(VerifyBackend backend);

// valid[i] becomes 1 if triples[i] is valid, else 0. Any thread.
void judge(std::span<const ed25519::Triple> triples, std::span<std::uint8_t> valid);

// The same with this kernel, or without one if it is null.
void judge_with(ed25519::Kernel kernel, std::span<const ed25519::Triple> triples,
                std::span<std::uint8_t> valid);

// Does the kernel judge the self-test's signatures, in every lane, as libsodium does?
bool agrees_with_libsodium(ed25519::Kernel kernel);

}  // namespace txindex::verify
