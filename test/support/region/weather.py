"""Carries frames between two network devices, late, at a limited rate and with losses. Linux has `netem` for this, but not every
kernel is built with it. As it works on packets, TCP at both ends sees what it would see: longer round trips, queues, repeats.

python3 weather.py BRIDGE, then a JSON object a line: {"line": [DEVICE, DEVICE], "late_s": 0.1, "bytes_per_s": 0, "lossy": 0.3};
a rate of 0 is none. Answers each with a line once it holds. Ends with its standard input.
"""

import heapq, json, os, random, select, socket, sys, time

SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 263, 15, 23
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
# For the time that this process has to wait for a core: what does not fit is lost, which nobody has asked for.
BUFFER_BYTES = 2**24
ETH_P_ALL = 3
# What precedes each frame: where its checksum is still to be computed, which the next device is told in turn.
VNET_HDR_BYTES = 10
# A router's queue: what would have to wait longer than this is dropped, unless it is one of few.
QUEUE_S = 0.5
QUEUE_BYTES_MIN = 15_000


class Way:
    """From one device to the other."""

    def __init__(self):
        self.late_s = self.bytes_per_s = self.lossy = self.free_at = 0

    def due_at(self, now, size):
        """When the frame arrives; None if it never does."""
        if random.random() < self.lossy:
            return None
        if self.bytes_per_s == 0:
            return now + self.late_s
        begin = max(now, self.free_at)
        if begin - now > max(QUEUE_S, QUEUE_BYTES_MIN / self.bytes_per_s):
            return None
        self.free_at = begin + size / self.bytes_per_s
        return self.free_at + self.late_s


def tap(device):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    raw.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    raw.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    raw.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_BYTES)
    raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    raw.bind((device, 0))
    raw.setblocking(False)
    return raw


lines = {}
ways = {}
waiting = []
poll = select.poll()
poll.register(0, select.POLLIN)


def obey(text):
    order = json.loads(text)
    devices = tuple(order["line"])
    if devices not in lines:
        a, b = map(tap, devices)
        lines[devices] = [Way(), Way()]
        for source, target, way in ((a, b, lines[devices][0]), (b, a, lines[devices][1])):
            ways[source.fileno()] = (source, target, way)
            poll.register(source, select.POLLIN)
    for way in lines[devices]:
        way.late_s, way.bytes_per_s = order["late_s"], order["bytes_per_s"]
        way.lossy, way.free_at = order["lossy"], 0
    print(text, flush=True)


def take(source, target, way):
    while True:
        try:
            frame = source.recv(70_000)
        except OSError:
            # Nothing more; or the device is down, which is how a host is cut off, and comes up again.
            return
        due_at = way.due_at(time.monotonic(), len(frame) - VNET_HDR_BYTES)
        if due_at is not None:
            heapq.heappush(waiting, (due_at, time.monotonic_ns(), target, frame))


def deliver():
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, target, frame = heapq.heappop(waiting)
        try:
            target.send(frame)
        except OSError:
            # Cut off, or its queue is full: lost.
            pass


rest = b""
while True:
    wait_ms = None if not waiting else max(0, (waiting[0][0] - time.monotonic()) * 1000)
    for fd, _ in poll.poll(wait_ms):
        if fd != 0:
            take(*ways[fd])
            continue
        read = os.read(0, 65_536)
        if read == b"":
            sys.exit()
        *texts, rest = (rest + read).split(b"\n")
        for text in texts:
            obey(text.decode())
    deliver()
