#!/usr/bin/env python3
"""A producer that forgives nothing: whatever an operator does, no connection may be refused or reset,
and every transaction must be acknowledged.

  producer.py load ADDRESS FILE.txs STOP_FILE   sends the transactions of the file, over and over, on
                                                short connections, until STOP_FILE is there
  producer.py queue ADDRESS FILE.txs COUNT      opens COUNT connections, sends a transaction on each,
                                                says "queued", and waits for every answer
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


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=ANSWER_SECONDS)


class Answers:
    """What the server says on a connection, up to its end."""

    def __init__(self, connection):
        self.acked, self.drained = 0, False
        stream = connection.makefile("rb")
        while head := stream.read(5):
            length, kind = struct.unpack("<IB", head)
            body = stream.read(length - 1)
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


class Load:
    def __init__(self, address, frames, stop_file):
        self.address, self.frames, self.stop_file = address, frames, stop_file
        self.failures, self.connections, self.drained, self.acked = [], 0, 0, 0
        self.different = 0
        self.lock = threading.Lock()

    def run(self, threads=4, batch=200):
        share = len(self.frames) // threads
        running = [threading.Thread(target=self.produce, args=(self.frames[i * share:(i + 1) * share], batch))
                   for i in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    def produce(self, frames, batch):
        at = furthest = 0
        while not os.path.exists(self.stop_file):
            at = self.send(frames, at, min(at + batch, len(frames)))
            furthest = max(furthest, at)
            at %= len(frames)
        with self.lock:
            self.different += furthest

    def send(self, frames, begin, end):
        """Returns up to where all is acknowledged."""
        answers = None
        try:
            with connect(self.address) as connection:
                try:
                    connection.sendall(HELLO + b"".join(frames[begin:end]) + FINISH)
                except BrokenPipeError:
                    pass  # it drains, and has ended its side: what it says decides
                answers = Answers(connection)
            if answers.acked < end - begin and not answers.drained:
                raise RuntimeError(f"{end - begin} sent, only {answers.acked} acknowledged")
        except (OSError, RuntimeError) as problem:
            with self.lock:
                self.failures.append(f"{type(problem).__name__}: {problem}")
        with self.lock:
            self.connections += 1
            self.acked += answers.acked if answers else 0
            self.drained += answers.drained if answers else 0
        return begin + (answers.acked if answers else 0)


def load(address, path, stop_file):
    producer = Load(address, frames_of(path), stop_file)
    producer.run()
    print(f"   {producer.connections} connections, {producer.acked} transactions acknowledged, "
          f"{producer.different} different, {producer.drained} connections drained, {len(producer.failures)} failures", *producer.failures[:5],
          sep="\n   ", flush=True)
    return 0 if producer.acked and not producer.failures else 1


def queue(address, path, count):
    frames = frames_of(path)[:count]
    waiting = []
    for frame in frames:
        connection = connect(address)
        connection.sendall(HELLO + frame + FINISH)
        waiting.append(connection)
    print("queued", flush=True)
    failures = []
    for connection in waiting:
        try:
            if Answers(connection).acked != 1:
                raise RuntimeError("not acknowledged")
        except (OSError, RuntimeError) as problem:
            failures.append(f"{type(problem).__name__}: {problem}")
    print(f"   {len(waiting)} connections waited, {len(failures)} failures", *failures[:5], sep="\n   ", flush=True)
    return 0 if len(waiting) == count and not failures else 1


if __name__ == "__main__":
    command, address, path, last = sys.argv[1:]
    sys.exit(load(address, path, last) if command == "load" else queue(address, path, int(last)))
