#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Verify a quote with nothing of Cloister: python3-cbor2 parses it, and OpenSSL's command
line checks its signature and its chain of certificates.

third_party.py [--at SECONDS] [--nonce HEX] QUOTE ROOT.pem [CHAIN.pem]

CHAIN.pem is for a quote without x5chain, leaf first. Prints the claims; exit status 0: accepted.
"""
import argparse
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cbor2

SIGN1 = 18
ALGORITHMS = {-7: ("sha256", 32), -35: ("sha384", 48)}
X5CHAIN = 33
NONCE = 10
CLAIMS = {
    10: bytes, 256: bytes, 265: str, -70001: str, -70002: bytes, -70003: int, -70004: int,
    -70005: bytes, -70006: str, -70007: bool, -70008: str, -70009: bytes, -70010: str,
    -70011: str, -70012: bytes, -70013: str, -70014: str, -70015: bool, -70016: bool,
    -70017: str, -70018: str,
}
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", re.DOTALL)


class Refused(Exception):
    pass


def need(good, sentence):
    if not good:
        raise Refused(sentence)


def load(data, what):
    stream = io.BytesIO(data)
    item = cbor2.CBORDecoder(stream).decode()
    need(stream.tell() == len(data), f"{what} is followed by more bytes")
    return item


def openssl(*args, stdin=None):
    done = subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True,
                          check=False)
    need(done.returncode == 0, f"openssl {args[0]}: {done.stdout.decode(errors='replace')}"
                               f"{done.stderr.decode(errors='replace')}")
    return done.stdout


def der_integer(value):
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes([2, len(body)]) + body


def der_signature(raw):
    half = len(raw) // 2
    body = b"".join(der_integer(int.from_bytes(part, "big")) for part in (raw[:half], raw[half:]))
    return bytes([0x30, len(body)]) + body


def check_chain(work, certs, root, at):
    leaf = work / "leaf.pem"
    leaf.write_bytes(certs[0])
    args = ["-x509_strict", "-partial_chain", "-CAfile", root]
    if at is not None:
        args += ["-attime", at]
    if certs[1:]:
        (work / "others.pem").write_bytes(b"".join(certs[1:]))
        args += ["-untrusted", work / "others.pem"]
    openssl("verify", "-no-CApath", "-no-CAstore", *args, leaf)
    return leaf


def verify(data, root, chain, at):
    quote = load(data, "the quote")
    need(isinstance(quote, cbor2.CBORTag) and quote.tag == SIGN1, "it is no COSE_Sign1")
    need(len(quote.value) == 4, "a COSE_Sign1 has four items")
    protected, unprotected, payload, signature = quote.value
    header = load(protected, "the protected header")
    need(set(header) == {1, 3} and header[3] == "application/eat-ucs+cbor", f"headers are {header}")
    need(set(unprotected) <= {X5CHAIN}, f"unprotected headers are {set(unprotected)}")
    hash_name, size = ALGORITHMS[header[1]]
    need(len(signature) == 2 * size, f"the signature has {len(signature)} bytes")
    claims = load(payload, "the payload")
    need(cbor2.dumps(claims, canonical=True) == payload, "the payload is not canonical")
    need(set(claims) == set(CLAIMS), f"claims are {sorted(claims)}")
    for label, kind in CLAIMS.items():
        need(type(claims[label]) is kind, f"claim {label} is {claims[label]!r}")
    certs = unprotected.get(X5CHAIN, [])
    certs = [openssl("x509", "-inform", "DER", stdin=cert)
             for cert in ([certs] if isinstance(certs, bytes) else certs)]
    if not certs and chain:
        certs = [cert.encode() for cert in PEM.findall(Path(chain).read_text("ascii"))]
    need(certs, "there are no certificates")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        leaf = check_chain(work, certs, root, at)
        (work / "key.pem").write_bytes(openssl("x509", "-in", leaf, "-noout", "-pubkey"))
        (work / "signature").write_bytes(der_signature(signature))
        (work / "signed").write_bytes(cbor2.dumps(["Signature1", protected, b"", payload]))
        openssl("dgst", "-" + hash_name, "-verify", work / "key.pem", "-signature",
                work / "signature", work / "signed")
    return claims


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--at", type=int, help="verify as of this second since 1970")
    parser.add_argument("--nonce", type=bytes.fromhex, help="the nonce that was asked with")
    parser.add_argument("quote")
    parser.add_argument("root")
    parser.add_argument("chain", nargs="?")
    args = parser.parse_args()
    try:
        claims = verify(Path(args.quote).read_bytes(), args.root, args.chain, args.at)
        need(args.nonce in (None, claims[NONCE]), f"the nonce is {claims[NONCE].hex()}")
    except (Refused, KeyError, TypeError, ValueError, OSError, cbor2.CBORError) as error:
        sys.exit(f"third_party.py: refused: {error}")
    for label, value in claims.items():
        print(label, value.hex() if isinstance(value, bytes) else value)


if __name__ == "__main__":
    main()
