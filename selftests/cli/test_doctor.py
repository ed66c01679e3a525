#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cloister doctor, on made-up machines: directories with the files that it looks at."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from harness import equal, main, test, true  # noqa: E402  pylint: disable=wrong-import-position

SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
PCI = "sys/bus/pci/devices"

# A machine with which nothing is wrong.
STRONG = {
    "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu sse2 pclmulqdq aes avx2\nbugs\t\t:\n",
    "proc/sys/kernel/osrelease": "6.12.117+deb12-amd64\n",
    "sys/module/cloister/parameters/guards": "Y\n",
    "sys/kernel/security/lockdown": "none integrity [confidentiality]\n",
    "sys/module/module/parameters/sig_enforce": "Y\n",
    "sys/class/misc/tee/guards": "ptrace armed 3\nperf armed 0\nbpf not-needed 0\n",
    "sys/kernel/kexec_crash_loaded": "0\n",
    "proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n",
    f"{PCI}/0000:00:00.2/class": "0x080600\n",
    f"{PCI}/0000:00:01.0/class": "0x020000\n",
    f"{PCI}/0000:00:01.0/iommu_group/type": "DMA\n",
    f"{PCI}/0000:00:02.0/class": "0x010802\n",
    f"{PCI}/0000:00:02.0/iommu_group/type": "DMA-FQ\n",
    SECURE_BOOT: "\6\0\0\0\1",
}

# What is changed, which check then fails, what it says, and what a verifier would have to accept.
WEAK = [
    ({"proc/cpuinfo": "flags\t\t: fpu vaes pclmulqdq aesx\n"}, "processor", "no AES-NI", None),
    ({"proc/cpuinfo": "flags\t\t: fpu aes\n"}, "processor", "PCLMULQDQ", None),
    ({"proc/sys/kernel/osrelease": "6.2.0\n"}, "kernel", "Linux 6.2.0", None),
    ({"proc/sys/kernel/osrelease": "5.10.0-30\n"}, "kernel", "5.10", None),
    ({"sys/kernel/security/lockdown": "none [integrity] confidentiality\n"}, "lockdown",
     "integrity", "lockdown=integrity"),
    ({"sys/kernel/security/lockdown": "[none] integrity confidentiality\n"}, "lockdown", "none",
     "lockdown=none"),
    ({"sys/module/module/parameters/sig_enforce": "N\n"}, "module-signatures", "not enforced",
     "module-signatures=false"),
    ({"sys/class/misc/tee/guards": "ptrace armed 0\nperf missing 0\nkcore missing 0\n"}, "guards",
     "2 of 3 hooks are missing: perf, kcore", "guards=partial"),
    ({"sys/module/cloister/parameters/guards": "N\n"}, "guards", "guards=off", "guards=off"),
    ({"sys/kernel/kexec_crash_loaded": "1\n"}, "crash-kernel", "loaded", "crash-kernel=true"),
    ({f"{PCI}/0000:00:02.0/iommu_group/type": "identity\n"}, "iommu", "1 of 2", "iommu=partial"),
    ({f"{PCI}/0000:00:02.0/iommu_group/type": None}, "iommu", "1 of 2", "iommu=partial"),
    ({f"{PCI}/0000:00:01.0/iommu_group/type": "identity\n",
      f"{PCI}/0000:00:02.0/iommu_group/type": "identity\n"}, "iommu", "0 of 2", "iommu=none"),
]

UNREADABLE = {
    "processor": "proc/cpuinfo",
    "kernel": "proc/sys/kernel/osrelease",
    "guards": "sys/class/misc/tee/guards",
    "swap": "proc/swaps",
}

LOCKDOWN = "sys/kernel/security/lockdown"
SIGNATURES = "sys/module/module/parameters/sig_enforce"
CRASH_KERNEL = "sys/kernel/kexec_crash_loaded"
# CLOISTER_POSTURE_*: confidentiality, signatures; and a crash kernel as well.
STRONG_POSTURE, CRASH_POSTURE = "0x6", "0xe"

