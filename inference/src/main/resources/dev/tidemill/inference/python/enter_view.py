"""Makes a view of the file system of its own, gives up every power and runs a command in it.

Started by ``unshare`` as root of new namespaces of mounts and processes. Arguments: the view as JSON, then the command. The new
root is memory of a few megabytes; what is named is bound into it from the old root, which is gone before the command begins. This
process stays as the first of its namespace, so that no process is left behind by the command.
"""

import ctypes
import errno
import json
import os
import sys

NOSUID, NODEV, NOEXEC, RDONLY, REMOUNT, BIND, RECURSIVE, PRIVATE, DETACH = 2, 4, 8, 1, 32, 4096, 16384, 1 << 18, 2
# Of linux/prctl.h and linux/mount.h; the numbers of the newest calls are the same on every processor.
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 24, 38, 47, 4
MOUNT_SETATTR, CURRENT_FOLDER, WHOLE_TREE = 442, -100, 0x8000
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# Where a file's owner may change the system without any power.
KERNEL = ("sys", "sysrq-trigger", "irq", "bus")
OLD = "/.old"

libc = ctypes.CDLL(None, use_errno=True)


class Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


class CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


def checked(what, result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def encoded(text):
    return None if text is None else os.fsencode(text)


def mount(source, target, kind, flags, data=None):
    checked(f"mount {target}", libc.mount(encoded(source), encoded(target), encoded(kind), ctypes.c_ulong(flags), encoded(data)))


def settled(path, attributes):
    """Sets attributes on a mount and all below it."""
    change = Attributes(set=attributes)
    place = ctypes.c_char_p(os.fsencode(path))
    size = ctypes.c_size_t(ctypes.sizeof(change))
    checked(
        f"mount_setattr {path}",
        libc.syscall(ctypes.c_long(MOUNT_SETATTR), CURRENT_FOLDER, place, WHOLE_TREE, ctypes.byref(change), size),
    )


def place(path, like):
    """An empty file or folder to bind to."""
    if os.path.isdir(like):
        os.makedirs(path, mode=0o755, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        if not os.path.lexists(path):
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def bind(path, attributes):
    source = OLD + sources[path]
    place(path, source)
    mount(source, path, None, BIND | RECURSIVE)
    settled(path, attributes)


def memory(path, mode, size):
    os.makedirs(path, exist_ok=True)
    mount("tmpfs", path, "tmpfs", NOSUID | NODEV, f"mode={mode},size={size}")


def new_root():
    mount(None, "/", None, RECURSIVE | PRIVATE)
    mount("tmpfs", "/tmp", "tmpfs", NOSUID | NODEV, "mode=0755,size=4m")
    os.mkdir("/tmp" + OLD)
    number = ctypes.c_long(PIVOT_ROOT[os.uname().machine])
    checked("pivot_root", libc.syscall(number, ctypes.c_char_p(b"/tmp"), ctypes.c_char_p(os.fsencode("/tmp" + OLD))))
    os.chdir("/")


def devices():
    memory("/dev", "0755", "64k")
    for name in DEVICES:
        path = f"/dev/{name}"
        if path in sources:
            bind(path, NOSUID | NOEXEC)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink("/proc/self/fd" + target, f"/dev/{name}")
    memory("/dev/shm", "1777", f"{view['megabytes']}m")


def look():
    """Makes what the command sees."""
    # Symbolic links lead where they led in the old root.
    named = (*view["system"], *view["optional"], *view["readable"], *view["writable"], *(f"/dev/{name}" for name in DEVICES))
    sources.update((path, os.path.realpath(path)) for path in named if os.path.exists(path))
    new_root()
    for path in view["system"]:
        bind(path, RDONLY | NOSUID)
    for path, target in view["links"].items():
        os.symlink(target, path)
    for path in view["optional"]:
        if path in sources:
            bind(path, RDONLY | NOSUID)
    os.mkdir("/proc")
    mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC)
    for name in KERNEL:
        if os.path.exists(f"/proc/{name}"):
            mount(f"/proc/{name}", f"/proc/{name}", None, BIND)
            settled(f"/proc/{name}", RDONLY | NOSUID | NODEV | NOEXEC)
    devices()
    if view.get("covered"):
        memory(view.get("covered"), "0755", "64k")
    memory("/tmp", "1777", f"{view['megabytes']}m")
    for path in view["readable"]:
        bind(path, RDONLY | NOSUID)
    for path in view["writable"]:
        bind(path, NOSUID)
    os.umask(0o022)
    checked("umount", libc.umount2(OLD.encode(), DETACH))
    os.rmdir(OLD)
    mount(None, "/", None, BIND | REMOUNT | RDONLY | NOSUID | NODEV)
    os.chdir(view["directory"])


def without_powers():
    """No capability, now or by any program that is run later; another user, if one is named."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 and ctypes.get_errno() == errno.EINVAL:
            break
    if view.get("user") is not None:
        os.setgroups([])
        os.setresgid(view["user"], view["user"], view["user"])
        os.setresuid(view["user"], view["user"], view["user"])
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = CapabilityHeader(version=0x20080522, pid=0)
    checked("capset", libc.capset(ctypes.byref(header), (ctypes.c_uint32 * 6)()))
    checked("no_new_privs", libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def first_of_namespace(child):
    """Waits for every process of the namespace, and ends as the command did."""
    while True:
        try:
            ended, status = os.wait()
        except InterruptedError:
            continue
        if ended == child:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


view, command, sources = json.loads(sys.argv[1]), sys.argv[2:], {}
try:
    look()
    child = os.fork()
    if child:
        without_powers()
        # The command's ends of the pipes are its own: whoever reads hears when it is gone.
        for descriptor in (0, 1, 2):
            os.close(descriptor)
        first_of_namespace(child)
    os.setsid()
    without_powers()
    os.execvp(command[0], command)
except OSError as error:
    print(f"the view cannot be made: {error}", file=sys.stderr)
    os._exit(125)
