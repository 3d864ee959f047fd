#include "process/control.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace txindex::process {
namespace {

constexpr std::uint16_t kMessageVersion = 1;

// The same machine on both ends: its own byte order and alignment.
struct Packet {
  std::uint16_t version;
  std::uint16_t type;
  std::int32_t slot;
  std::int32_t pid;
  std::uint32_t text_bytes;
  std::uint64_t generation;
  std::int64_t value;
  std::array<char, kMessageTextMaxBytes> text;
};
static_assert(sizeof(Packet) == 1024 && std::is_trivially_copyable_v<Packet>);

Failure socket_failure(const char* what) {
  return failure(std::string("control socket: ") + what + ": " + std::strerror(errno));
}

Packet pack(const Message& message) {
  Packet packet{};
  packet.version = kMessageVersion;
  packet.type = static_cast<std::uint16_t>(message.type);
  packet.slot = message.slot;
  packet.pid = message.pid;
  packet.generation = message.generation;
  packet.value = message.value;
  const std::size_t bytes = std::min(message.text.size(), packet.text.size());
  packet.text_bytes = static_cast<std::uint32_t>(bytes);
  std::copy_n(message.text.begin(), bytes, packet.text.begin());
  return packet;
}

Message unpack(const Packet& packet) {
  return {static_cast<MessageType>(packet.type),
          packet.slot,
          packet.pid,
          packet.generation,
          packet.value,
          std::string(packet.text.data(), packet.text_bytes)};
}

// Why the packet is no message of ours; empty if it is one.
std::string problem_with(const Packet& packet, std::size_t bytes, int flags,
                         std::size_t descriptors) {
  if (bytes >= sizeof(packet.version) && packet.version != kMessageVersion) {
    return "version " + std::to_string(packet.version) + " instead of " +
           std::to_string(kMessageVersion);
  }
  if (bytes != sizeof(packet) || (flags & MSG_TRUNC) != 0) return "a packet of another size";
  if ((flags & MSG_CTRUNC) != 0 || descriptors > 1) return "more descriptors than one, or one lost";
  if (packet.type < static_cast<std::uint16_t>(MessageType::ready) ||
      packet.type > static_cast<std::uint16_t>(MessageType::reopen_logs)) {
    return "unknown type " + std::to_string(packet.type);
  }
  if (packet.text_bytes > packet.text.size()) return "a text that is longer than its packet";
  return {};
}

// Takes over every descriptor that the kernel has put into this process with a packet.
std::vector<Descriptor> take_descriptors(msghdr& header) {
  std::vector<Descriptor> taken;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(fd));
      taken.emplace_back(fd);
    }
  }
  return taken;
}

}  // namespace

result<ControlPair> make_control_pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return socket_failure("socketpair");
  }
  return ControlPair{Descriptor(ends[0]), Descriptor(ends[1])};
}

result<void> send_message(int socket, const Message& message, int fd) {
  Packet packet = pack(message);
  iovec data{&packet, sizeof(packet)};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> rights{};
  if (fd >= 0) {
    header.msg_control = rights.data();
    header.msg_controllen = rights.size();
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(part), &fd, sizeof(fd));
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return socket_failure("sending");
  return {};  // a packet is sent whole or not at all
}

bool tell_failure(int socket, const Failure& failure) {
  Message message;
  message.type = MessageType::failed;
  message.pid = ::getpid();
  message.value = failure.exit_status;
  message.text = failure.message;
  return send_message(socket, message).has_value();
}

Received receive_message(int socket) {
  Packet packet{};
  iovec data{&packet, sizeof(packet)};
  // Padding makes this hold two descriptors, which is why they are counted.
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> rights{};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = rights.data();
  header.msg_controllen = rights.size();
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);

  Received received;
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return received;
  // A reset says the same as the end: a peer that died with messages of ours unread.
  if (got <= 0) {
    received.status = Received::Status::closed;
    return received;
  }
  auto descriptors = take_descriptors(header);
  received.problem =
      problem_with(packet, static_cast<std::size_t>(got), header.msg_flags, descriptors.size());
  if (!received.problem.empty()) {
    received.status = Received::Status::invalid;
    return received;
  }
  received.status = Received::Status::message;
  received.message = unpack(packet);
  if (!descriptors.empty()) received.descriptor = std::move(descriptors.front());
  return received;
}

}  // namespace txindex::process
