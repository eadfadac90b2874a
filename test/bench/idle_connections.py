"""What an idle connection costs the broker: its memory, and that of the kernel, with as many as the limits of files allow."""
import resource
import socket
import struct
import time

from bench.on_this_machine import memory_mib
from harness.brokers import MillraceBroker

WANTED = 10_000
GOAL_KIB = 16
FILES_ASIDE = 500
ADDRESSES = 8  # of 127.0.0.0/8 that the connections come from: one address has too few ports and a bound of its own


def api_versions_request(client):
    body = struct.pack(">hhih", 18, 0, 1, len(client)) + client
    return struct.pack(">i", len(body)) + body


def answer(connection):
    wanted = b""
    while len(wanted) < 4:
        wanted += connection.recv(4 - len(wanted))
    left = struct.unpack(">i", wanted)[0]
    while left > 0:
        left -= len(connection.recv(left))


def connect(port, number):
    connection = socket.socket()
    connection.bind((f"127.0.0.{2 + number % ADDRESSES}", 0))
    connection.connect(("127.0.0.1", port))
    # Whoever never asks is sent away.
    connection.sendall(api_versions_request(b"idle"))
    answer(connection)
    return connection


def broker_kib(broker):
    with open(f"/proc/{broker.pid}/smaps_rollup", encoding="ascii") as file:
        return memory_mib(file.read())[1] * 1024


def kernel_kib():
    """Slabs of the whole machine: sockets, files and epoll entries of both ends are in them."""
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Slab:"))


def measure(table):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(WANTED, hard - FILES_ASIDE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count + FILES_ASIDE)), hard))
    broker = MillraceBroker()
    connections = []
    try:
        broker.start()
        # What is made once, for the first request of a shard.
        connections += [connect(broker.port, number) for number in range(20)]
        time.sleep(2)
        before, kernel_before = broker_kib(broker), kernel_kib()
        connections += [connect(broker.port, number) for number in range(count)]
        time.sleep(3)
        table.row(f"an idle connection of {count}, memory of the broker", [(broker_kib(broker) - before) / count], "KiB", GOAL_KIB)
        table.row("  of the kernel, both ends", [(kernel_kib() - kernel_before) / count], "KiB")
    finally:
        for connection in connections:
            connection.close()
        broker.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
