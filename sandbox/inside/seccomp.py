"""The system-call filters: an allow-list, and a monitor that makes attempts to get out countable.

Both are installed once, in the zygote, and inherited; the kernel remembers their constant answers,
so they cost an execution nothing. What the zygote needs beyond an execution is allowed only in the
one form that is harmless in an execution's hands: a fork into a new PID namespace, which takes a
capability that executions have lost, and signals to processes that they cannot have. Where there
are no PID namespaces that does not hold, and each execution gets a second filter, which costs it
some 0.2 ms. Numbers stand by name for each architecture; an unknown architecture means the layer is
absent, not a guess.

sendmsg is on no list: descriptors sent round a circle of sockets outlive their process, and the end
of a pipe among them would never be seen to close.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from neox.sandbox.inside import attempts, kernel

_X86 = (
    "read=0 write=1 open=2 close=3 stat=4 fstat=5 lstat=6 poll=7 lseek=8 mmap=9 mprotect=10 "
    "munmap=11 brk=12 rt_sigaction=13 rt_sigprocmask=14 rt_sigreturn=15 ioctl=16 pread64=17 "
    "pwrite64=18 readv=19 writev=20 access=21 pipe=22 select=23 sched_yield=24 mremap=25 "
    "madvise=28 dup=32 dup2=33 nanosleep=35 getitimer=36 setitimer=38 getpid=39 "
    "sendto=44 recvfrom=45 recvmsg=47 socketpair=53 clone=56 exit=60 wait4=61 kill=62 "
    "uname=63 fcntl=72 fsync=74 ftruncate=77 getcwd=79 chdir=80 rename=82 mkdir=83 rmdir=84 "
    "unlink=87 readlink=89 gettimeofday=96 getrlimit=97 getrusage=98 sysinfo=99 times=100 "
    "getuid=102 getgid=104 geteuid=107 getegid=108 getppid=110 getpgrp=111 capset=126 "
    "sigaltstack=131 prctl=157 arch_prctl=158 gettid=186 time=201 futex=202 "
    "sched_getaffinity=204 getdents64=217 set_tid_address=218 clock_gettime=228 clock_getres=229 "
    "clock_nanosleep=230 exit_group=231 epoll_wait=232 epoll_ctl=233 tgkill=234 openat=257 "
    "mkdirat=258 newfstatat=262 unlinkat=263 readlinkat=267 faccessat=269 pselect6=270 ppoll=271 "
    "set_robust_list=273 epoll_pwait=281 eventfd2=290 epoll_create1=291 dup3=292 "
    "pipe2=293 preadv=295 prlimit64=302 getcpu=309 getrandom=318 "
    "membarrier=324 preadv2=327 statx=332 rseq=334 clone3=435 close_range=436 faccessat2=439"
)
_ARM = (
    "getcwd=17 eventfd2=19 epoll_create1=20 epoll_ctl=21 epoll_pwait=22 dup=23 dup3=24 fcntl=25 "
    "ioctl=29 mkdirat=34 unlinkat=35 ftruncate=46 faccessat=48 chdir=49 openat=56 close=57 "
    "pipe2=59 getdents64=61 lseek=62 read=63 write=64 readv=65 writev=66 pread64=67 pwrite64=68 "
    "preadv=69 pselect6=72 ppoll=73 readlinkat=78 newfstatat=79 fstat=80 fsync=82 capset=91 "
    "exit=93 exit_group=94 set_tid_address=96 futex=98 set_robust_list=99 "
    "nanosleep=101 getitimer=102 setitimer=103 clock_gettime=113 clock_getres=114 "
    "clock_nanosleep=115 sched_getaffinity=123 sched_yield=124 kill=129 tgkill=131 "
    "sigaltstack=132 rt_sigaction=134 rt_sigprocmask=135 rt_sigreturn=139 times=153 uname=160 "
    "getrusage=165 prctl=167 getcpu=168 gettimeofday=169 getpid=172 getppid=173 getuid=174 "
    "geteuid=175 getgid=176 getegid=177 gettid=178 sysinfo=179 socketpair=199 sendto=206 "
    "recvfrom=207 recvmsg=212 brk=214 munmap=215 mremap=216 clone=220 mmap=222 "
    "mprotect=226 madvise=233 wait4=260 prlimit64=261 getrandom=278 "
    "membarrier=283 preadv2=286 statx=291 rseq=293 clone3=435 "
    "close_range=436 faccessat2=439"
)
_ARCHITECTURES = {
    "x86_64": (0xC000003E, _X86, attempts.X86),
    "aarch64": (0xC00000B7, _ARM, attempts.ARM),
}
_X32 = 0x40000000  # numbers from here on are the x32 calls, past any x86-64 list

# Calls of the zygote that no execution may make where it has no PID namespace of its own. clone,
# prlimit64 and tgkill depend on arguments.
_ZYGOTE_ONLY = ("recvmsg", "wait4", "kill", "capset", "prctl")

Line = tuple[int, int, int, int]
_LOAD, _JEQ, _JGE, _JSET, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW: Line = (_RETURN, 0, 0, 0x7FFF0000)
_KILL: Line = (_RETURN, 0, 0, 0x80000000)
_NOTIFY: Line = (_RETURN, 0, 0, 0x7FC00000)
_CLONE_THREAD, _CLONE_NEW = 0x10000, 0x7E020000  # a thread; a namespace of any kind
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_AF_UNIX, _SOCK_DGRAM, _SOCK_TYPE = 1, 2, 0xF
FORK = 0x01200011  # CHILD_SETTID | CHILD_CLEARTID | SIGCHLD
# F_DUPFD, GETFD, SETFD, GETFL, SETFL, DUPFD_CLOEXEC, SETPIPE_SZ, GETPIPE_SZ: nothing that would
# stay with an open file after the process, such as its owner or a lease, and no locks, through
# which executions that read the same libraries could see each other.
_FCNTLS = (0, 1, 2, 3, 4, 1030, 1031, 1032)
_IOCTLS = (0x5401, 0x541B, 0x5450, 0x5451)  # TCGETS FIONREAD FIONCLEX FIOCLEX


def _error(code: int) -> Line:
    return (_RETURN, 0, 0, 0x00050000 | code)


def _argument(index: int, high: bool = False) -> Line:
    return (_LOAD, 0, 0, 16 + 8 * index + 4 * high)


def _null(index: int) -> list[Line]:
    """On to the next line when the pointer is null, else past it."""
    return [_argument(index), (_JEQ, 0, 3, 0), _argument(index, high=True), (_JEQ, 0, 1, 0)]


_REFUSE = _error(errno.EPERM)


def _table() -> tuple[int, dict[str, int], dict[str, int]]:
    """The architecture's mark, what may be called, and what is an attempt to get out."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no table of system calls for {machine}")
    audit, *texts = _ARCHITECTURES[machine]
    allowed, counted = (
        {name: int(n) for name, n in (pair.split("=") for pair in text.split())} for text in texts
    )
    return audit, allowed, counted


