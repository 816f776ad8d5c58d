"""Refuses, and names, the system calls by which executions try to get out.

The kernel holds the caller until it has an answer, and the answer is always no: nothing here can
let a call through, and if this process is gone the call fails by itself. Knows nothing about jobs.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
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


def refuse(listener: int, last: bool) -> str | None:
    """Answer one notice: the call's name, or None if the caller has gone. `last`: end it as well.

    It is killed while it waits for the answer: until then its id cannot be another process's.
    """
    notice = bytearray(_NOTICE.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, notice)
    except OSError:  # killed meanwhile
        return None
    number, pid, _, call, *_ = _NOTICE.unpack(notice)
    with contextlib.suppress(OSError):
        if last and pid:
            os.kill(pid, signal.SIGKILL)
        fcntl.ioctl(listener, _SEND, bytearray(_ANSWER.pack(number, 0, -errno.EPERM, 0)))
    return _names().get(call, str(call))