# What the files say of swap: is it encrypted, and what is named if it is not.
AREA = "Filename\tType\tSize\tUsed\tPriority\n{} {} 1000 0 -2\n"
MOUNTS = ("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 254:0 / /srv rw - ext4 /dev/dm-0 rw\n"
          "24 22 8:2 / /srv/old rw - ext4 /dev/sda2 rw\n")
SWAPS = [
    ({"proc/swaps": AREA.format("/dev/sda3", "partition")}, "/dev/sda3"),
    ({"proc/swaps": AREA.format("/dev/dm-1", "partition")}, "/dev/dm-1"),
    ({"proc/swaps": AREA.format("/dev/dm-1", "partition"),
      "sys/class/block/dm-1/dm/uuid": "CRYPT-PLAIN-swap\n"}, None),
    # A logical volume, on an encrypted one; on that and another that is not.
    ({"proc/swaps": AREA.format("/dev/dm-1", "partition"),
      "sys/class/block/dm-1/dm/uuid": "LVM-x\n",
      "sys/class/block/dm-1/slaves/dm-0/dm/uuid": "CRYPT-LUKS2-x\n"}, None),
    ({"proc/swaps": AREA.format("/dev/dm-1", "partition"),
      "sys/class/block/dm-1/dm/uuid": "LVM-x\n",
      "sys/class/block/dm-1/slaves/dm-0/dm/uuid": "CRYPT-LUKS2-x\n",
      "sys/class/block/dm-1/slaves/sda3/size": "1000\n"}, "/dev/dm-1"),
    ({"proc/swaps": AREA.format("/dev/zram0", "partition"),
      "sys/class/block/zram0/backing_dev": "none\n"}, None),
    ({"proc/swaps": AREA.format("/dev/zram0", "partition"),
      "sys/class/block/zram0/backing_dev": "/dev/sda3\n"}, "/dev/zram0"),
    # Files: the file system's device counts, of the nearest mount above.
    ({"proc/swaps": AREA.format("/srv/swap", "file"), "proc/1/mountinfo": MOUNTS,
      "sys/dev/block/254:0/dm/uuid": "CRYPT-LUKS2-x\n"}, None),
    ({"proc/swaps": AREA.format("/srv/old/swap", "file"), "proc/1/mountinfo": MOUNTS,
      "sys/dev/block/254:0/dm/uuid": "CRYPT-LUKS2-x\n"}, "/srv/old/swap"),
    ({"proc/swaps": AREA.format("/srvswap", "file"), "proc/1/mountinfo": MOUNTS,
      "sys/dev/block/254:0/dm/uuid": "CRYPT-LUKS2-x\n"}, "/srvswap"),
    ({"proc/swaps": AREA.format("/srv/swap", "file")}, "/srv/swap"),
    ({"proc/swaps": AREA.format("/dev/dm-1", "partition") + "/swap file 1000 0 -3\n",
      "sys/class/block/dm-1/dm/uuid": "CRYPT-PLAIN-swap\n"}, "/swap"),
]


def machine(box, name, **changes):
    """The strong machine with other contents of some files; None: without the file."""
    root = box.file(name)
    for path, contents in {**STRONG, **changes}.items():
        if contents is None:
            continue
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="ascii") as file:
            file.write(contents)
    return root


def examine(box, root, status=0, env=None):
    value = box.run("doctor", "--sysroot", root, "--json", env=env).json(status)
    return {check["name"]: check for check in value["checks"]}


def failed(checks):
    return [name for name, check in checks.items() if check["verdict"] == "failed"]


@test("a machine with which nothing is wrong")
def strong(box):
    box.provision().expect(0)
    root = machine(box, "strong")
    checks = examine(box, root)
    equal(failed(checks), [])
    for name in ("processor", "kernel", "module", "device", "provisioned", "lockdown",
                 "module-signatures", "guards", "crash-kernel", "swap", "iommu", "secure-boot"):
        equal(checks[name]["verdict"], "ok", name)
        equal((checks[name]["means"], checks[name]["fix"], checks[name]["accept"]),
              (None, None, None), name)
    equal(checks["root-of-trust"]["verdict"], "note")
    text = box.run("doctor", "--sysroot", root).expect(0).text()
    true(len([line for line in text.splitlines() if line.startswith("ok ")]) >= 11, text)
    true(", 0 failed, " in text.splitlines()[-1], text)


