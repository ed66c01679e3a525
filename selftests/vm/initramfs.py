# SPDX-License-Identifier: Apache-2.0
"""Builds the initramfs of a test VM: a cpio archive in the kernel's `newc` format."""

import lzma
import os
import re
import stat
import subprocess


class Error(Exception):
    """What was wrong, with what, and what to do."""


class Archive:
    """Files for the guest, by guest path. Added twice with other contents is an error."""

    def __init__(self, libraries=True):
        self.entries = {}
        self.libraries = libraries

    def _add(self, path, mode, data=b""):
        path = os.path.normpath("/" + path).lstrip("/")
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self._add(parent, stat.S_IFDIR | 0o755)
        known = self.entries.get(path)
        if known and stat.S_ISREG(mode) and known != (mode, data):
            raise Error(f"two different files for /{path} in the VM: rename one")
        self.entries[path] = (mode, data)

    def directory(self, path, mode=0o755):
        self._add(path, stat.S_IFDIR | mode)

    def text(self, path, contents, mode=0o644):
        self._add(path, stat.S_IFREG | mode, contents.encode())

    def data(self, path, contents, mode=0o644):
        self._add(path, stat.S_IFREG | mode, contents)

    def symlink(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, target.encode())

    def copy(self, source, path):
        """A host file, or a directory with all that is in it."""
        if os.path.isdir(source):
            self.directory(path)
            for name in sorted(os.listdir(source)):
                self.copy(os.path.join(source, name), f"{path}/{name}")
            return
        try:
            with open(source, "rb") as file:
                contents = file.read()
        except OSError as error:
            raise Error(f"cannot read {source}: {error.strerror}") from error
        executable = os.stat(source).st_mode & 0o111
        self.data(path, contents, 0o755 if executable else 0o644)
        if self.libraries and contents[:4] == b"\x7fELF":
            self._libraries(source)

    def _libraries(self, program):
        """The shared libraries of a dynamic program, where its loader looks for them."""
        listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        for line in listing.stdout.splitlines():
            if "not found" in line:
                raise Error(f"{program} needs {line.split()[0]}, which ldd cannot find: "
                            "install it or set LD_LIBRARY_PATH")
            found = re.match(r"\s*(\S+) => (/\S+)", line) or re.match(r"\s*((/\S+))", line)
            if not found:
                continue
            soname, path = found.groups()
            standard = re.match(r"/(usr/)?lib(64|32)?/", path)
            guest = (soname if soname.startswith("/") else path) if standard else \
                f"/usr/lib/{soname}"
            with open(path, "rb") as file:
                self.data(guest, file.read(), 0o755)

    def write(self, path):
        with open(path, "wb") as file:
            for inode, (name, (mode, data)) in enumerate(self.entries.items(), 1):
                _member(file, name, inode, mode, data)
            _member(file, "TRAILER!!!", 0, 0, b"")


def _member(file, name, inode, mode, data):
    encoded = name.encode() + b"\0"
    fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields)
    file.write(header + encoded + b"\0" * (-(len(header) + len(encoded)) % 4))
    file.write(data)
    file.write(b"\0" * (-len(data) % 4))


class Kernel:
    """An unpacked kernel: its modules and what they depend on."""

    def __init__(self, root, release):
        self.release = release
        self.image = f"{root}/boot/vmlinux-{release}"
        if not os.path.exists(self.image):
            self.image = f"{root}/boot/vmlinuz-{release}"
        self.base = f"{root}/lib/modules/{release}"
        self.depends = {}
        self.builtin = set()
        for line in self._lines("modules.dep"):
            path, _, needs = line.partition(":")
            self.depends[_name(path)] = (path, [_name(need) for need in needs.split()])
        for line in self._lines("modules.builtin"):
            self.builtin.add(_name(line))

    def _lines(self, name):
        try:
            with open(f"{self.base}/{name}", encoding="ascii") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def has(self, name):
        name = name.replace("-", "_")
        return name in self.builtin or name in self.depends

    def order(self, names, loaded):
        """Adds names and all they need to the list `loaded`, dependencies first."""
        for name in (name.replace("-", "_") for name in names):
            if name in self.builtin or name in loaded:
                continue
            if name not in self.depends:
                raise Error(f"Linux {self.release} has no module {name}")
            needs = self.depends[name][1]
            # modules.dep lists the closure, nearest first.
            self.order(reversed(needs), loaded)
            if name not in loaded:
                loaded.append(name)

    def read(self, name):
        """The module's contents, decompressed."""
        path = f"{self.base}/{self.depends[name][0]}"
        opener = lzma.open if path.endswith(".xz") else open
        with opener(path, "rb") as file:
            return file.read()


def _name(path):
    return re.sub(r"\.ko(\.\w+)?$", "", os.path.basename(path)).replace("-", "_")


def module_needs(path):
    """Names of the modules that a .ko file names as dependencies, hard and soft."""
    def field(name):
        result = subprocess.run(["modinfo", "-F", name, path], capture_output=True, text=True,
                                check=False)
        if result.returncode:
            raise Error(f"modinfo cannot read {path}: {result.stderr.strip()}")
        return result.stdout.split("\n")

    hard = [name for line in field("depends") for name in line.split(",") if name]
    soft = []
    for line in field("softdep"):
        pre = re.search(r"pre:\s*([^:]*?)(?:\s+post:|$)", line)
        soft += pre.group(1).split() if pre else []
    return hard, soft
