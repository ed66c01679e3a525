#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the command line that need no device of the kernel's: TAP."""

import calendar
import hashlib
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from harness import (CLOISTER, COMMANDS, NONCE, REAL, TOP, Failure, equal, main, test,  # noqa: E402
                     true)

MAN = os.path.join(TOP, "userspace/cli/man")

# --- command line ---

USAGE_ERRORS = [
    [],
    ["nonsense"],
    ["info", "operand"],
    ["info", "--nonsense"],
    ["info", "--device"],
    ["info", "--json=yes"],
    ["doctor", "operand"],
    ["doctor", "--sysroot"],
    ["provision", "operand"],
    ["provision", "--days", "0"],
    ["provision", "--days", "4000"],
    ["provision", "--days", "many"],
    ["provision", "--renew", "--module", "x"],
    ["run"],
    ["run", "--", "true"],
    ["run", "--protect", "FILE"],
    ["run", "--protect", "FILE", "--resident", "1X", "--", "true"],
    ["run", "--protect", "FILE", "--resident", "-1", "--", "true"],
    ["run", "--protect", "FILE", "--resident", "1KK", "--", "true"],
    ["run", "--protect", "FILE", "--resident", "99999999999999999999", "--", "true"],
    ["run", "--protect", "FILE", "--resident", "99999999999T", "--", "true"],
    ["run", "--protect", "FILE", "--resident", "", "--", "true"],
    ["measure"],
    ["measure", "FILE", "FILE"],
    ["quote", "FILE"],
    ["quote", "FILE", "--nonce", "0011"],
    ["quote", "FILE", "--nonce", "00112233445566778"],
    ["quote", "FILE", "--nonce", "0011223344556677889x"],
    ["quote", "FILE", "--nonce", "00" * 65],
    ["quote", "FILE", "--nonce", NONCE, "--alg", "rs256"],
    ["quote", "FILE", "--nonce", NONCE, "--fd", "3"],
    ["quote", "FILE", "--nonce", NONCE, "--report-data", "0"],
    ["quote", "FILE", "--nonce", NONCE, "--report-data", "00" * 65],
    ["quote", "FILE", "FILE", "--nonce", NONCE],
    ["quote", "--nonce", NONCE],
    ["quote", "--nonce", NONCE, "--writable", "--fd", "3"],
    ["quote", "--nonce", NONCE, "--debug", "--fd", "3"],
    ["quote", "--nonce", NONCE, "--fd", "three"],
    ["quote", "--nonce", NONCE, "--fd", "99"],
    ["verify"],
    ["verify", "QUOTE"],
    ["verify", "QUOTE", "--nonce", NONCE],
    ["verify", "QUOTE", "--nonce", NONCE, "--root", "ROOT", "QUOTE"],
    ["verify", "QUOTE", "--nonce", NONCE, "--root", "ROOT", "--at", "yesterday"],
    ["verify", "QUOTE", "--nonce", NONCE, "--root", "ROOT", "--at", "2026-11-22"],
    ["verify", "QUOTE", "--nonce", NONCE, "--root", "ROOT", "--measurement", "00"],
    ["verify", "QUOTE", "--nonce", NONCE, "--root", "ROOT", "--measurement", "00" * 48,
     "--file", "FILE"],
    ["verify", "QUOTE", "--nonce", NONCE, "--root", "ROOT", "--writable"],
    ["verify", "QUOTE", "--nonce", NONCE, "--root", "ROOT", "--debug"],
    ["verify", "QUOTE", "--nonce", NONCE, "--root", "ROOT", "--accept", "root=none"],
    ["verify", "QUOTE", "--nonce", NONCE, "--root", "ROOT", "--expect", "colour=blue"],
    ["verify", "QUOTE", "--root", "ROOT", "--nonce", "00"],
    ["inspect"],
    ["inspect", "a", "b"],
    ["stats"],
    ["stats", "--fd", "-1"],
    ["stats", "--fd", "99"],
    ["stats", "operand"],
]