def names() -> dict[int, str]:
    """What the monitor reports, by number."""
    _, allowed, counted = _table()
    numbers = {number: name for name, number in counted.items()}
    return numbers | {allowed[name]: name for name in ("clone", "kill")}


def _chain(numbers: list[int], hit: Line, miss: Line) -> list[Line]:
    """`hit` for any of the numbers, else `miss`. A jump reaches 255 lines: enough for the lists."""
    tests: list[Line] = [(_JEQ, len(numbers) - i, 0, n) for i, n in enumerate(numbers)]
    return [*tests, miss, hit]


def fork_flags(own_pid_namespace: bool) -> int:
    """The one way in which the zygote makes an execution."""
    return FORK | (kernel.CLONE_NEWPID if own_pid_namespace else 0)


def allow_list(own_pid_namespace: bool, monitored: bool) -> bytes:
    """Everything not named fails, as a new kernel's new calls must.

    monitored: what is counted passes here, because the monitor's filter stops it.
    """
    audit, number, counted = _table()
    code: list[Line] = [(_LOAD, 0, 0, 4), (_JEQ, 1, 0, audit), _KILL, (_LOAD, 0, 0, 0)]
    if audit == _ARCHITECTURES["x86_64"][0]:
        code += [(_JGE, 0, 1, _X32), _KILL]
    refuse = _ALLOW if monitored else _REFUSE
    special = {
        # The flags lie behind a pointer, where no filter sees them; libc falls back to clone.
        "clone3": [_error(errno.ENOSYS)],
        # Its flags could ask whether another execution has read a file; libc falls back to preadv.
        "preadv2": [_error(errno.ENOSYS)],
        "clone": _clone(own_pid_namespace, refuse),
        "kill": [_argument(0), (_JEQ, 0, 1, 1), _REFUSE, *_to_others(refuse)],
        # A datagram socket can send to any address, even out of a pair.
        "socketpair": [
            _argument(0), (_JEQ, 0, 4, _AF_UNIX), _argument(1), (_AND, 0, 0, _SOCK_TYPE),
            (_JEQ, 1, 0, _SOCK_DGRAM), _ALLOW, _REFUSE,
        ],
        "sendto": [*_null(4), _ALLOW, _REFUSE],
        "ioctl": [_argument(1), *_chain(list(_IOCTLS), _ALLOW, _error(errno.ENOTTY))],
        "fcntl": [_argument(1), *_chain(list(_FCNTLS), _ALLOW, _error(errno.EINVAL))],
    }  # fmt: skip
    if own_pid_namespace:
        special["tgkill"] = [_argument(0), (_JEQ, 0, 1, 1), _ALLOW, _REFUSE]
        special["prctl"] = [_REFUSE]
    for name, block in special.items():
        code += [(_JEQ, 0, len(block), number.pop(name)), *block]
    passing = [*number.values(), *(counted.values() if monitored else ())]
    return _pack([*code, *_chain(passing, _ALLOW, _REFUSE)])


