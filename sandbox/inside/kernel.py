"""The kernel's walls, through ctypes: no_new_privs, Landlock, seccomp.

Each function either puts a wall up or raises OSError. Knows nothing about jobs.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable

_libc = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SECCOMP_MODE_FILTER = 2
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
READ_FILE, READ_DIR, WRITE_FILE = 1 << 2, 1 << 3, 1 << 1

# Audit architecture, and the number of each allowed call. Everything else fails with EPERM: a new
# kernel's new calls are refused by default.
_X86 = (
    "read=0 write=1 open=2 close=3 stat=4 fstat=5 lstat=6 poll=7 lseek=8 mmap=9 mprotect=10 "
    "munmap=11 brk=12 rt_sigaction=13 rt_sigprocmask=14 rt_sigreturn=15 ioctl=16 pread64=17 "
    "pwrite64=18 readv=19 writev=20 access=21 pipe=22 select=23 sched_yield=24 mremap=25 "
    "mincore=27 madvise=28 dup=32 dup2=33 nanosleep=35 getitimer=36 getpid=39 clone=56 exit=60 "
    "uname=63 fcntl=72 fsync=74 ftruncate=77 getcwd=79 readlink=89 gettimeofday=96 getrlimit=97 "
    "getrusage=98 sysinfo=99 times=100 getuid=102 getgid=104 geteuid=107 getegid=108 getppid=110 "
    "getpgrp=111 sigaltstack=131 arch_prctl=158 gettid=186 time=201 futex=202 "
    "sched_getaffinity=204 getdents64=217 set_tid_address=218 clock_gettime=228 clock_getres=229 "
    "clock_nanosleep=230 exit_group=231 epoll_wait=232 epoll_ctl=233 openat=257 newfstatat=262 "
    "readlinkat=267 faccessat=269 pselect6=270 ppoll=271 set_robust_list=273 eventfd2=290 "
    "epoll_create1=291 dup3=292 pipe2=293 prlimit64=302 getcpu=309 getrandom=318 membarrier=324 "
    "statx=332 rseq=334 clone3=435 close_range=436 faccessat2=439"
)
_ARM = (
    "getcwd=17 eventfd2=19 epoll_create1=20 epoll_ctl=21 epoll_pwait=22 dup=23 dup3=24 fcntl=25 "
    "ioctl=29 ftruncate=46 faccessat=48 openat=56 close=57 pipe2=59 getdents64=61 lseek=62 "
    "read=63 write=64 readv=65 writev=66 pread64=67 pwrite64=68 pselect6=72 ppoll=73 "
    "readlinkat=78 newfstatat=79 fstat=80 fsync=82 exit=93 exit_group=94 set_tid_address=96 "
    "futex=98 set_robust_list=99 nanosleep=101 getitimer=102 clock_gettime=113 clock_getres=114 "
    "clock_nanosleep=115 sched_getaffinity=123 sched_yield=124 sigaltstack=132 rt_sigaction=134 "
    "rt_sigprocmask=135 rt_sigreturn=139 times=153 uname=160 getrusage=165 gettimeofday=169 "
    "getpid=172 getppid=173 getuid=174 geteuid=175 getgid=176 getegid=177 gettid=178 sysinfo=179 "
    "brk=214 munmap=215 mremap=216 clone=220 mmap=222 mprotect=226 mincore=232 madvise=233 "
    "prlimit64=261 getrandom=278 membarrier=283 statx=291 rseq=293 clone3=435 close_range=436 "
    "faccessat2=439"
)
_ARCHITECTURES = {"x86_64": (0xC000003E, _X86), "aarch64": (0xC00000B7, _ARM)}

_LOAD, _JEQ, _JGE, _JSET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD = 0x10000
_HARMLESS_IOCTLS = (0x5401, 0x5451, 0x5450, 0x541B)  # TCGETS FIOCLEX FIONCLEX FIONREAD


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def prctl(option: int, *args: int) -> None:
    padded = [ctypes.c_ulong(a) for a in (*args, 0, 0, 0, 0)[:4]]
    _checked(_libc.prctl(option, *padded), f"prctl {option}")


def no_new_privileges() -> None:
    prctl(PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent() -> None:
    """SIGKILL when the thread that started this process ends."""
    prctl(PR_SET_PDEATHSIG, 9)


def drop_capabilities() -> str:
    """Give up every capability; without exec none can come back."""
    for capability in range(64):
        if _libc.prctl(24, ctypes.c_ulong(capability), 0, 0, 0) < 0:  # PR_CAPBSET_DROP
            break  # past the last one this kernel knows
    header = ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0), 8)
    _checked(_libc.capset(header, ctypes.create_string_buffer(24)), "capset")
    return "none left"


def undumpable() -> None:
    prctl(PR_SET_DUMPABLE, 0)


def seccomp_program() -> bytes:
    """The filter as struct sock_filter[]; OSError where this architecture has no table."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no table of system calls for {machine}")
    audit, table = _ARCHITECTURES[machine]
    number = {n: int(v) for n, v in (pair.split("=") for pair in table.split())}
    code: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, 4),
        (_JEQ, 1, 0, audit),
        (_RETURN, 0, 0, _KILL),  # another architecture's numbers mean other calls
        (_LOAD, 0, 0, 0),
    ]
    if machine == "x86_64":
        code += [(_JGE, 0, 1, 0x40000000), (_RETURN, 0, 0, _KILL)]  # the x32 numbering

    def when(call: str, block: list[tuple[int, int, int, int]]) -> None:
        code.append((_JEQ, 0, len(block), number.pop(call)))
        code.extend(block)

    refuse, allow = (_RETURN, 0, 0, _ERRNO | errno.EPERM), (_RETURN, 0, 0, _ALLOW)
    when("clone", [(_LOAD, 0, 0, 16), (_JSET, 0, 1, _CLONE_THREAD), allow, refuse])
    when("clone3", [(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)])  # libc then falls back to clone
    # prlimit64 may read limits, not set them: the new limit (argument 2) must be null
    when(
        "prlimit64",
        [(_LOAD, 0, 0, 32), (_JEQ, 0, 3, 0), (_LOAD, 0, 0, 36), (_JEQ, 0, 1, 0), allow, refuse],
    )
    tests = [(_JEQ, len(_HARMLESS_IOCTLS) - i, 0, c) for i, c in enumerate(_HARMLESS_IOCTLS)]
    when("ioctl", [(_LOAD, 0, 0, 24), *tests, refuse, allow])
    left = list(number.values())
    code += [(_JEQ, len(left) - i, 0, n) for i, n in enumerate(left)]
    code += [refuse, allow]
    return b"".join(struct.pack("<HBBI", *line) for line in code)


