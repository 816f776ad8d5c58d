"""Refuses, and names, the system calls by which executions try to get out.

The kernel holds the caller until it has an answer, and the answer is always no: nothing here can
let a call through, and if this process is gone the call fails by itself. Knows nothing about jobs.
"""

from __future__ import annotations

import errno
import fcntl
import struct
from functools import cache

from neox.sandbox.inside import seccomp

# struct seccomp_notif: id, pid, flags, then seccomp_data: number, architecture, pointer, arguments
_NOTICE = struct.Struct("<QIIiIQ6Q")
_ANSWER = struct.Struct("<QqiI")  # struct seccomp_notif_resp: id, value, error, flags
_RECEIVE, _SEND = 0xC0502100, 0xC0182101


@cache
def _names() -> dict[int, str]:
    return seccomp.names()


def refuse(listener: int) -> tuple[str, int] | None:
    """Answer one notice: the call's name and the caller's process id, or None if it has gone."""
    notice = bytearray(_NOTICE.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, notice)
        number, pid, _, call, *_ = _NOTICE.unpack(notice)
        fcntl.ioctl(listener, _SEND, bytearray(_ANSWER.pack(number, 0, -errno.EPERM, 0)))
    except OSError:  # killed meanwhile
        return None
    return _names().get(call, str(call)), pid