@test("each precondition that fails is named, with its fix")
def weak(box):
    box.provision().expect(0)
    for number, (changes, name, says, accept) in enumerate(WEAK):
        root = machine(box, f"weak-{number}", **changes)
        checks = examine(box, root, 1)
        equal(failed(checks), [name], str(changes))
        check = checks[name]
        true(says in check["found"], f"{check}: {says}")
        true(check["means"] and check["fix"], f"{check}: says what follows, and what to do")
        equal(check["accept"], accept, name)
        text = box.run("doctor", "--sysroot", root).expect(1, check["fix"], check["means"]).text()
        true(", 1 failed, " in text.splitlines()[-1], text)


@test("what can't be read is unknown, not good")
def unreadable(box):
    box.provision().expect(0)
    for name, path in UNREADABLE.items():
        checks = examine(box, machine(box, f"without-{name}", **{path: None}))
        equal((checks[name]["verdict"], failed(checks)), ("unknown", []), name)
    # The device itself can tell of these.
    root = machine(box, "untold", **{LOCKDOWN: None, SIGNATURES: None, CRASH_KERNEL: None})
    equal(failed(examine(box, root, 1)), ["lockdown", "module-signatures"])
    equal(failed(examine(box, root, env={"CLOISTER_FAKE_POSTURE": STRONG_POSTURE})), [])
    checks = examine(box, root, 1, env={"CLOISTER_FAKE_POSTURE": CRASH_POSTURE})
    equal((failed(checks), checks["crash-kernel"]["accept"]), (["crash-kernel"], "crash-kernel=true"))
    checks = examine(box, root, 1, env={"CLOISTER_FAKE_STATE": box.file("none")})
    for name in ("lockdown", "module-signatures", "provisioned", "crash-kernel"):
        equal(checks[name]["verdict"], "unknown", name)


@test("swap that is not encrypted is named")
def swap(box):
    box.provision().expect(0)
    for number, (files, named) in enumerate(SWAPS):
        checks = examine(box, machine(box, f"swap-{number}", **files))
        check = checks["swap"]
        if named is None:
            equal((check["verdict"], check["found"]), ("ok", "encrypted"), str(files))
            continue
        equal((check["verdict"], check["found"]), ("note", f"not on dm-crypt: {named}"), str(files))
        true("ordinary memory" in check["means"] and "crypttab" in check["fix"], str(check))


@test("the device: missing, closed, not provisioned")
def device(box):
    root = machine(box, "machine")
    checks = examine(box, root, 1)
    equal(failed(checks), ["provisioned"])
    true("cloister provision" in checks["provisioned"]["fix"], "the fix")
    checks = examine(box, root, 1, env={"CLOISTER_FAKE_STATE": box.file("none")})
    equal((failed(checks), checks["device"]["found"]), (["device"], "there is none"))
    checks = examine(box, root, 1, env={"CLOISTER_FAKE_FAIL": "0x10:13"})
    equal(failed(checks), ["device"])
    true("group" in checks["device"]["fix"] or "tee" in checks["device"]["fix"], "the fix")


@test("the module is not loaded")
def no_module(box):
    root = machine(box, "bare", **{"sys/module/cloister/parameters/guards": None,
                                   "sys/class/misc/tee/guards": None})
    checks = examine(box, root, 1, env={"CLOISTER_FAKE_STATE": box.file("none")})
    equal(failed(checks), ["module", "device"])
    true("modprobe" in checks["module"]["fix"], "the fix")
    equal(checks["guards"]["verdict"], "unknown")


@test("a directory that is no machine")
def no_machine(box):
    os.mkdir(box.file("empty"))
    box.run("doctor", "--sysroot", box.file("empty")).expect(5, "no ", "/proc")


@test("the machine that this runs on")
def this_machine(box):
    box.provision().expect(0)
    done = box.run("doctor", "--json")
    true(done.status in (0, 1), done.tell())
    done.json(done.status)


if __name__ == "__main__":
    main()