@test("every usage error exits with 2, says what is wrong, and does so in JSON")
def usage_errors(box):
    box.provision().expect(0)
    box.file("FILE", b"x")
    names = {"FILE": box.file("FILE"), "ROOT": box.file("root.pem"), "QUOTE": box.file("quote")}
    box.run("quote", box.file("FILE"), "--nonce", NONCE, "-o", box.file("quote")).expect(0)
    for words in USAGE_ERRORS:
        words = [names.get(word, word) for word in words]
        plain = box.run(*words).expect(2)
        equal(plain.out, b"", f"stdout of {words}")
        true(plain.err.startswith("cloister"), f"stderr of {words}: {plain.err}")
        if not words or words[0] not in COMMANDS or "--json=yes" in words:
            continue
        where = "err" if words[0] == "run" else "out"
        got = box.run(words[0], "--json", *words[1:])
        if where == "err":
            got.err = got.err.splitlines()[0]
        value = got.json(2, where)
        equal((value["ok"], value["error"]["exit"], value["error"]["name"]), (False, 2, "usage"),
              f"JSON of {words}")


@test("help and version")
def helps(box):
    overview = box.run("--help").expect(0).text()
    for command in COMMANDS:
        true(f"  {command} " in overview, f"--help lists {command}")
        text = box.run(command, "--help").expect(0, f"usage: cloister {command} ").text()
        for option in ("--json", "--help"):
            true(option in text, f"{command} --help tells {option}")
    box.run("--version").expect(0, "cloister 0.")


@test("what can't be printed is a failure")
def full_output(box):
    for words in (["info"], ["info", "--json"], ["--help"]):
        with open("/dev/full", "wb") as full:
            box.run(*words, stdout=full).expect(5, "stdout")


@test("without a device: exit 3, or 125 from run")
def no_device(box):
    data = box.file("data", b"x")
    env = {"CLOISTER_FAKE_STATE": box.file("none")}
    box.run("info", env=env).expect(3, "load the module")
    box.run("provision", "--state", box.file("state"), env=env).expect(3)
    true(not os.path.exists(box.file("state")), "provision without a device leaves nothing")
    box.run("quote", data, "--nonce", NONCE, env=env).expect(3)
    box.run("run", "--protect", data, "--", "true", env=env).expect(125)
    value = box.run("info", "--json", env=env).json(3)
    equal(value["error"]["name"], "no-device")
    value = box.run("run", "--json", "--protect", data, "--", "true", env=env).json(125, "err")
    equal(value["error"]["name"], "run-failed")


@test("the installed program does not know the fake device")
def real_program(box):
    box.run("info", "--device", box.file("none"), program=REAL).expect(3, "load the module")
    box.file("data", b"x")
    equal(box.run("measure", box.file("data"), program=REAL).expect(0).out,
          box.run("measure", box.file("data")).expect(0).out, "measure")


@test("info")
def info(box):
    box.run("info").expect(0, "provisioned          no", "es256, es384", "lockdown             none",
                           "guards               off", "2 of at most 1024",
                           "3 MiB of at most 128 MiB")
    value = box.run("info", "--json").json()
    equal((value["mode"], value["provisioned"], value["posture"]), ("kernel", False, []))
    equal(value["instance-id"], box.read("device/instance").hex())
    box.provision().expect(0)
    value = box.run("info", "--json").json()
    equal((value["provisioned"], value["posture"]), (True, ["provisioned"]))
    equal(value["monitor-digest"], hashlib.sha384(b"the module").hexdigest())


# --- measure ---

