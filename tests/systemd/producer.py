#!/usr/bin/env python3
"""A producer that forgives nothing: whatever an operator does, no connection may be refused or reset,
and every transaction must be acknowledged.

  producer.py load ADDRESS FILE.txs STOP_FILE   sends the transactions of the file, over and over, on
                                                short connections, until STOP_FILE is there
  producer.py queue ADDRESS FILE.txs COUNT      opens COUNT connections, sends a transaction on each,
                                                says "queued", and waits for every answer

A connection on which the server said DRAIN may end with less than all acknowledged: the rest goes over
the next one.
"""
import os
import socket
import struct
import sys
import threading

HELLO = b"\0TXI" + struct.pack("<IBBH", 4, 1, 1, 0)
FINISH = struct.pack("<IB", 1, 4)
ACK, ERROR, DRAIN = 0x82, 0x83, 0x85
ANSWER_SECONDS = 60


def frames_of(path):
    data = open(path, "rb").read()
    assert data[:4] == b"TXS1", path
    frames, at = [], 4
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        frames.append(data[at:at + 4 + length])
        at += 4 + length
    return frames


class Connection:
    """One connection, and what the server has said on it so far."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS)
        self.answers = self.socket.makefile("rb")
        self.acked, self.drained = 0, False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answers.close()
        self.socket.close()

    def send(self, data):
        """False: the server drains and has ended its side; what it has said decides."""
        try:
            self.socket.sendall(data)
            return True
        except BrokenPipeError:
            return False

    def read(self):
        """Reads one frame. False: the server has ended the connection."""
        head = self.answers.read(5)
        if not head:
            return False
        length, kind = struct.unpack("<IB", head)
        body = self.answers.read(length - 1)
        if kind == ERROR:
            raise RuntimeError("ERROR from the server: " + body[2:].decode())
        if kind == DRAIN:
            self.drained = True
        if kind == ACK:
            self.acked, listed = struct.unpack_from("<QI", body)
            for i in range(listed):
                sequence, code = struct.unpack_from("<QB", body, 12 + 9 * i)
                if code != 1:  # duplicate: it was sent before
                    raise RuntimeError(f"transaction {sequence} was answered with code {code}")
        return True

    def read_to_end(self):
        while self.read():
            pass


def send_and_finish(connection, frames, _stopped):
    """A short connection: everything at once, and FINISH."""
    connection.send(HELLO + b"".join(frames[:200]) + FINISH)
    connection.read_to_end()
    return min(len(frames), 200)


def stream(connection, frames, stopped):
    """A long connection: some at a time, until the server says DRAIN or the frames are used up."""
    connection.send(HELLO)
    sent = 0
    while sent < len(frames) and not connection.drained and not stopped():
        some = frames[sent:sent + 50]
        if not connection.send(b"".join(some)):
            break
        sent += len(some)
        while connection.acked < sent and not connection.drained:
            if not connection.read():
                return sent
    connection.send(FINISH)
    connection.read_to_end()
    return sent


class Load:
    def __init__(self, address, stop_file):
        self.address, self.stop_file = address, stop_file
        self.failures = []
        self.connections = self.drained = self.acked = self.different = 0
        self.lock = threading.Lock()

    def stopped(self):
        return os.path.exists(self.stop_file)

    def run(self, frames):
        manners = [send_and_finish, send_and_finish, stream, stream]
        share = len(frames) // len(manners)
        threads = [threading.Thread(target=self.produce, args=(frames[i * share:(i + 1) * share], manner))
                   for i, manner in enumerate(manners)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def produce(self, frames, manner):
        at = furthest = 0
        while not self.stopped():
            at += self.connect(frames[at:], manner)
            furthest = max(furthest, at)
            at %= len(frames)
        with self.lock:
            self.different += furthest

    def connect(self, frames, manner):
        """Returns how many of the frames are acknowledged."""
        acked, drained, failure = 0, False, None
        try:
            with Connection(self.address) as connection:
                try:
                    sent = manner(connection, frames, self.stopped)
                    if connection.acked < sent and not connection.drained:
                        failure = f"{sent} sent, only {connection.acked} acknowledged"
                finally:
                    acked, drained = connection.acked, connection.drained
        except (OSError, RuntimeError) as problem:
            failure = f"{type(problem).__name__}: {problem}"
        with self.lock:
            self.connections += 1
            self.acked += acked
            self.drained += drained
            if failure:
                self.failures.append(failure)
        return acked


def report(summary, failures):
    print(f"   {summary}, {len(failures)} failures", *failures[:5], sep="\n   ", flush=True)


def load(address, path, stop_file):
    producer = Load(address, stop_file)
    producer.run(frames_of(path))
    report(f"{producer.connections} connections, {producer.drained} of them drained, {producer.acked} transactions "
           f"acknowledged, {producer.different} different", producer.failures)
    return 0 if producer.acked and not producer.failures else 1


def queue(address, path, count):
    waiting, failures = [], []
    for frame in frames_of(path)[:count]:
        waiting.append(Connection(address))
        waiting[-1].send(HELLO + frame + FINISH)
    print("queued", flush=True)
    for connection in waiting:
        try:
            connection.read_to_end()
            if connection.acked != 1:
                failures.append("not acknowledged")
        except (OSError, RuntimeError) as problem:
            failures.append(f"{type(problem).__name__}: {problem}")
    report(f"{len(waiting)} connections waited", failures)
    return 0 if len(waiting) == count and not failures else 1


if __name__ == "__main__":
    command, address, path, last = sys.argv[1:]
    sys.exit(load(address, path, last) if command == "load" else queue(address, path, int(last)))
