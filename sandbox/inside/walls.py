"""Puts a fresh interpreter behind every wall that holds for all its executions, in the one order
that works: each step is where it is because a later one depends on it.

Returns what stands and why the rest does not; knows nothing about jobs. `without` leaves a wall
out, so that the tests can see each self-test fail.
"""

from __future__ import annotations

import _socket
import errno
import os
import resource
import struct
import sys
from collections.abc import Callable
from typing import Any

from neox.sandbox.inside import files, kernel, seccomp

Layers = dict[str, list[Any]]  # name -> [active, why or detail]
NAMESPACES = kernel.CLONE_NEWUSER | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
_NAMES = ("user_namespace", "net_namespace", "ipc_namespace", "uts_namespace", "pid_namespace")
INSIDE_ID = 1000
NPROC = 24  # the zygote, its parent, and the threads of one execution
SHARED_NPROC = 1024  # beyond what the user had at the start, where others of the user's are counted


class Walls:
    """Builds up `layers` by name; `__call__` returns in the process that is to be the zygote."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._trees, self._hidden = settings["trees"], settings["hidden"]
        self._uid: int = settings["uid"]
        self._without = frozenset(settings["without"])
        self.layers: Layers = {}

    def __call__(self) -> None:
        parent = os.getppid()
        process = os.open("/proc", os.O_PATH) if os.path.exists("/proc/self") else -1
        if os.getuid() == 0:  # before the uid goes: only root can pass /root to bind from it
            self._try("mount_namespace", self._mounts_as_root)
        self._try("uid", self._drop_uid)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # the uid change took uid_map away from us
        self._try("die_with_parent", lambda: _die_with(parent))
        self._namespaces(process)
        if process >= 0:
            os.close(process)
        if "pid_namespace" in self.layers and self.layers["pid_namespace"][0]:
            self._become_init()
        self._try("rlimits", self._limits)
        kernel.drop_bounding_set()
        self._try("no_new_privs", _no_new_privs)
        self._try("landlock", self._landlock)

    def seal(self, supervisor: int) -> None:
        """The system-call filters, last: nothing may be needed afterwards that they refuse.

        The monitor's listener goes to the supervisor, by the socket: nothing in here may answer it.
        """
        own = self.layers["pid_namespace"][0]

        def watch() -> None:
            listener = seccomp.Filter(seccomp.monitor(own)).listen()
            rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", listener))
            channel = _socket.socket(fileno=os.dup(supervisor))
            try:
                channel.sendmsg([b"listener"], [rights])
            finally:
                channel.close()
                os.close(listener)

        def install() -> None:
            seccomp.Filter(seccomp.allow_list(own, self.layers["monitor"][0])).install()

        if "seccomp" not in self._without:
            self._try("monitor", watch)
        else:
            self.layers["monitor"] = [False, "needs seccomp"]
        self._try("seccomp", install)

    def _try(self, name: str, action: Callable[[], Any]) -> None:
        if name in self._without:
            self.layers[name] = [False, "left out on request"]
            return
        try:
            self.layers[name] = [True, str(action() or "")]
        except (OSError, AttributeError, KeyError, StopIteration) as error:
            self.layers[name] = [False, f"{type(error).__name__}: {error}"]

    def _mounts_as_root(self) -> None:
        kernel.unshare(kernel.CLONE_NEWNS)
        files.new_root(self._trees, self._hidden)

    def _drop_uid(self) -> str:
        if os.getuid() != 0:
            return f"ordinary user {os.getuid()}"
        if not os.access(self._trees[0], os.R_OK) or not self._public():
            raise OSError(errno.EACCES, "other users cannot read the interpreter's library")
        os.setgroups([])
        for uid in (self._uid, 65534):  # in a container only the small ids may be mapped
            try:
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
            except OSError as error:
                if error.errno != errno.EINVAL or uid == 65534:
                    raise
            else:
                break
        try:
            os.setresuid(0, 0, 0)
        except PermissionError:
            return f"uid {uid}"
        raise OSError(errno.EPERM, "root came back")

    def _public(self) -> bool:
        """May any user enter the folders above the library and read it?"""
        path = self._trees[0]
        while os.stat(path).st_mode & 0o5 == 0o5:
            if path == "/":
                return True
            path = os.path.dirname(path)
        return False

    def _namespaces(self, process: int) -> None:
        """User, network, IPC, UTS and PID; for an ordinary user the mounts come here."""
        mounts = "mount_namespace" not in self.layers and "mount_namespace" not in self._without
        flags = NAMESPACES | (kernel.CLONE_NEWNS if mounts else 0)
        wanted = [name for name in _NAMES if name not in self._without]
        flags |= kernel.CLONE_NEWPID if "pid_namespace" in wanted else 0
        flags &= ~(kernel.CLONE_NEWNET if "net_namespace" not in wanted else 0)
        uid, gid = os.getuid(), os.getgid()
        ipc = _ipc(process)

        def enter() -> None:
            kernel.unshare(flags)
            for name, text in (
                ("setgroups", "deny"),
                ("uid_map", f"{INSIDE_ID} {uid} 1"),
                ("gid_map", f"{INSIDE_ID} {gid} 1"),
            ):
                _write(process, f"self/{name}", text)

        try:
            if "user_namespace" not in wanted:
                raise OSError(errno.EPERM, "left out on request")
            _rehearse(enter)
            enter()
        except OSError as error:
            for name in (*_NAMES, *(["mount_namespace"] if mounts else [])):
                self.layers[name] = [False, str(error)]
            return
        for name in _NAMES:
            self._try(name, lambda: "")
        if mounts:
            self._try("mount_namespace", lambda: files.new_root(self._trees, self._hidden))
        self._try("net_namespace", _no_network)
        if ipc == _ipc(process):
            self.layers["ipc_namespace"] = [False, "still the host's"]
        self._try("uts_namespace", lambda: kernel.sethostname(b"sandbox"))

    def _become_init(self) -> None:
        """The child goes on as PID 1 of the namespace; this process only holds the line."""
        outer = os.getpid()
        pid = os.fork()
        if pid == 0:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, kernel.SIGKILL)
            if os.getpid() != 1:
                raise OSError(errno.EPERM, f"child of {outer} is not PID 1")
            return
        os.closerange(0, 256)
        os.waitpid(pid, 0)
        os._exit(0)

    def _limits(self) -> str:
        limits = {"CORE": 0, "NOFILE": 64, "MEMLOCK": 0, "MSGQUEUE": 0, "STACK": 64 << 20}
        own_user = self.layers["user_namespace"][0] or os.getuid() >= 1 << 30
        if own_user or os.getuid():  # the kernel does not hold root to it
            limits["NPROC"] = NPROC if own_user else _tasks_of(os.getuid()) + SHARED_NPROC
        for name, value in limits.items():
            _, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))
        names = "address space, CPU, file size, descriptors, stack"
        return names + (", tasks" if own_user else ", tasks of the user's" * ("NPROC" in limits))

    def _landlock(self) -> str:
        trees = [tree for tree in self._trees if os.path.exists(tree)]
        return f"ABI {files.landlock(trees, self._hidden)}"


def _tasks_of(uid: int) -> int:
    """How many threads all processes of a user have: what the kernel counts against the limit."""
    found = 0
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        try:
            seen = os.stat(f"/proc/{name}/task")
        except OSError:
            continue
        found += (seen.st_nlink - 2) * (seen.st_uid == uid)
    return found


def _die_with(parent: int) -> None:
    kernel.prctl(kernel.PR_SET_PDEATHSIG, kernel.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent has gone")


def _rehearse(action: Callable[[], None]) -> None:
    """Do it in a child first: half a namespace cannot be left again. OSError as `action`'s."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or errno.EPERM)
        finally:
            os._exit(errno.EPERM)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise OSError(abs(code), os.strerror(abs(code)))


def _ipc(process: int) -> str:
    return os.readlink("self/ns/ipc", dir_fd=process) if process >= 0 else ""


def _no_new_privs() -> None:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if kernel.libc.prctl(kernel.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1:
        raise OSError(errno.EPERM, "privileges could come back")


def _write(process: int, name: str, text: str) -> None:
    handle = os.open(name, os.O_WRONLY, dir_fd=process)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


def _no_network() -> str:
    """Proof by attempt, made before the filter refuses sockets as such."""
    names = [name for _, name in _socket.if_nameindex()]
    attempt = _socket.socket()
    attempt.settimeout(0.5)
    code = attempt.connect_ex(("127.0.0.1", 9))
    attempt.close()
    if code != errno.ENETUNREACH:
        raise OSError(code, f"the network answers; interfaces {names}")
    return f"interfaces {names}, all down"
