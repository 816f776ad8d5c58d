"""What an execution can see of the file system: read-only libraries and three devices.

Two walls say the same: Landlock, which works unprivileged nearly everywhere, and a mount namespace
with a root of its own. Installed packages are hidden in both, since they may hold the very data
sets whose answers are asked for. Knows nothing about jobs.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator, Sequence

from neox.sandbox.inside import kernel

READABLE_DEVICES = ("/dev/zero", "/dev/urandom")
SINK = "/dev/null"
SEALED = "/sealed"  # stands in the new root, outside Landlock's list: proves Landlock by itself

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_FILE_RIGHTS = ((1, 0x1FFF), (2, 1 << 13), (3, 1 << 14), (5, 1 << 15))


def landlock_abi() -> int:
    """The kernel's Landlock version; OSError where it has none."""
    return kernel.checked(
        kernel.libc.syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(1)), "Landlock"
    )


def landlock(trees: Sequence[str], hidden: Sequence[str]) -> int:
    """Leave this process reading below `trees` without `hidden`, and writing /dev/null.

    Every right the kernel knows is handled and nothing else granted: no TCP, and where it can, no
    signals and no abstract sockets outwards. Returns the ABI.
    """
    abi = landlock_abi()
    rights = 0
    for version, bits in _FILE_RIGHTS:
        rights |= bits if abi >= version else 0
    attributes = struct.pack("<QQQ", rights, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = kernel.checked(
        kernel.libc.syscall(
            _CREATE,
            ctypes.create_string_buffer(attributes, 24),
            ctypes.c_size_t(size),
            ctypes.c_uint(0),
        ),
        "landlock_create_ruleset",
    )
    try:
        for path, allowed in _grants(trees, hidden):
            _grant(ruleset, path, allowed)
        for path in READABLE_DEVICES:
            _grant(ruleset, path, _READ_FILE)
        _grant(ruleset, SINK, _READ_FILE | _WRITE_FILE)
        kernel.checked(
            kernel.libc.syscall(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint(0)),
            "landlock_restrict_self",
        )
    finally:
        os.close(ruleset)
    return abi


def _grants(trees: Sequence[str], hidden: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Rules only ever add, so a tree with something hidden is granted entry by entry."""
    for tree in trees:
        if tree in hidden or not os.path.exists(tree):
            continue
        if not os.path.isdir(tree):
            yield tree, _READ_FILE
        elif any(path.startswith(tree + "/") for path in hidden):
            yield from _grants([entry.path for entry in os.scandir(tree)], hidden)
        else:
            yield tree, _READ_FILE | _READ_DIR


def _grant(ruleset: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # a dangling link in a library folder: not granted
    try:
        if not os.path.isdir(path):
            rights &= _READ_FILE | _WRITE_FILE  # folder rights on a file are an error
        rule = ctypes.create_string_buffer(struct.pack("<Qi", rights, handle), 12)
        kernel.checked(
            kernel.libc.syscall(_ADD, ctypes.c_int(ruleset), 1, rule, ctypes.c_uint(0)),
            f"landlock_add_rule {path}",
        )
    finally:
        os.close(handle)


def new_root(trees: Sequence[str], hidden: Sequence[str]) -> None:
    """Replace the root of this mount namespace by an empty read-only one with `trees` in it."""
    kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    root = next(
        path
        for path in ("/mnt", "/media", "/srv", "/opt", "/home", "/tmp", "/var")
        if os.path.isdir(path) and not any(t == path or t.startswith(path + "/") for t in trees)
    )
    plain = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("none", root, "tmpfs", plain, "size=1m,mode=755")
    for tree in trees:
        _bind(tree, root + tree, kernel.MS_RDONLY | plain)
    for path in hidden:
        kernel.mount("none", root + path, "tmpfs", plain | kernel.MS_RDONLY, "size=4k,mode=755")
    for device in (SINK, *READABLE_DEVICES):
        _bind(device, root + device, kernel.MS_NOSUID | kernel.MS_NOEXEC)
    with open(root + SEALED, "w") as file:
        file.write("sealed")
    os.makedirs(root + "/tmp", exist_ok=True)
    for path in ("/lib", "/lib64"):  # links on merged systems; the loader asks for them
        if os.path.islink(path) and not os.path.lexists(root + path):
            os.symlink(os.readlink(path), root + path)
    os.mkdir(root + "/.old")
    kernel.pivot_root(root, root + "/.old")
    os.chdir("/")
    kernel.detach("/.old")
    os.rmdir("/.old")
    kernel.mount("none", "/", "", kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | plain)


def _bind(source: str, target: str, flags: int) -> None:
    """A bind mount of a file or folder; a user namespace must keep the source's locked flags."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        open(target, "w").close()
    kernel.mount(source, target, "", kernel.MS_BIND | kernel.MS_REC)
    now = os.statvfs(source).f_flag
    for flag in (kernel.MS_RDONLY, kernel.MS_NOSUID, kernel.MS_NODEV, kernel.MS_NOEXEC):
        flags |= now & flag  # the ST_ values of statvfs equal the MS_ ones
    flags |= now & (1 << 10 | 1 << 11)  # noatime, nodiratime
    if now & (1 << 12):
        flags |= 1 << 21  # relatime has another bit here
    kernel.mount("none", target, "", kernel.MS_REMOUNT | kernel.MS_BIND | flags)