def measurement(contents, writable=False, flags=1):
    """Written from Documentation/measurement.rst."""
    pages = -(-len(contents) // 4096)
    contents = contents.ljust(pages * 4096, b"\0")
    stream = hashlib.sha384(b"cloister-meas-v1" + struct.pack("<QQ", pages * 4096, flags)
                            + bytes(32))
    for offset in range(0, len(contents), 4096):
        stream.update(b"pagedata" + struct.pack("<QIIQ", offset, 3 if writable else 1, 0, 0))
        stream.update(contents[offset:offset + 4096])
    stream.update(b"finalize" + struct.pack("<Q", pages) + bytes(16))
    return stream.hexdigest()


@test("measure agrees with the specification")
def measure(box):
    for length in (1, 4095, 4096, 4097, 300000):
        contents = os.urandom(length)
        path = box.file("data", contents)
        equal(box.run("measure", path).expect(0).text(), measurement(contents) + "\n", "plain")
        value = box.run("measure", path, "--writable", "--json").json()
        equal(value["measurement"], measurement(contents, True), "writable")
        value = box.run("measure", path, "--debug", "--json").json()
        equal((value["measurement"], value["debug"], value["writable"]),
              (measurement(contents, flags=3), True, False), "debug")
        equal(value["region-size"], -(-length // 4096) * 4096, "region size")


@test("measure: what is no file, or empty, exits with 5")
def measure_failures(box):
    for path in (box.file("none"), box.file("empty", b""), box.path):
        box.run("measure", path).expect(5, path)
        equal(box.run("measure", "--json", path).json(5)["error"]["name"], "io")


# --- provision ---

def openssl(*words, stdin=b""):
    process = subprocess.run(["openssl", *words], input=stdin, capture_output=True, check=False)
    if process.returncode:
        raise Failure(f"openssl {' '.join(words)}: {process.stderr.decode()}")
    return process.stdout


def hkdf(secret, information, length):
    """RFC 5869 with SHA-384 and no salt, by OpenSSL's command line."""
    return openssl("kdf", "-keylen", str(length), "-kdfopt", "digest:SHA384",
                   "-kdfopt", f"hexkey:{secret.hex()}", "-kdfopt", f"hexinfo:{information.hex()}",
                   "-binary", "HKDF")


@test("provision derives what it says from the device secret")
def provision_derivation(box):
    value = box.provision("--json").json()
    secret = box.read("state/uds")
    digest = hashlib.sha384(b"the module").digest()
    ueid = b"\1" + hkdf(secret, b"cloister UEID v1", 32)
    equal(len(secret), 48)
    equal(box.read("device/cdi-attest"), hkdf(secret, b"cloister CDI attest v1" + digest, 48))
    equal(box.read("device/cdi-seal"), hkdf(secret, b"cloister CDI seal v1" + b"\0\0\0\1", 48))
    equal(value["ueid"], ueid.hex())
    equal(value["monitor-digest"], digest.hex())
    equal((value["root"], value["digest-kind"], value["renewed"]), ("software", "asserted", False))


@test("provision's certificates are what they should be")
def provision_certificates(box):
    value = box.provision("--json", "--days", "30").json()
    equal(box.read("root.pem"), box.read("state/device-ca.pem"), "--root-out")
    root = box.file("state/device-ca.pem")
    text = openssl("x509", "-in", root, "-noout", "-text").decode()
    for line in ("CA:TRUE, pathlen:0", "Certificate Sign", "NIST CURVE: P-384", "critical",
                 f"CN = Cloister device CA {value['ueid'][2:18]}", "ecdsa-with-SHA384"):
        true(line in text, f"the device CA's certificate says {line!r}:\n{text}")
    equal(text.count("critical"), 2)
    for name, curve, chain in (("es256", "P-256", 1), ("es384", "P-384", 2)):
        path = box.file(f"state/ak-{name}.pem")
        openssl("verify", "-x509_strict", "-CAfile", root, path)
        text = openssl("x509", "-in", path, "-noout", "-text").decode()
        for line in ("CA:FALSE", "Digital Signature", f"NIST CURVE: {curve}"):
            true(line in text, f"ak-{name}.pem says {line!r}:\n{text}")
        der = openssl("x509", "-in", path, "-outform", "DER")
        equal(box.read(f"device/chain-{chain}"), der, "what the device was given")
        # DiceTcbInfo and Ueid, as TCG writes them.
        digest = hashlib.sha384(b"the module").digest()
        tcb = (b"\x80\x08Cloister" b"\x81\x07monitor" b"\x82\x050.1.0" b"\x83\x01\x01"
               b"\x84\x01\x01" b"\x85\x01\x00" b"\xa6\x3f\x30\x3d"
               b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02" b"\x04\x30" + digest)
        true(b"\x06\x06\x67\x81\x05\x05\x04\x01\x04" + bytes([len(tcb) + 2]) + b"\x30" +
             bytes([len(tcb)]) + tcb in der, "TcbInfo, not critical")
        true(b"\x06\x06\x67\x81\x05\x05\x04\x04\x04\x25\x30\x23\x04\x21" +
             bytes.fromhex(value["ueid"]) in der, "Ueid, not critical")
        end = openssl("x509", "-in", path, "-noout", "-enddate").decode().split("=")[1].strip()
        end = calendar.timegm(time.strptime(end, "%b %d %H:%M:%S %Y %Z"))
        days = (end - time.time()) / 86400
        true(29 < days < 31, f"valid for 30 days, not {days}")


@test("provision keeps secrets to the owner")
def provision_modes(box):
    os.umask(0)
    box.provision().expect(0)
    for name, mode in (("", 0o700), ("uds", 0o600), ("device-ca.key", 0o600),
                       ("device-ca.pem", 0o644), ("ak-es256.pem", 0o644),
                       ("ak-es384.pem", 0o644)):
        equal(os.stat(box.file("state/" + name)).st_mode & 0o777, mode, name)
    secrets = [box.read("state/uds").hex(), box.read("device/cdi-attest").hex()]
    for name in os.listdir(box.file("state")):
        for secret in secrets:
            true(secret not in box.read("state/" + name).decode(errors="replace"), name)


@test("a second provision changes nothing and exits with 6")
def provision_twice(box):
    box.provision().expect(0)
    before = {name: box.read("state/" + name) for name in os.listdir(box.file("state"))}
    box.provision().expect(6, "nothing was changed")
    equal(box.provision("--json").json(6)["error"]["name"], "already-provisioned")
    after = {name: box.read("state/" + name) for name in os.listdir(box.file("state"))}
    equal(after, before, "the state directory")
    # Should another process have been faster, the device itself says so.
    box.env["CLOISTER_FAKE_FAIL"] = "0x12:114"
    shutil.rmtree(box.device)
    os.mkdir(box.device)
    box.provision().expect(6, "PROVISION (EALREADY)")


@test("identity and device CA outlive the module; another module has other secrets")
def provision_again(box):
    first = box.provision("--json").json()
    root, attest, seal = (box.read(name) for name in ("root.pem", "device/cdi-attest",
                                                      "device/cdi-seal"))
    shutil.rmtree(box.device)
    os.mkdir(box.device)
    second = box.provision("--json").json()
    equal(second["ueid"], first["ueid"])
    equal(box.read("root.pem"), root)
    equal(box.read("device/cdi-attest"), attest)
    shutil.rmtree(box.device)
    os.mkdir(box.device)
    other = box.file("other.ko", b"another module")
    third = box.run("provision", "--module", other, "--state", box.file("state"), "--json").json()
    equal(third["ueid"], first["ueid"])
    true(third["monitor-digest"] != first["monitor-digest"], "another digest")
    true(box.read("device/cdi-attest") != attest, "another attestation secret")
    equal(box.read("device/cdi-seal"), seal, "sealing outlives an upgrade")


@test("provision --renew issues new certificates for the same keys")
def provision_renew(box):
    state = box.file("state")
    box.run("provision", "--renew", "--state", state).expect(4, "not been provisioned")
    box.provision().expect(0)
    old = box.read("device/chain-1")
    key = openssl("x509", "-in", box.file("state/ak-es256.pem"), "-noout", "-pubkey")
    value = box.run("provision", "--renew", "--state", state, "--json").json()
    equal(value["renewed"], True)
    true(box.read("device/chain-1") != old, "another certificate")
    equal(openssl("x509", "-in", box.file("state/ak-es256.pem"), "-noout", "-pubkey"), key)
    openssl("verify", "-CAfile", box.file("root.pem"), box.file("state/ak-es256.pem"))
    box.run("provision", "--renew", "--state", box.file("empty")).expect(5, "another directory")
    # The module was loaded anew and provisioned from elsewhere: these keys are not its keys.
    shutil.rmtree(box.device)
    os.mkdir(box.device)
    box.run("provision", "--module", box.file("cloister.ko"), "--state", box.file("elsewhere"))
    box.run("provision", "--renew", "--state", state).expect(5, "its instance is another")


@test("provision refuses a state directory that is damaged or open to others")
def provision_damaged(box):
    state = box.file("state")
    os.mkdir(state, 0o755)
    os.chmod(state, 0o755)
    box.provision().expect(5, "chmod 0700")
    os.chmod(state, 0o700)
    box.file("state/uds", b"short")
    os.chmod(box.file("state/uds"), 0o600)
    box.provision().expect(5, "damaged")
    box.file("state/uds", b"s" * 48)
    os.chmod(box.file("state/uds"), 0o640)
    box.provision().expect(5, "others may read it")
    os.chmod(box.file("state/uds"), 0o600)
    box.file("state/device-ca.key", b"no key")
    os.chmod(box.file("state/device-ca.key"), 0o600)
    box.provision().expect(5, "no private key")
    os.unlink(box.file("state/device-ca.key"))
    os.symlink(box.file("target"), box.file("state/device-ca.key"))
    box.provision().expect(5)
    os.unlink(box.file("state/device-ca.key"))
    true(not os.path.exists(box.file("device/identity")), "the device was not touched")
    box.provision().expect(0)
    openssl("ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out",
            box.file("state/device-ca.key"))
    box.run("provision", "--renew", "--state", state).expect(5, "is not the certificate of")


@test("provision: no module file, or none that can be read")
def provision_module(box):
    box.run("provision", "--module", box.file("none"), "--state", box.file("state")).expect(5)
    true(not os.path.exists(box.file("state")), "nothing was made")


@test("provision makes its directory and those on the way")
def provision_parents(box):
    state = box.file("a/b/state/")
    box.run("provision", "--module", box.file("module", b"x"), "--state", state).expect(0)
    equal(os.stat(state).st_mode & 0o777, 0o700)
    below = box.file("module/state")
    box.run("provision", "--renew", "--state", below).expect(5, "can't make")
    box.run("provision", "--renew", "--state", "a" * 5000).expect(5, "can't make")


# --- quote, verify, inspect ---

@test("quote a file, verify it: each check can fail")
def quote_verify(box):
    box.provision().expect(0)
    data = box.file("data", os.urandom(20000))
    for algorithm in ("es256", "es384"):
        box.run("quote", data, "--nonce", NONCE, "--alg", algorithm, "--report-data", "c0ffee",
                "-o", box.file("quote")).expect(0)
        box.verify("quote").expect(0, "Verified", algorithm.upper())
        box.verify("quote", "--file", data, "--report-data", "C0FFEE").expect(0)
        box.verify("quote", "--measurement", measurement(box.read("data"))).expect(0)
        box.verify("quote", "--expect", "kernel-release=6.1.0-fake").expect(0)
        box.verify("quote", accept=False).expect(1, "root=software")
        box.verify("quote", nonce="ff" * 16).expect(1, "nonce")
        box.verify("quote", "--file", data, "--writable").expect(1, "measurement")
        box.verify("quote", "--file", data, "--debug").expect(1, "measurement")
        box.verify("quote", "--measurement", "00" * 48).expect(1, "measurement")
        box.verify("quote", "--report-data", "c0ffef").expect(1, "report-data")
        box.verify("quote", "--expect", "kernel-release=6.12").expect(1, "6.1.0-fake")
        box.verify("quote", "--at", "2020-01-01T00:00:00Z").expect(1)
        box.verify("quote", "--at", "@4102444800").expect(1)
        box.verify("quote", "--at", f"@{int(time.time())}").expect(0)
        quote = bytearray(box.read("quote"))
        quote[-1] ^= 1
        box.file("changed", bytes(quote))
        box.verify("changed").expect(1, "signature")
        box.file("short", bytes(quote[:-1]))
        box.verify("short").expect(1)


@test("verify trusts no other root, and says when the root is no certificate")
def verify_roots(box):
    box.provision().expect(0)
    box.run("quote", box.file("data", b"x"), "--nonce", NONCE, "-o", box.file("quote")).expect(0)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes",
            "-keyout", box.file("key"), "-out", box.file("other.pem"), "-subj", "/CN=other")
    box.verify("quote", root="other.pem").expect(1)
    box.verify("quote", "--root", box.file("other.pem")).expect(0)
    box.verify("quote", root="none.pem").expect(5)
    box.verify("none").expect(5, "none")
    true(box.verify("quote", root="data").status in (2, 5), "a root that is none")


@test("verify and inspect in JSON, and from stdin")
def verify_json(box):
    box.provision().expect(0)
    box.run("quote", box.file("data", b"x"), "--nonce", NONCE, "-o", box.file("quote")).expect(0)
    value = box.verify("quote", "--json").json()
    equal((value["verified"], value["claims"]["nonce"]), (True, NONCE))
    true("root=software" in value["weaker"], "what was let through is told")
    value = box.verify("quote", "--json", accept=False).json(1)
    equal(value["verified"], False)
    true("root" in [failure["check"] for failure in value["failures"]], "the failed check is told")
    value = box.run("inspect", "--json", box.file("quote")).json()
    equal((value["verified"], value["status"]), (False, "unverified"))
    box.run("inspect", "-", stdin=box.read("quote")).expect(0, "NOT VERIFIED", NONCE)
    box.run("inspect", "-", stdin=b"no quote").expect(1)
    box.run("inspect", "--json", "-", stdin=b"").json(1)
    box.run("inspect", box.file("none")).expect(5)
    box.run("inspect", box.file("long", bytes(1 << 21))).expect(5)


@test("quote: nonce, report data of a file, output")
def quote_output(box):
    box.provision().expect(0)
    data = box.file("data", b"x")
    random = box.run("quote", data, "--nonce", "random").expect(0)
    nonce = re.search("nonce: ([0-9a-f]{64})\n", random.err).group(1)
    box.file("quote", random.out)
    box.verify("quote", nonce=nonce).expect(0)
    value = box.run("quote", data, "--nonce", NONCE, "--json").json()
    box.file("quote", bytes.fromhex(value["quote"]))
    equal((value["nonce"], value["algorithm"]), (NONCE, "es256"))
    box.verify("quote").expect(0)
    box.run("quote", data, "--nonce", NONCE, "--report-data", f"@{data}", "-o",
            box.file("quote")).expect(0)
    claims = box.run("inspect", "--json", box.file("quote")).json()["claims"]
    equal(claims["report-data"], hashlib.sha384(b"x").hexdigest() + "00" * 16)
    box.verify("quote", "--report-data", f"@{data}").expect(0)
    box.run("quote", data, "--nonce", NONCE, "--report-data", "@none").expect(5)
    box.run("quote", data, "--nonce", NONCE, "-o", box.file("no/where")).expect(5)


def on_terminal(box, *words):
    """Runs with a terminal for stdout and stderr; the exit status and what it showed."""
    master, slave = pty.openpty()
    with subprocess.Popen([CLOISTER, *words], env=box.env, stdout=slave, stderr=slave,
                          stdin=subprocess.DEVNULL) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(master)
    return process.returncode, shown.decode(errors="replace")


@test("a terminal: no binary on it, progress shown; elsewhere only with --progress")
def terminal(box):
    box.provision().expect(0)
    data = box.file("data", bytes(3 << 20))
    status, shown = on_terminal(box, "quote", data, "--nonce", NONCE)
    equal(status, 2)
    true("stdout is a terminal" in shown, shown)
    status, shown = on_terminal(box, "measure", data)
    equal(status, 0)
    true("measuring: " in shown and "\r" in shown, shown)
    equal(box.run("measure", data).expect(0).err, "", "no progress without a terminal")
    for words in (["measure", data], ["run", "--protect", data, "true"]):
        text = box.run(words[0], "--progress", *words[1:]).expect(0).err
        true("100% (3 MiB of 3 MiB)\n" in text and "\r" not in text, text)


@test("each refusal of the device exits with 4 and says why")
def refusals(box):
    data = box.file("data", b"x")
    box.run("quote", data, "--nonce", NONCE).expect(4, "QUOTE (ENOKEY)", "cloister provision")
    equal(box.run("quote", data, "--nonce", NONCE, "--json").json(4)["error"]["name"], "refused")
    for number, error, text in ((0x11, 24, "CREATE (EMFILE)"), (0x20, 12, "ADD_PAGES (ENOMEM)"),
                                (0x21, 16, "INIT (EBUSY)"), (0x24, 5, "QUOTE (EIO)")):
        env = {"CLOISTER_FAKE_FAIL": f"{number:#x}:{error}"}
        box.run("quote", data, "--nonce", NONCE, env=env).expect(4, text)
    box.run("info", env={"CLOISTER_FAKE_FAIL": "0x10:25"}).expect(4, "GET_INFO (ENOTTY)")
    env = {"CLOISTER_FAKE_FAIL": "0x12:1"}
    box.run("provision", "--module", data, "--state", box.file("state"), env=env).expect(
        4, "PROVISION (EPERM)", "run it as root")


# --- run, stats ---

@test("run hands the region over, and only the region")
def run_hands_over(box):
    data = box.file("data", os.urandom(5000))
    script = ("echo $CLOISTER_REGION_FD $CLOISTER_REGION_SIZE $CLOISTER_FILE_SIZE;"
              "ls /proc/self/fd | tr '\\n' ' '")
    lines = box.run("run", "--protect", data, "--", "sh", "-c", script).expect(0).text()
    fd, region_size, file_size = lines.splitlines()[0].split()
    equal((region_size, file_size), ("8192", "5000"))
    fds = set(lines.splitlines()[1].split())
    # ls has one more open: the directory that it lists.
    true(fd in fds and len(fds) <= 5, f"open descriptors: {fds}, region {fd}")


@test("run: the exit status is the command's")
def run_status(box):
    data = box.file("data", b"x")

    def run(*words):
        return box.run("run", "--protect", data, *words)

    run("--", "true").expect(0)
    run("true").expect(0)
    run("--", "sh", "-c", "exit 7").expect(7)
    run("--", "sh", "-c", "kill -KILL $$").expect(128 + 9)
    run("--", "sh", "-c", "kill -SEGV $$").expect(128 + 11)
    run("--", box.file("none")).expect(127, "can't find")
    run("--", box.path).expect(126, "can't execute")
    box.run("run", "--protect", box.file("none"), "--", "true").expect(125, "can't read")
    run("--resident", "5K", "--", "true").expect(125, "CREATE (EINVAL)")
    for words in (("--", "echo", "--json"), ("echo", "--json")):
        done = run(*words).expect(0)
        equal((done.out, done.err), (b"--json\n", ""), "options of the command")


PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1)


def default_signals():
    """A test that runs under nohup or in the background has inherited some as ignored."""
    for number in PASSED_ON:
        signal.signal(number, signal.SIG_DFL)


@test("run passes signals on to the command")
def run_signals(box):
    data = box.file("data", b"x")
    for number in PASSED_ON:
        words = [CLOISTER, "run", "--protect", data, "--", "sh", "-c",
                 f"trap 'echo got; exit 9' {number.name[3:]}; echo ready; "
                 "for i in $(seq 200); do sleep 0.05; done"]
        with subprocess.Popen(words, env=box.env, stdout=subprocess.PIPE,
                              preexec_fn=default_signals) as process:
            equal(process.stdout.readline(), b"ready\n")
            process.send_signal(number)
            equal(process.stdout.readline(), b"got\n", number.name)
            equal(process.wait(30), 9)


@test("run --json: the command's stdout is its own, the report is on stderr")
def run_json(box):
    contents = os.urandom(9000)
    done = box.run("run", "--json", "--resident", "64K", "--protect", box.file("data", contents),
                   "--", "sh", "-c", "echo hello; exit 3")
    equal((done.status, done.out), (3, b"hello\n"))
    value = done.json(3, "err")
    equal((value["ok"], value["exit"], value["measurement"]), (True, 3, measurement(contents)))
    equal((value["file-size"], value["region-size"]), (9000, 12288))
    equal(value["stats"]["resident-limit"], 65536)


@test("stats and quote of the region that run passes on")
def run_region(box):
    box.provision().expect(0)
    contents = os.urandom(9000)
    data = box.file("data", contents)
    value = box.run("run", "--protect", data, "--", CLOISTER, "stats", "--json").json()
    equal((value["state"], value["pages"], value["shareable"]), ("live", 3, True))
    box.run("run", "--protect", data, "--", CLOISTER, "stats").expect(0, "state                live")
    box.run("run", "--protect", data, "--writable", "--", CLOISTER, "quote", "--nonce", NONCE,
            "-o", box.file("quote")).expect(0)
    box.verify("quote", "--measurement", measurement(contents, True)).expect(0)
    value = box.run("run", "--protect", data, "--debug", "--", CLOISTER, "stats", "--json").json()
    equal((value["debug"], value["pinned"]), (True, 0))
    box.run("run", "--protect", data, "--debug", "--", CLOISTER, "quote", "--nonce", NONCE,
            "-o", box.file("quote")).expect(0)
    box.verify("quote", "--file", data, "--debug").expect(1, "debug-ever")
    box.verify("quote", "--file", data, "--debug", "--accept", "debug-ever=true").expect(0)
    box.run("run", "--protect", data, "--", "sh", "-c",
            f"{CLOISTER} stats --fd $CLOISTER_REGION_FD").expect(0, "live")
    box.run("stats", "--fd", "0").expect(2, "not a Cloister region")
    box.run("stats", env={"CLOISTER_REGION_FD": "seven"}).expect(2, "no descriptor")


# --- documentation, libraries ---

def exit_codes():
    with open(os.path.join(TOP, "userspace/cli/exit.h"), encoding="ascii") as file:
        return [int(code) for code in re.findall(r"X\(\w+, (\d+),", file.read())]


@test("each command has a man page that names each of its options")
def man_pages(box):
    for command in COMMANDS:
        with open(os.path.join(MAN, f"cloister-{command}.1"), encoding="utf-8") as file:
            page = file.read()
        text = box.run(command, "--help").text()
        for option in set(re.findall(r"--([a-z][a-z-]+)", text)) - {"help"}:
            true(re.search(rf"^\.(It )?.*Fl -{option}\b", page, re.M),
                 f"cloister-{command}.1 does not name --{option}")
    with open(os.path.join(MAN, "cloister.1"), encoding="utf-8") as file:
        page = file.read()
    codes = exit_codes()
    true(len(codes) > 8, "exit.h was read")
    for code in codes:
        true(f".It {code}\n" in page, f"cloister.1 does not name exit code {code}")
    overview = box.run("--help").text()
    for code in codes:
        true(re.search(rf"^ +{code}  ", overview, re.M), f"--help names exit code {code}")


@test("man pages are well-formed")
def man_lint(_box):
    names = sorted(os.listdir(MAN))
    true(len(names) >= len(COMMANDS) + 2, f"man pages: {names}")
    for name in names:
        path = os.path.join(MAN, name)
        process = subprocess.run(["groff", "-ww", "-mandoc", "-Tutf8", "-z", path],
                                 capture_output=True, check=False)
        true(not process.returncode and not process.stderr, f"{name}: {process.stderr.decode()}")
        process = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", path],
                                 capture_output=True, check=False)
        true(not process.returncode, f"{name}: {process.stdout.decode()}")


@test("libcloister exports what its header declares, and nothing else")
def exports(_box):
    listing = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions",
                              os.path.join(TOP, "build/host/libcloister.so.0")],
                             capture_output=True, text=True, check=True).stdout
    exported = set(re.findall(r" T (\w+)@@LIBCLOISTER_0\.1$", listing, re.M))
    equal(len(re.findall(r" [TDBR] ", listing)), len(exported), "unversioned symbols")
    with open(os.path.join(TOP, "userspace/libcloister/cloister.h"), encoding="ascii") as file:
        header = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    declared = set(re.findall(r"\b(cloister_\w+)\(", header))
    equal(exported, declared, "symbols")


main()
