"""The fixed headers between the supervisor, its zygotes and the executions.

A job is one SOCK_SEQPACKET packet: HEADER, then the payload, or the payload in a descriptor when
INLINE does not hold it. A reply is HEADER's counterpart REPLY on a stream, then the claims and the
output. Claims are frames that an execution wrote into its pipe: length, kind, JSON.
Knows nothing about what the payloads mean.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

# number, wall and CPU seconds, MiB of address space, bytes of output and of payload, kind, number
# of channels, payload by descriptor?
HEADER = struct.Struct("<QddIIIBBB")
CALL, SCRIPT, SERVE, CHECK, COUNT, EVALUATE = range(6)
INLINE = 32 << 10  # two such packets always fit into a socket's buffer

# number, flags, wait status, CPU seconds, wall seconds, peak KiB, bytes of claims, of output
REPLY = struct.Struct("<QBiddIII")
DEADLINE, OVERFLOW = 1, 2

PATIENCE = 4  # times the wall limit, for what computes on an overloaded machine
PIPE_BYTES = 1 << 20  # all the claims of one execution
MAX_CLAIMS = PIPE_BYTES - (64 << 10)  # page slack: the pipe must never block an honest writer
FRAME = struct.Struct("<IB")
VALUE, RAISED, NOT_PLAIN, BROKEN, TOO_LARGE, END = range(6)


def frames(data: bytes | memoryview, most: int) -> Iterator[tuple[int, bytes]]:
    """The first `most` frames in `data`; a partial one at the end is left out.

    A pipe holds 200,000 empty frames: reading all would cost the supervisor a second.
    """
    position = 0
    while most > 0 and position + FRAME.size <= len(data):
        most -= 1
        length, kind = FRAME.unpack_from(data, position)
        position += FRAME.size
        if position + length > len(data):
            return
        yield kind, bytes(data[position : position + length])
        position += length