def monitor(own_pid_namespace: bool) -> bytes:
    """Hands every attempt to whoever holds the listener, who refuses it; allows all else."""
    audit, number, counted = _table()
    code: list[Line] = [(_LOAD, 0, 0, 4), (_JEQ, 1, 0, audit), _ALLOW, (_LOAD, 0, 0, 0)]
    special = {
        "clone": _clone(own_pid_namespace, _NOTIFY),
        "kill": [_argument(0), (_JEQ, 0, 1, 1), _ALLOW, *_to_others(_NOTIFY)],
    }
    for name, block in special.items():
        code += [(_JEQ, 0, len(block), number[name]), *block]
    return _pack([*code, *_chain(list(counted.values()), _NOTIFY, _ALLOW)])


def _clone(own_pid_namespace: bool, refuse: Line) -> list[Line]:
    """The zygote's fork, or a thread in no new namespace; the high half of the flags is unused."""
    flags = fork_flags(own_pid_namespace)
    return [
        _argument(0), (_JEQ, 0, 1, flags), _ALLOW, (_JSET, 0, 1, _CLONE_NEW), refuse,
        (_JSET, 0, 1, _CLONE_THREAD), _ALLOW, refuse,
    ]  # fmt: skip


def _to_others(refuse: Line) -> list[Line]:
    """Process ids above 1: neither the init of the namespace, nor a group, nor everyone."""
    return [(_JGE, 0, 3, 2), (_JGE, 1, 0, 0x80000000), _ALLOW, refuse, refuse]


def execution_filter() -> bytes:
    """What one execution without a PID namespace loses: processes, limits, privileges, messages."""
    _, number, _ = _table()
    special = {
        "clone": [_argument(0), (_JSET, 0, 1, _CLONE_THREAD), _ALLOW, _REFUSE],
        "prlimit64": [*_null(2), _ALLOW, _REFUSE],  # reading the limits is fine
        "tgkill": [_REFUSE],
        # Clocks from here on are the CPU times of any process there is.
        "clock_gettime": [_argument(0), (_JGE, 0, 1, 0x80000000), _REFUSE, _ALLOW],
    }
    code: list[Line] = [(_LOAD, 0, 0, 0)]
    for name, block in special.items():
        code += [(_JEQ, 0, len(block), number[name]), *block]
    return _pack([*code, *_chain([number[name] for name in _ZYGOTE_ONLY], _REFUSE, _ALLOW)])


def _pack(code: list[Line]) -> bytes:
    return b"".join(struct.pack("<HBBI", *line) for line in code)


class Filter:
    """A program ready to install; needs no_new_privs and cannot be undone."""

    def __init__(self, program: bytes) -> None:
        self._code = ctypes.create_string_buffer(program, len(program))
        header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(self._code))
        self._header = ctypes.create_string_buffer(header, 16)
        self._address = ctypes.c_ulong(ctypes.addressof(self._header))
        self._prctl = kernel.libc.prctl
        self._mode = ctypes.c_ulong(2)  # SECCOMP_MODE_FILTER

    def install(self) -> None:
        if self._prctl(kernel.PR_SET_SECCOMP, self._mode, self._address, 0, 0):
            raise OSError(ctypes.get_errno(), "seccomp")

    def listen(self) -> int:
        """Install it and return the descriptor at which its notifications arrive."""
        call, set_filter, new_listener = ctypes.c_long(_SECCOMP[platform.machine()]), 1, 8
        longs = [call, ctypes.c_ulong(set_filter), ctypes.c_ulong(new_listener), self._address]
        return kernel.checked(kernel.libc.syscall(*longs), "seccomp listener")
