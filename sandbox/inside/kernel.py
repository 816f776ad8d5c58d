"""System calls the standard library does not offer, through ctypes; each raises OSError.

Knows nothing about jobs. Constants are those of the Linux headers.
"""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Any

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_GET_TID_ADDRESS = 24, 38, 39, 40
SIGKILL = 9
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

libc: Any = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """`result`, or OSError from errno when it is negative."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def prctl(option: int, argument: int = 0, second: int = 0) -> None:
    longs = [ctypes.c_ulong(number) for number in (argument, second, 0, 0)]
    checked(libc.prctl(option, *longs), f"prctl {option}")


def unshare(flags: int) -> None:
    checked(libc.unshare(flags), "unshare")


def sethostname(name: bytes) -> None:
    checked(libc.sethostname(name, ctypes.c_size_t(len(name))), "sethostname")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    checked(
        libc.mount(
            source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()
        ),
        f"mount {target}",
    )


def pivot_root(new: str, old: str) -> None:
    number = PIVOT_ROOT[os.uname().machine]
    checked(libc.syscall(number, new.encode(), old.encode()), "pivot_root")


def detach(target: str) -> None:
    checked(libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def drop_bounding_set() -> None:
    """No capability can be gained again, not even by exec."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            return  # past the last one this kernel knows, or none was held


_capset = libc.capset


_load = ctypes.create_string_buffer(256)  # struct sysinfo: the load averages are at 8


def overloaded() -> bool:
    """Are more processes ready to run than there are processors to run them?"""
    libc.sysinfo(_load)
    (load,) = struct.unpack_from("@L", _load, 8)
    return bool(load / 65536 > len(os.sched_getaffinity(0)))


class Fork:
    """`clone` without the library's and the interpreter's care for threads: there are none.

    It makes the PID namespace in the same call, and touches far fewer pages than `os.fork`, each of
    which would be copied. The C library keeps a thread's id in a place that the kernel can fill in.
    """

    def __init__(self, flags: int) -> None:
        place = ctypes.c_void_p()
        if libc.prctl(PR_GET_TID_ADDRESS, ctypes.byref(place), 0, 0, 0) or not place.value:
            self._spare = ctypes.create_string_buffer(8)
            place = ctypes.c_void_p(ctypes.addressof(self._spare))
        machine = os.uname().machine
        number = ctypes.c_long(_CLONE[machine])
        ids = [place, None] if machine == "x86_64" else [None, place]  # the order of two arguments
        self._arguments = (number, ctypes.c_ulong(flags), None, None, *ids)
        self._call = ctypes.PyDLL(None, use_errno=True).syscall  # keeps the interpreter's lock

    def __call__(self) -> int:
        """0 in the child, its process id in the parent. OSError."""
        return checked(self._call(*self._arguments), "clone")


_CLONE = {"x86_64": 56, "aarch64": 220}


class NoCapabilities:
    """`capset` to the empty sets, prepared so that the call itself allocates nothing."""

    def __init__(self) -> None:
        self._header = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0), 8)
        self._sets = ctypes.create_string_buffer(24)

    def __call__(self) -> None:
        if _capset(self._header, self._sets):
            raise OSError(ctypes.get_errno(), "capset")