class Seccomp:
    """A filter ready to install; `install` needs no_new_privs and cannot be undone."""

    def __init__(self) -> None:
        program = seccomp_program()
        self._instructions = ctypes.create_string_buffer(program, len(program))
        self._header = ctypes.create_string_buffer(
            struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(self._instructions)), 16
        )

    def install(self) -> None:
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(self._header))


def landlock_abi() -> int:
    """The kernel's Landlock version; OSError where it has none."""
    return _checked(
        _libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(1)), "Landlock"
    )


def landlock(readable: Iterable[str], devices: Iterable[str]) -> int:
    """Leave this process only reading below `readable`, and reading and writing `devices`.

    Handles every right the kernel knows (no TCP, no abstract sockets or signals outwards where it
    can) and grants nothing else. Returns the ABI.
    """
    abi = landlock_abi()
    files = (1 << 13) - 1
    for version, bit in ((2, 13), (3, 14), (5, 15)):
        if abi >= version:
            files |= 1 << bit
    network = 0b11 if abi >= 4 else 0
    scoped = 0b11 if abi >= 6 else 0
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    attributes = ctypes.create_string_buffer(struct.pack("<QQQ", files, network, scoped), 24)
    ruleset = _checked(
        _libc.syscall(LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), ctypes.c_uint(0)),
        "landlock_create_ruleset",
    )
    try:
        for path in readable:
            rights = READ_FILE | READ_DIR if os.path.isdir(path) else READ_FILE
            _grant(ruleset, path, rights)
        for path in devices:
            _grant(ruleset, path, READ_FILE | WRITE_FILE)
        _checked(
            _libc.syscall(LANDLOCK_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint(0)),
            "landlock_restrict_self",
        )
    finally:
        os.close(ruleset)
    return abi


def _grant(ruleset: int, path: str, rights: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = ctypes.create_string_buffer(struct.pack("<Qi", rights, handle), 12)
        _checked(
            _libc.syscall(
                LANDLOCK_ADD, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0)
            ),
            "landlock_add_rule",
        )
    finally:
        os.close(handle)
