#!/usr/bin/python3
"""A second implementation of Passport Mesh, format 1, for reading: written from docs/protocol.md, not from the code.

    python3 vectors/verify.py                                     opens compat/v1/*, checks every vector; exit 1 on a failure
    python3 vectors/verify.py open STORE passport.json [--out D]  opens one store folder, prints its records, writes them to D

It needs Python 3.11 with Debian's python3-cryptography (AES-GCM, X25519) and python3-argon2; Ed25519, HKDF, HPKE, Shamir's
sharing and CBOR are written out here. The functions stand in the order of docs/protocol.md; the heading above them is the
section. It reads and checks and makes nothing but known answers, and nothing in it runs in constant time.

What is refused raises Refused(layer). vectors/README.md has the layers, and says what each op of a vector file is.
"""

import base64
import hashlib
import hmac
import json
import re
import sys
import unicodedata
from collections import defaultdict, namedtuple
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from urllib.parse import quote

from argon2 import low_level as argon2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = Path(__file__).resolve().parent
MAX_UINT = 2**53 - 1
MAX_COUNT = 2**32 - 1
MIB = 1 << 20
DEVICE, KIT = 0, 1

class Refused(Exception):
    """What is refused, and by which layer of the protocol (the closed list of vectors/README.md)."""

    def __init__(self, layer, why=''):
        super().__init__(f'{layer}: {why}')
        self.layer = layer

def need(ok, layer, why=''):
    if not ok:
        raise Refused(layer, why)


# ---- 2. Encoding: deterministic CBOR ---------------------------------------------------------------------------------

MAX_DEPTH = 16
MAX_ITEMS = 100_000

def cbor_head(major, n):
    """The head of an item in its shortest form (RFC 8949, 4.2.1)."""
    if n < 24:
        return bytes([major << 5 | n])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << 8 * size:
            return bytes([major << 5 | code]) + n.to_bytes(size, 'big')
    raise ValueError('too large')

def cbor(value):
    """Encodes None, bools, uints, bytes, text and lists (2)."""
    if value is None:
        return b'\xf6'
    if value is True or value is False:
        return b'\xf5' if value else b'\xf4'
    if isinstance(value, int):
        return cbor_head(0, value)
    if isinstance(value, bytes):
        return cbor_head(2, len(value)) + value
    if isinstance(value, str):
        data = value.encode()
        return cbor_head(3, len(data)) + data
    if isinstance(value, (list, tuple)):
        return cbor_head(4, len(value)) + b''.join(map(cbor, value))
    raise TypeError(type(value))

class Cutter:
    """Cuts a byte string into its parts; what is short is refused."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), 'parse', 'too short')
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, size=4):
        return int.from_bytes(self.take(size), 'big')

    def rest(self):
        return self.take(len(self.data) - self.at)

class CborReader(Cutter):
    """Reads one item after the other; only the seven forms that the format uses (2)."""

    items = 0

    def argument(self, info):
        if info < 24:
            return info
        need(info <= 27, 'parse', 'indefinite or reserved length')
        return self.number(1 << info - 24)

    def item(self, depth=0):
        self.items += 1
        need(self.items <= MAX_ITEMS, 'bound', 'too many items')
        first = self.number(1)
        major, info = first >> 5, first & 31
        if major == 7:
            need(info in (20, 21, 22), 'parse', 'a simple value or float')
            return (False, True, None)[info - 20]
        need(major in (0, 2, 3, 4), 'parse', 'negative integer, map or tag')
        n = self.argument(info)
        if major == 0:
            need(n <= MAX_UINT, 'parse', 'integer above 2^53-1')
            return n
        if major == 4:
            need(depth < MAX_DEPTH, 'bound', 'nested too deep')
            need(n <= len(self.data) - self.at, 'parse', 'more members than bytes')
            return [self.item(depth + 1) for _ in range(n)]
        data = self.take(n)
        if major == 2:
            return data
        try:
            return data.decode('utf-8')
        except UnicodeDecodeError:
            raise Refused('parse', 'not UTF-8') from None

def cbor_decode(data, limit=MIB):
    """Strict decoder (2): one item, nothing behind it, and only what encodes again to the same bytes."""
    need(len(data) <= limit, 'bound', 'too many bytes')
    reader = CborReader(data)
    value = reader.item()
    need(reader.at == len(data), 'parse', 'bytes behind the item')
    need(cbor(value) == data, 'parse', 'not the shortest form')
    return value

# The forms of the tables: `[a, b]`, `bytes32`, `uint`, `count`, `text a..b`, `x | null`.

def array(value, *forms):
    """An array of exactly these fields; each form is a function of the field."""
    need(isinstance(value, list) and len(value) == len(forms), 'parse', f'an array of {len(forms)} fields')
    return [form(field) for form, field in zip(forms, value)]

def list_of(form, most, least=0):
    def read(value):
        need(isinstance(value, list), 'parse', 'a list')
        need(least <= len(value) <= most, 'parse', f'{least} to {most} members')
        return [form(member) for member in value]
    return read

def fields(*forms):
    return lambda value: array(value, *forms)

def bytes_of(least, most=None):
    most = least if most is None else most

    def read(value):
        need(isinstance(value, bytes) and least <= len(value) <= most, 'parse', f'{least} to {most} bytes')
        return value
    return read

def uint(value, least=0, most=MAX_UINT):
    need(isinstance(value, int) and not isinstance(value, bool) and least <= value <= most, 'parse', 'an unsigned integer')
    return value

def count(value):
    return uint(value, 0, MAX_COUNT)

def text(least, most):
    """Text of least to most UTF-16 code units."""
    def read(value):
        need(isinstance(value, str), 'parse', 'text')
        need(least <= len(value.encode('utf-16-le')) // 2 <= most, 'parse', f'{least} to {most} code units')
        return value
    return read

def or_null(form):
    return lambda value: None if value is None else form(value)

def literal(expected):
    def read(value):
        need(type(value) is type(expected) and value == expected, 'parse', f'{expected!r}')
        return value
    return read

bytes16, bytes32, bytes33, signature64 = bytes_of(16), bytes_of(32), bytes_of(33), bytes_of(64)
raw = bytes_of(0, MIB * 16)
ballot_form = fields(count, bytes16)

def base32hex(data):
    """RFC 4648 section 7, lower case, no padding."""
    return base64.b32hexencode(data).decode().rstrip('=').lower()

def base64url(data):
    """RFC 4648 section 5, no padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip('=')

def canonical(string, decoder, encoder, block):
    """Of both encodings only the one canonical form is read."""
    try:
        data = decoder(string + '=' * (-len(string) % block))
    except ValueError:
        raise Refused('parse', 'not of the alphabet') from None
    need(encoder(data) == string, 'parse', 'not the canonical form')
    return data

def base32hex_decode(string):
    return canonical(string, lambda s: base64.b32hexdecode(s.upper()), base32hex, 8)

def base64url_decode(string):
    return canonical(string, base64.urlsafe_b64decode, base64url, 4)

def u32(n):
    return n.to_bytes(4, 'big')


# ---- 2. Statements ---------------------------------------------------------------------------------------------------

def sha256(data):
    return hashlib.sha256(data).digest()

def L(pid, use, *values):
    return cbor(['passport-mesh/v1/' + use, 1, pid, *values])

def L0(use, *values):
    return cbor(['passport-mesh/v1/' + use, 1, *values])

Info = L

def H(pid, use, *values):
    return sha256(L(pid, use, *values))

def H0(use, *values):
    return sha256(L0(use, *values))


# ---- 2. The one signature rule (RFC 8032, pure Ed25519, in plain integers) -------------------------------------------

P25519 = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P25519) % P25519
SQRT_M1 = pow(2, (P25519 - 1) // 4, P25519)
NEUTRAL = (0, 1, 1, 0)  # extended coordinates X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z

def point_add(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    m, n = (y1 - x1) * (y2 - x2) % P25519, (y1 + x1) * (y2 + x2) % P25519
    c, d = 2 * t1 * t2 * D % P25519, 2 * z1 * z2 % P25519
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P25519, g * h % P25519, f * g % P25519, e * h % P25519

def point_double(a):
    x, y, z, _ = a
    xx, yy = x * x % P25519, y * y % P25519
    h = xx + yy
    e = h - (x + y) * (x + y) % P25519
    g = xx - yy
    f = 2 * z * z + g
    return e * f % P25519, g * h % P25519, f * g % P25519, e * h % P25519

def point_negate(a):
    return -a[0] % P25519, a[1], a[2], -a[3] % P25519

def is_neutral(a):
    return a[0] % P25519 == 0 and (a[1] - a[2]) % P25519 == 0

def two_products(s, a, k, b):
    """[s]a + [k]b, doubling once for both."""
    both, total = point_add(a, b), NEUTRAL
    for bit in reversed(range(max(s.bit_length(), k.bit_length()))):
        total = point_double(total)
        choice = (s >> bit & 1) + 2 * (k >> bit & 1)
        if choice:
            total = point_add(total, (a, b, both)[choice - 1])
    return total

def point_decode(data):
    """RFC 8032, 5.1.3, strictly: y < p, and no sign on an x that is 0. None if there is no such point."""
    y = int.from_bytes(data, 'little')
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P25519:
        return None
    u, v = (y * y - 1) % P25519, (D * y * y + 1) % P25519
    x = u * pow(v, 3, P25519) * pow(u * pow(v, 7, P25519), (P25519 - 5) // 8, P25519) % P25519
    if v * x * x % P25519 == -u % P25519:
        x = x * SQRT_M1 % P25519
    if v * x * x % P25519 != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P25519 - x
    return x, y, 1, x * y % P25519

BASE = point_decode(bytes([0x58]) + b'\x66' * 31)

def times_eight(a):
    return point_double(point_double(point_double(a)))

@lru_cache(maxsize=None)
def signing_key_point(key):
    """A canonical, not of small order, torsion-free; None for any other."""
    point = point_decode(key) if len(key) == 32 else None
    if point is None or is_neutral(times_eight(point)) or not is_neutral(two_products(ORDER, point, 0, NEUTRAL)):
        return None
    return point

@lru_cache(maxsize=None)
def verify(key, message, signature):
    """The rule, cofactored: [8][S]B = [8]R + [8][k]A."""
    a = signing_key_point(key)
    if a is None or len(signature) != 64:
        return False
    r, s = point_decode(signature[:32]), int.from_bytes(signature[32:], 'little')
    if r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), 'little') % ORDER
    difference = point_add(two_products(s, BASE, k, point_negate(a)), point_negate(r))
    return is_neutral(times_eight(difference))

def signed(key, signature, pid, use, *values):
    """Sig(use, …fields) by the holder of `key`."""
    need(verify(key, L(pid, use, *values), signature), 'signature', use)

def ed25519_secret(seed):
    h = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(h[:32], 'little') & (1 << 254) - 8 | 1 << 254
    return scalar, h[32:]

def point_encode(a):
    x, y = a[0] * pow(a[2], -1, P25519) % P25519, a[1] * pow(a[2], -1, P25519) % P25519
    return (y | (x & 1) << 255).to_bytes(32, 'little')

@lru_cache(maxsize=None)
def ed25519_public(seed):
    return point_encode(two_products(ed25519_secret(seed)[0], BASE, 0, NEUTRAL))

def ed25519_sign(seed, message):
    """RFC 8032, 5.1.6; for known answers only."""
    scalar, prefix = ed25519_secret(seed)
    public = ed25519_public(seed)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), 'little') % ORDER
    big_r = point_encode(two_products(r, BASE, 0, NEUTRAL))
    k = int.from_bytes(hashlib.sha512(big_r + public + message).digest(), 'little') % ORDER
    return big_r + ((r + k * scalar) % ORDER).to_bytes(32, 'little')


# ---- 2. Keys that come from outside; names of holders ----------------------------------------------------------------

def x25519(private, public):
    """RFC 7748; an all-zero result (a point of low order) is refused."""
    need(len(private) == 32 and len(public) == 32, 'key', 'X25519 keys have 32 bytes')
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise Refused('key', 'point of low order') from None

def x25519_public(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

def check_signing_key(key):
    need(signing_key_point(key) is not None, 'key', 'signing key')

def check_receive_key(key):
    """A canonical coordinate (below 2^255-19, top bit clear), not of low order."""
    need(len(key) == 32 and int.from_bytes(key, 'little') < P25519, 'key', 'receive key')
    x25519(b'\x40' * 32, key)

NAME_SPACES = ((0x20, 0x20), (0xa0, 0xa0), (0x1680, 0x1680), (0x2000, 0x200a), (0x202f, 0x202f), (0x205f, 0x205f),
               (0x3000, 0x3000))
NAME_UNSEEN = ((0, 0x1f), (0x7f, 0x9f), (0xad, 0xad), (0x61c, 0x61c), (0x180e, 0x180e), (0x200b, 0x200f), (0x2028, 0x202e),
               (0x2060, 0x206f), (0xfeff, 0xfeff), (0xfff9, 0xfffb), (0xd800, 0xdfff), (0xe000, 0xf8ff), (0xe0000, 0xe0fff),
               (0xf0000, 0x10ffff))

def in_ranges(character, ranges):
    return any(first <= ord(character) <= last for first, last in ranges)

def check_holder_name(name):
    ok = 1 <= len(name) <= 64 and not (in_ranges(name[0], NAME_SPACES) or in_ranges(name[-1], NAME_SPACES))
    need(ok and not any(in_ranges(c, NAME_UNSEEN) for c in name), 'context', 'name of a holder')


# ---- 3. Keys ---------------------------------------------------------------------------------------------------------

def hmac256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()

def hkdf_extract(salt, ikm):
    return hmac256(salt or bytes(32), ikm)

def hkdf_expand(prk, info, length):
    need(1 <= length <= 255 * 32, 'bound', 'HKDF gives 1 to 255 blocks')
    out, block = b'', b''
    for i in range(1, (length + 31) // 32 + 1):
        block = hmac256(prk, block + info + bytes([i]))
        out += block
    return out[:length]

def hkdf(ikm, info, length, salt=b''):
    return hkdf_expand(hkdf_extract(salt, ikm), info, length)

def pid_of(founders, random32, n):
    """founders: [[seat, kind, sign key, receive key], …] by seat."""
    return H0('passport-id', [list(f) for f in founders], random32, n, len(founders))

def holder_id(pid, sign_key):
    return H(pid, 'holder', sign_key)[:16]

def chain_id(pid, device, incarnation):
    return H(pid, 'chain', device, incarnation)[:16]

KitKeys = namedtuple('KitKeys', 'sign_seed sign_key receive_private receive_key')

def kit_keys(secret):
    seed = hkdf(secret, L0('kit', 'sign'), 32)
    private = hkdf(secret, L0('kit', 'receive'), 32)
    return KitKeys(seed, ed25519_public(seed), private, x25519_public(private))

def check_argon2(memory, passes, lanes, salt):
    """The bounds of cost and salt, before anything is allocated."""
    need(16 <= len(salt) <= 64, 'bound', 'salt')
    need(19_456 <= memory <= 524_288 and 1 <= passes <= 10 and 1 <= lanes <= 8, 'bound', 'cost')
    need(131_072 <= memory * passes <= 2_097_152, 'bound', 'cost')

@lru_cache(maxsize=None)
def argon2id(password, salt, memory, passes, lanes, length=32):
    """RFC 9106, version 0x13, no secret, no associated data."""
    return argon2.hash_secret_raw(password, salt, passes, memory, lanes, length, argon2.Type.ID, version=0x13)

def passphrase_key(passphrase, salt, memory, passes, lanes):
    """P: Argon2id of NFKC(passphrase) as UTF-8, 1..1024 bytes, not trimmed, of assigned characters."""
    need(not any(unicodedata.category(c) == 'Cn' for c in passphrase), 'parse', 'a character that is not assigned')
    data = unicodedata.normalize('NFKC', passphrase).encode()
    need(1 <= len(data) <= 1024, 'bound', 'passphrase')
    check_argon2(memory, passes, lanes, salt)
    return argon2id(data, salt, memory, passes, lanes)

def kek_of(pid, e, vek, p):
    v = hkdf(vek, Info(pid, 'vek-to-kek', e), 32)
    return hkdf_expand(hkdf_extract(v, p), Info(pid, 'kek', e), 32)

def kek_check(pid, e, kek):
    return hmac256(hkdf(kek, Info(pid, 'kek-check', e), 32), pid)

def epoch_key(pid, e, secret, use):
    """One of the keys of the table that are HKDF(secret of the epoch, Info(use, e), 32): "vault-layer", "kek-link",
    "vault-sign" of KEK_e; "wrap" of VEK_e; "mesh-layer", "mesh-link", "mail-psk" of mesh_e."""
    return hkdf(secret, Info(pid, use, e), 32)

def name_key(pid, name_root, store_id):
    return hkdf(name_root, Info(pid, 'names', store_id), 32)


# ---- 3. Shares: Shamir over GF(2^8), polynomial 0x11b -----------------------------------------------------------------

def gf_times(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11b if a & 0x80 else 0)
        b >>= 1
    return product

def gf_inverse(a):
    """a^254."""
    result = 1
    for _ in range(254):
        result = gf_times(result, a)
    return result

def shamir_value(shares, x):
    """The value at x of the polynomial through the shares (each y 32 bytes ‖ x 1 byte), byte by byte (Lagrange)."""
    result = bytearray(len(shares[0]) - 1)
    for share in shares:
        factor = 1
        for other in shares:
            if other is not share:
                factor = gf_times(factor, gf_times(other[-1] ^ x, gf_inverse(other[-1] ^ share[-1])))
        for i, y in enumerate(share[:-1]):
            result[i] ^= gf_times(y, factor)
    return bytes(result)

def share_commitment(pid, share, slot, e, n, m, holder, seat):
    return hmac256(share, Info(pid, 'share', slot, e, n, m, holder, seat))

def vek_commitment(pid, vek, slot, e, n, m):
    return hmac256(vek, Info(pid, 'vek', slot, e, n, m))

def check_share_shape(share):
    need(len(share) == 33, 'parse', 'a share has 33 bytes')
    need(share[32] != 0, 'parse', 'x of a share is not 0')

def combine(shares, n):
    """VEK of the first n of good shares with distinct x."""
    for share in shares:
        check_share_shape(share)
    need(len({share[32] for share in shares}) == len(shares), 'approval', 'the same x twice')
    need(len(shares) >= n, 'approval', f'fewer than {n} shares')
    return shamir_value(shares[:n], 0)

def dealing_check(vek, n, shares):
    """All shares lie on one polynomial of degree n - 1 through the VEK: the first n - 1 and each of the others give it."""
    for i, share in enumerate(shares):
        check_share_shape(share)
        need(share[32] == i + 1, 'parse', 'x is the place')
    for other in shares[n - 1:]:
        need(combine([*shares[:n - 1], other], n) == vek, 'context', 'not on the polynomial')


# ---- 3. HPKE (RFC 9180; KEM 0x0020, KDF 0x0001, AEAD 0x0002; base and PSK mode, one-shot, sequence 0) ----------------

KEM_SUITE = b'KEM' + b'\x00\x20'
HPKE_SUITE = b'HPKE' + b'\x00\x20\x00\x01\x00\x02'

def labeled_extract(suite, salt, label, ikm):
    return hkdf_extract(salt, b'HPKE-v1' + suite + label + ikm)

def labeled_expand(suite, prk, label, info, length):
    return hkdf_expand(prk, length.to_bytes(2, 'big') + b'HPKE-v1' + suite + label + info, length)

def hpke_shared_secret(dh, enc, receiver):
    """RFC 9180, 4.1."""
    eae_prk = labeled_extract(KEM_SUITE, b'', b'eae_prk', dh)
    return labeled_expand(KEM_SUITE, eae_prk, b'shared_secret', enc + receiver, 32)

def hpke_key_schedule(shared, info, psk, psk_id):
    """RFC 9180, 5.1: (key, nonce)."""
    context = (b'\x01' if psk else b'\x00') + labeled_extract(HPKE_SUITE, b'', b'psk_id_hash', psk_id)
    context += labeled_extract(HPKE_SUITE, b'', b'info_hash', info)
    secret = labeled_extract(HPKE_SUITE, shared, b'secret', psk)
    return (labeled_expand(HPKE_SUITE, secret, b'key', context, 32),
            labeled_expand(HPKE_SUITE, secret, b'base_nonce', context, 12))

def hpke_derive_private(ikm):
    """RFC 9180, 7.1.3, for known answers only."""
    return labeled_expand(KEM_SUITE, labeled_extract(KEM_SUITE, b'', b'dkp_prk', ikm), b'sk', b'', 32)

def hpke_open(private, sealed, info, aad=b'', psk=b'', psk_id=b''):
    """Opens `enc (32) ‖ ciphertext ‖ tag (16)`."""
    need(len(sealed) >= 48, 'parse', 'shorter than enc and tag')
    enc, box = sealed[:32], sealed[32:]
    try:
        shared = hpke_shared_secret(x25519(private, enc), enc, x25519_public(private))
    except Refused:
        raise Refused('tag', 'an enc of low order opens nothing') from None
    key, nonce = hpke_key_schedule(shared, info, psk, psk_id)
    return gcm_open(key, nonce, box, aad)

def hpke_seal(ephemeral, receiver, plaintext, info, aad=b'', psk=b'', psk_id=b''):
    """With a given ephemeral private key, for known answers only."""
    enc = x25519_public(ephemeral)
    shared = hpke_shared_secret(x25519(ephemeral, receiver), enc, receiver)
    key, nonce = hpke_key_schedule(shared, info, psk, psk_id)
    return enc + AESGCM(key).encrypt(nonce, plaintext, aad)


# ---- 3. Grants -------------------------------------------------------------------------------------------------------

Grant = namedtuple('Grant', 'pid slot prev epoch n m holder seat dealer share mesh name_root')

# What a decided entry that starts an epoch says of one holder and its share.
Decided = namedtuple('Decided', 'pid slot prev epoch n m holder seat kind dealer commitment grant_hash')

def grant_open(private, sealed, epoch):
    """The grant as it was sealed to a receive key; nothing in it is believed before grant_check."""
    need(len(sealed) <= 1024, 'bound', 'a grant has at most 1024 bytes')
    plain = hpke_open(private, sealed, L0('grant', epoch))
    grant = Grant(*array(cbor_decode(plain), bytes32, count, bytes32, count, count, count, bytes16, count, bytes16, bytes33,
                         or_null(bytes32), or_null(bytes32)))
    need((grant.mesh is None) == (grant.name_root is None), 'parse', 'both keys or none')
    return grant

def grant_check(grant, sealed, decided):
    """Every field against the decided entry, then the hash and the share's commitment."""
    need(grant[:6] == decided[:6], 'context', 'of another entry')
    need(grant[6:9] == (decided.holder, decided.seat, decided.dealer), 'context', 'of another holder or dealer')
    need((grant.mesh is None) == (decided.kind == KIT), 'context', 'keys')
    need(sha256(sealed) == decided.grant_hash, 'context', 'hash of the grant')
    check_share(grant.share, decided)

def check_share(share, decided):
    """Shape and x, then the commitment of this holder's share."""
    check_share_shape(share)
    made = share_commitment(decided.pid, share, decided.slot, *decided[3:8])
    need(made == decided.commitment, 'commitment', 'share')


# ---- 3. Words --------------------------------------------------------------------------------------------------------

@lru_cache(maxsize=None)
def word_list():
    words = (HERE / 'bip39-english.txt').read_text().split()
    need(len(words) == 2048, 'parse', 'the BIP-39 list has 2048 words')
    return words

def words_of(data, bits):
    """The first `bits` bits of data, 11 to a word, most significant first."""
    number = int.from_bytes(data, 'big') >> (len(data) * 8 - bits)
    return [word_list()[number >> shift & 2047] for shift in range(bits - 11, -1, -11)]

def kit_words(secret):
    return words_of(secret + sha256(secret)[:1], 264)

def kit_from_words(typed):
    """24 words in any case and layout, with or without numbers; their checksum."""
    found = [word for word in typed.lower().split() if not re.fullmatch(r'\d+\.?', word)]
    need(len(found) == 24, 'parse', '24 words')
    number = 0
    for word in found:
        need(word in word_list(), 'parse', 'not a word of the list')
        number = number << 11 | word_list().index(word)
    data = number.to_bytes(33, 'big')
    need(sha256(data[:32])[0] == data[32], 'checksum', 'of the words')
    return data[:32]

def pid_words(pid):
    return words_of(H0('pid-words', pid), 88)

def device_words(pid, sign_key, receive_key):
    return words_of(H(pid, 'device-words', sign_key, receive_key), 88)


# ---- 4. Objects ------------------------------------------------------------------------------------------------------

MESH, VAULT, WRAP, MESH_LINK, KEK_LINK = 1, 2, 3, 4, 5
CHUNK = 64 * 1024
HEADER = 75  # magic 4, version 1, suite 1, layer 1, epoch 4, salt 32, commitment 32

def padme(length):
    if length == 0:
        return 0
    e = length.bit_length() - 1
    s = e.bit_length()
    step = 1 << e - s
    return (length + step - 1) // step * step

def padded_length(length):
    return max(1024, padme(8 + length))

def unpad(plain):
    """Plaintext = length u64 ‖ data ‖ zeros."""
    need(len(plain) >= 8, 'padding', 'too short')
    length = int.from_bytes(plain[:8], 'big')
    need(length <= len(plain) - 8 and len(plain) == padded_length(length), 'padding', 'length')
    need(not any(plain[8 + length:]), 'padding', 'zeros')
    return plain[8:8 + length]

def object_header(data):
    """(layer, epoch) of an object; an unknown magic, version, suite is refused by name."""
    need(len(data) >= 6, 'parse', 'too short for an object')
    need(data[:4] == b'PMSH' and data[4] == 1 and data[5] == 1, 'unsupported', 'magic, version or suite')
    need(len(data) > HEADER + 16 and (len(data) - HEADER - 1) % (CHUNK + 16) >= 16, 'parse', 'no chunk, or an empty one')
    return data[6], int.from_bytes(data[7:11], 'big')

def object_keys(pid, key, header, kind, owner, sequence):
    """key (32) and commitment (32) of an object with these first 43 bytes."""
    derived = hkdf(key, Info(pid, 'object', header, kind, owner, sequence), 64, salt=header[11:43])
    return derived[:32], derived[32:]

def object_open(pid, key, data, layer, epoch, kind, owner, sequence):
    """Opens an object of this layer and epoch, with the layer key, for this kind, owner and sequence."""
    need(object_header(data) == (layer, epoch), 'context', 'object of another layer or epoch')
    aes, commitment = object_keys(pid, key, data[:43], kind, owner, sequence)
    need(hmac.compare_digest(commitment, data[43:HEADER]), 'commitment', 'object')
    plain = []
    for i, at in enumerate(range(HEADER, len(data), CHUNK + 16)):
        piece = data[at:at + CHUNK + 16]
        plain.append(gcm_open(aes, chunk_nonce(i, at + len(piece) == len(data)), piece))
    return unpad(b''.join(plain))

def chunk_nonce(index, last):
    return index.to_bytes(11, 'big') + bytes([last])

def gcm_open(key, nonce, box, aad=b''):
    try:
        return AESGCM(key).decrypt(nonce, box, aad)
    except InvalidTag:
        raise Refused('tag', 'AES-GCM') from None

def pad(data):
    """length u64 ‖ data ‖ zeros."""
    return (len(data).to_bytes(8, 'big') + data).ljust(padded_length(len(data)), b'\0')

def object_seal(pid, key, header, kind, owner, sequence, data):
    """With the given first 43 bytes, for known answers only."""
    aes, commitment = object_keys(pid, key, header, kind, owner, sequence)
    plain = pad(data)
    pieces = [plain[at:at + CHUNK] for at in range(0, len(plain), CHUNK)]
    sealed = [AESGCM(aes).encrypt(chunk_nonce(i, i == len(pieces) - 1), piece, b'') for i, piece in enumerate(pieces)]
    return header + commitment + b''.join(sealed)


# ---- 4. Names in a store ---------------------------------------------------------------------------------------------

TAG, NUMBER, HASH = '([0-9a-v]{16})', '([0-9a-v]{8})', '([0-9a-v]{26})'
NAMES = {
    'bundle': re.compile(f'hot/c-{TAG}-{NUMBER}-{NUMBER}-{HASH}'),
    'hot registry': re.compile(f'hot/r-{NUMBER}-{HASH}'),
    'registry': re.compile(f'reg/{NUMBER}-{HASH}'),
    'vote': re.compile(f'hot/v-{TAG}-{NUMBER}-{HASH}'),
    'mail': re.compile(f'hot/m-{TAG}-{HASH}'),
    'grant': re.compile(f'grant/{NUMBER}-{TAG}-{HASH}'),
}

Name = namedtuple('Name', 'kind tag numbers hash')

def name_read(name):
    """One of the names of the table; any other is refused (a reader of a store ignores it)."""
    for kind, pattern in NAMES.items():
        match = pattern.fullmatch(name)
        if match:
            parts = [base32hex_decode(part) for part in match.groups()]
            tag = next((p for p in parts if len(p) == 10), None)
            numbers = [int.from_bytes(p, 'big') for p in parts if len(p) == 5]
            if kind == 'bundle':
                need(1 <= numbers[0] <= numbers[1] < numbers[0] + 64, 'parse', 'first and last')
            return Name(kind, tag, numbers, parts[-1])
    raise Refused('parse', 'no name of a store')

def name_tag(key, use, identifier=b''):
    """Tags of chains ("chain"), of holders ("holder"), of the four pairing messages ("pair-1" …, key k)."""
    return hmac256(key, use.encode() + identifier)[:10]

def store_load(folder):
    """{store id: {name: bytes}} of the objects of a store whose names are of the table and end in the hash of the bytes."""
    stores = {}
    for root in sorted(Path(folder).glob('p/*')):
        objects = stores.setdefault(base32hex_decode(root.name), {})
        for path in sorted(p for p in root.rglob('*') if p.is_file()):
            name, data = path.relative_to(root).as_posix(), path.read_bytes()
            try:
                if name_read(name).hash == sha256(data)[:16]:
                    objects[name] = data
            except Refused:
                pass  # any other name is ignored
    return stores


# ---- 5. Registry: object, entry, request -----------------------------------------------------------------------------

Holder = namedtuple('Holder', 'seat id kind name sign receive')

Request = namedtuple('Request', 'bytes hash rid kind initiator sign one_time expiry enters leaves n names unlock')

# The epoch part of an entry. argon: [salt, memory KiB, passes, lanes]; shares: [[commitment, SHA-256 of the grant], …];
# hashes: [SHA-256 of wrap, SHA-256 of link or null]
Part = namedtuple('Part', 'argon vault_key kek_check vek_commitment shares hashes kek_link')

Entry = namedtuple('Entry', (
    'bytes id core dealer_signature vault_signature pid slot prev birth request promises approvals roles '
    'time holders n epoch part unlock'))

# What the entries 0 .. slot say. holders: now, by seat; part: of the entry that started the epoch; start: the state
# after that entry (None: this very one); top_seat: the highest that was ever given; keys: every key that was ever a
# holder's; everyone: id -> Holder, of now and earlier; cuts: id of who left -> commit ids of the stated heads
class State(namedtuple('State', 'pid slot entry holders n epoch part start unlock top_seat keys everyone cuts')):
    def holder(self, identifier):
        return holder_of(self.holders, identifier)

    def is_device(self, identifier):
        holder = self.holder(identifier)
        return holder is not None and holder.kind == DEVICE

    def decided(self, identifier):
        """What the entry that started this epoch says of a holder and its share."""
        at = self.start or self
        place = next((i for i, h in enumerate(at.holders) if h.id == identifier), None)
        need(place is not None, 'context', 'no holder of this epoch')
        holder, (commitment, grant_hash) = at.holders[place], at.part.shares[place]
        return Decided(at.pid, at.slot, at.entry.prev, at.epoch, at.n, len(at.holders), identifier, holder.seat, holder.kind,
                       at.entry.birth[1], commitment, grant_hash)

def holder_of(holders, identifier):
    return next((h for h in holders if h.id == identifier), None)

def holder_form(value):
    return Holder(*array(value, lambda v: uint(v, 1, MAX_COUNT), bytes16, lambda v: uint(v, 0, 1), text(1, 256), bytes32,
                         bytes32))

header_pair = fields(bytes_of(0, 8192), signature64)
heads_form = list_of(fields(bytes16, list_of(header_pair, 64)), 32)
last_form = or_null(fields(ballot_form, bytes32))
promise_form = fields(bytes16, ballot_form, last_form, or_null(bytes32), heads_form, signature64)
accept_form = fields(bytes16, ballot_form, bytes32, signature64)
proposal_form = fields(ballot_form, bytes32, list_of(promise_form, 32), signature64)
threshold = lambda value: uint(value, 2, 32)  # noqa: E731

def registry_object_read(data):
    """(wrap, link, sealed) of the bytes of a registry object."""
    need(len(data) <= 256 * 1024, 'bound', 'a registry object has at most 256 KiB')
    cut = Cutter(data)
    wrap = cut.take(cut.number())
    link = cut.take(cut.number())
    return wrap, link, cut.rest()

def epoch_part_form(value):
    argon = fields(bytes_of(16, 64), count, count, count)
    return Part(*array(value, argon, bytes32, bytes32, bytes32, list_of(fields(bytes32, bytes32), 32, 2),
                       fields(bytes32, or_null(bytes32)), or_null(bytes_of(0, 4096))))

def entry_read(data):
    """The shape of an entry."""
    core, dealer, vault = array(cbor_decode(data, 256 * 1024), bytes_of(0, 256 * 1024), signature64, signature64)
    values = array(cbor_decode(core, 256 * 1024), bytes32, count, bytes32, ballot_form, bytes_of(0, 16 * 1024),
                   list_of(promise_form, 32), list_of(fields(bytes16, signature64), 32),
                   list_of(fields(bytes16, bytes32, signature64), 32), uint, list_of(holder_form, 32, 2), threshold, count,
                   or_null(epoch_part_form), list_of(bytes16, 32))
    return Entry(data, H(values[0], 'entry', sha256(data)), core, dealer, vault, *values)

def certificate_read(data):
    return array(cbor_decode(data, 256 * 1024), ballot_form, list_of(accept_form, 32, 1), list_of(proposal_form, 1024))

def entry_open(pid, mesh, epoch, slot, sealed):
    """(entry bytes, certificate bytes) of the sealed part of a registry object; mesh is the key of the epoch of slot - 1."""
    data = object_open(pid, epoch_key(pid, epoch, mesh, 'mesh-layer'), sealed, MESH, epoch, 'entry', pid, slot)
    return array(cbor_decode(data), raw, raw)

def request_read(pid, data):
    values = array(cbor_decode(data, 16 * 1024), bytes16, text(1, 32), fields(bytes16, bytes32), bytes32, uint,
                   list_of(holder_form, 32), list_of(bytes16, 32), threshold, list_of(fields(bytes16, text(1, 256)), 32),
                   list_of(bytes16, 32))
    need(values[1] in ('holders', 'passphrase', 'rotate', 'policy'), 'parse', 'kind of a request')
    rid, kind, (initiator, sign), *others = values
    return Request(data, H(pid, 'request', sha256(data)), rid, kind, initiator, sign, *others)

def match_number(pid, request_hash):
    return int.from_bytes(H(pid, 'match', request_hash)[:2], 'big') % 90 + 10

def holders_after(state, request):
    """Holders before - leaves + enters, with names changed, by seat; keys as before."""
    names = dict(map(tuple, request.names))
    stay = [h._replace(name=names.get(h.id, h.name)) for h in state.holders if h.id not in request.leaves]
    return sorted(stay + request.enters)

def check_policy(n, m):
    need(2 <= n <= m <= 32 and 2 * n > m, 'policy', '2 <= N <= M <= 32 and 2N > M')

def check_new_holder(pid, holder):
    """An id that fits its key, a name and keys as in section 2."""
    need(holder.id == holder_id(pid, holder.sign), 'context', 'id of a holder')
    check_holder_name(holder.name)
    check_signing_key(holder.sign)
    check_receive_key(holder.receive)

def request_possible(state, request):
    """A request is possible in a state."""
    ids = [h.id for h in state.holders]
    need(len(set(request.leaves)) == len(request.leaves), 'context', 'leaves twice')
    need(all(gone in ids for gone in request.leaves), 'context', 'who leaves is a holder')
    need(len({h.id for h in request.enters}) == len(request.enters), 'context', 'enters twice')
    seats = [h.seat for h in request.enters]
    need(len(set(seats)) == len(seats) and all(seat > state.top_seat for seat in seats), 'context', 'seat')
    for holder in request.enters:
        check_new_holder(state.pid, holder)
        need(holder.id not in state.everyone, 'key', 'was a holder')
    entering = [key for h in request.enters for key in (h.sign, h.receive)]
    need(len(set(entering)) == len(entering) and not state.keys & set(entering), 'key', 'key of another holder')
    if request.kind != 'holders':
        need(not request.enters and not request.leaves and request.n == state.n, 'context', 'only "holders" changes these')
    if request.kind == 'policy':
        for identifier, name in request.names:
            need(identifier in ids, 'context', 'names of holders')
            check_holder_name(name)
        need(len({identifier for identifier, _ in request.names}) == len(request.names), 'context', 'named twice')
        need(all(state.is_device(i) for i in request.unlock), 'context', 'unlock devices')
        need(len(set(request.unlock)) == len(request.unlock), 'context', 'an unlock device twice')
    else:
        need(not request.names and not request.unlock, 'context', 'only "policy" has names and unlock devices')
    after = holders_after(state, request)
    check_policy(request.n, len(after))
    by = next((h for h in after if h.id == request.initiator), None)
    need(by is not None and by.kind == DEVICE and by.sign == request.sign, 'context', 'the initiator is a device after')


# ---- 5. Vote ---------------------------------------------------------------------------------------------------------

def holders_hash(pid, after, enters):
    fresh = {h.id for h in enters}
    return H(pid, 'holders', [[*h[:5], h.receive if h.id in fresh else None] for h in after])

def body_hash(pid, request):
    return H(pid, 'body', request.kind, [list(h) for h in request.enters], request.leaves, request.n, request.names,
             request.unlock)

def epoch_after(state, request):
    return state.epoch + (request.kind != 'policy')

def approve_fields(state, request):
    """The fields of Sig("approve", …), every one recomputed from the state before and the request."""
    after = holders_after(state, request)
    return (state.slot + 1, state.entry.id, request.kind, state.epoch, epoch_after(state, request),
            holders_hash(state.pid, after, request.enters), request.n, len(after), body_hash(state.pid, request),
            request.initiator, request.hash)

def promise_signed(pid, holders, promise, slot, prev):
    """Is it by a holder of the state before, for this slot?"""
    holder, ballot, last, next_key, heads, signature = promise
    by = holder_of(holders, holder)
    return by is not None and verify(
        by.sign, L(pid, 'promise', slot, prev, ballot, last, next_key, sha256(cbor(heads))), signature)

def accept_signed(pid, holders, accept, slot, prev):
    holder, ballot, entry_id, signature = accept
    by = holder_of(holders, holder)
    return by is not None and verify(by.sign, L(pid, 'accept', slot, prev, ballot, entry_id), signature)

def check_voucher(state, request, voucher):
    """[kit id, Sig("vouch", …) by that holder]."""
    by = state.holder(voucher[0])
    need(by is not None, 'approval', 'vouched for by no holder')
    signed(by.sign, voucher[1], state.pid, 'vouch', state.slot + 1, state.entry.id, request.hash)

evidence_form = fields(list_of(fields(raw, bytes_of(0, 8192), bytes_of(0, 8192)), 1024), list_of(proposal_form, 1024))
MESSAGES = {
    'request': (ballot_form, bytes_of(0, 16 * 1024), or_null(fields(bytes16, signature64)), signature64),
    'promise': (promise_form, evidence_form),
    'approve': (bytes16, bytes32, signature64, bytes_of(81), signature64),
    'propose': (ballot_form, bytes32, evidence_form),
    'accept': (accept_form,),
    'refuse': (bytes16, bytes32, signature64),
    'cancel': (bytes32, signature64),
}

def vote_read(data):
    """The shape of a vote message: [name, slot, prev, …]."""
    value = cbor_decode(data)
    need(isinstance(value, list) and value, 'parse', 'a vote message')
    use = text(1, 32)(value[0])
    need(use in MESSAGES, 'parse', 'a vote message')
    return array(value, text(1, 32), uint, bytes32, *MESSAGES[use])

def vote_check(state, data, requests):
    """A vote message for the slot after `state`, signed by the holder that it names. requests: {hash: Request} of the
    request messages so far, to which this adds. The message is returned."""
    message = vote_read(data)
    use, slot, prev, *rest = message
    pid = state.pid
    need(slot == state.slot + 1 and prev == state.entry.id, 'context', 'of another slot')
    if use == 'request':
        vote_request_check(state, requests, *rest)
    elif use in ('promise', 'accept'):
        need(state.holder(rest[0][0]) is not None, 'approval', 'by no holder')
        holds = promise_signed if use == 'promise' else accept_signed
        need(holds(pid, state.holders, rest[0], slot, prev), 'signature', use)
    elif use == 'propose':
        propose_check(state, requests, *rest)
    elif use == 'cancel':
        need(rest[0] in requests, 'context', 'another request')
        signed(requests[rest[0]].sign, rest[1], pid, 'cancel', slot, prev, rest[0])
    else:
        by, request_hash, signature = rest[:3]
        need(state.holder(by) is not None, 'approval', 'by no holder')
        need(request_hash in requests, 'context', 'another request')
        key = state.holder(by).sign
        if use == 'refuse':
            signed(key, signature, pid, 'refuse', slot, prev, request_hash)
        else:
            signed(key, signature, pid, 'approve', *approve_fields(state, requests[request_hash]))
            signed(key, rest[4], pid, 'approve-share', slot, prev, request_hash, sha256(rest[3]))
    return message

def vote_request_check(state, requests, ballot, request_bytes, voucher, signature):
    request = request_read(state.pid, request_bytes)
    request_possible(state, request)
    if voucher is not None:
        check_voucher(state, request, voucher)
    key = initiator_key(state, ballot[1], [request] if voucher else [])
    signed(key, signature, state.pid, 'request', state.slot + 1, state.entry.id, ballot, request.hash)
    requests[request.hash] = request

def initiator_key(state, initiator, vouched):
    """The signing key of a ballot's initiator: a holder, or the fresh device of a request that a holder vouched for."""
    by = state.holder(initiator)
    key = by.sign if by else next((request.sign for request in vouched if request.initiator == initiator), None)
    need(key is not None, 'approval', 'a ballot of nobody')
    return key

def change_share_open(state, request, private, holder, box):
    """The share in an approval, sealed to the request's one-time key."""
    share = hpke_open(private, box, Info(state.pid, 'change-share', state.epoch, request.hash, holder))
    check_share(share, state.decided(holder))
    return share

def votes_load(registry, objects, ignored):
    """[(slot, message)] of the vote objects of a store, each signed by whom it names; requests come first. ignored: {name:
    Refused} gets the others."""
    opened, requests, messages = [], {}, []
    for path, data in objects.items():
        name = name_read(path)
        if name.kind == 'vote' and 1 <= name.numbers[0] <= len(registry.states):
            before = registry.states[name.numbers[0] - 1]
            key = epoch_key(before.pid, before.epoch, registry.mesh[before.epoch], 'mesh-layer')
            try:
                plain = object_open(before.pid, key, data, MESH, before.epoch, 'vote', before.pid, name.numbers[0])
                opened.append((vote_read(plain)[0] != 'request', path, before, plain))
            except Refused as refused:
                ignored[path] = refused
    for _, path, before, plain in sorted(opened):
        try:
            messages.append((before.slot + 1, vote_check(before, plain, requests)))
        except Refused as refused:
            ignored[path] = refused
    return messages


# ---- 5. Which entry promises require ---------------------------------------------------------------------------------

def ballot_order(ballot):
    return ballot[0], ballot[1]

def required_entry(state, ballot, promises, held):
    """The id of the entry that the promises for this ballot require, or None; held: {(ballot, entry id)} of the proposals
    that hold. Refused('approval') when nothing may be proposed."""
    counted = {}
    for holder, promised, last, *_ in promises:
        reported = last is None or (
            ballot_order(last[0]) < ballot_order(ballot) and (ballot_order(last[0]), last[1]) in held)
        if promised == ballot and state.holder(holder) is not None and reported:
            counted.setdefault(holder, last)
    need(len(counted) >= state.n, 'approval', 'fewer than N promises count')
    reports = [last for last in counted.values() if last is not None]
    if not reports:
        return None
    largest = max(ballot_order(last[0]) for last in reports)
    named = sorted({last[1] for last in reports if ballot_order(last[0]) == largest})
    if len(named) == 1:
        return named[0]

    def reporters(entry_id):
        return sum((ballot_order(last[0]), last[1]) == (largest, entry_id) for last in reports)
    left = [entry_id for entry_id in named if len(counted) - reporters(entry_id) < state.n]
    need(len(left) <= 1, 'approval', 'more promises are needed')
    return left[0] if left else named[0]

def evidence_read(pid, evidence):
    """({id: Entry}, proposals): the entries count when each has its wrap and link, all or none."""
    entries = {}
    for data, wrap, link in evidence[0]:
        entry = entry_read(data)
        check_wrap_and_link(entry, wrap, link)
        entries[entry.id] = entry
    return entries, evidence[1]

def check_proposal(state, proposal, entries, held, vouched):
    """A proposal is signed, and it holds."""
    ballot, entry_id, promises, signature = proposal
    slot, prev, pid = state.slot + 1, state.entry.id, state.pid
    signed(initiator_key(state, ballot[1], vouched), signature, pid, 'propose', slot, prev, ballot, entry_id)
    for promise in promises:
        need(state.holder(promise[0]) is not None, 'approval', 'a promise by no holder')
        need(promise_signed(pid, state.holders, promise, slot, prev), 'signature', 'promise')
    required, entry = required_entry(state, ballot, promises, held), entries.get(entry_id)
    born_here = required is None and entry is not None and entry.birth == ballot
    need(required == entry_id or born_here, 'approval', 'not the entry that the promises require')

def proposals_that_hold(state, proposals, entries, vouched=()):
    """{(ballot, entry id)} of the proposals that hold, from the lowest ballot up, and {(ballot, entry id): Refused} of
    the others. entries: {id: Entry}; vouched: requests that a holder vouched for."""
    held, refused = set(), {}
    for proposal in sorted(proposals, key=lambda p: ballot_order(p[0])):
        place = ballot_order(proposal[0]), proposal[1]
        if place not in held:
            try:
                check_proposal(state, proposal, entries, held, vouched)
                held.add(place)
            except Refused as why:
                refused[place] = why
    return held, refused

def propose_check(state, requests, ballot, entry_id, evidence):
    """PROPOSE: the proposal of its ballot and entry holds, and the entry is VALID."""
    entries, proposals = evidence_read(state.pid, evidence)
    held, refused = proposals_that_hold(state, proposals, entries, requests.values())
    place = ballot_order(ballot), entry_id
    if place not in held:
        raise refused.get(place, Refused('approval', 'the proposal is not in the evidence'))
    need(entry_id in entries, 'approval', 'the entry is not in the evidence')
    entry_valid(state, entries[entry_id].bytes)

def check_report(state, promise, evidence, vouched=()):
    """A promise's report counts only with evidence."""
    entries, proposals = evidence_read(state.pid, evidence)
    held, _ = proposals_that_hold(state, proposals, entries, vouched)
    ballot, entry_id = promise[2]
    need(ballot_order(ballot) < ballot_order(promise[1]), 'approval', 'a report of a higher ballot')
    need(entry_id in entries and (ballot_order(ballot), entry_id) in held, 'approval', 'a report without evidence')


# ---- 5. Certificate and VALID(E) -------------------------------------------------------------------------------------

def certificate_check(state, entry, data):
    """N distinct holders of the state before accepted this entry in one ballot; in slot 0 (state None) all founders."""
    ballot, accepts, proposals = certificate_read(data)
    holders, quorum = (state.holders, state.n) if state else (entry.holders, len(entry.holders))
    need(state or (not proposals and ballot == entry.birth), 'approval', 'certificate of slot 0')
    accepted = defaultdict(set)
    for accept in accepts:
        place = ballot_order(accept[1])
        counts = accept[2] == entry.id and (state or accept[1] == entry.birth)
        if counts and accept_signed(entry.pid, holders, accept, entry.slot, entry.prev):
            accepted[place].add(accept[0])
    need(any(len(who) >= quorum for who in accepted.values()), 'approval', 'no quorum of accepts')

def check_wrap_and_link(entry, wrap, link):
    """A registry object's wrap and link have the hashes in its entry."""
    if entry.part is None:
        need(not wrap and not link, 'context', 'wrap or link without an epoch')
        return
    need(sha256(wrap) == entry.part.hashes[0], 'context', 'wrap')
    expected = entry.part.hashes[1]
    need(not link if expected is None else sha256(link) == expected, 'context', 'link')

def check_epoch_part(entry, first, before=None, kind=None):
    part = entry.part
    need(len(part.shares) == len(entry.holders), 'context', 'as many shares as holders')
    need((part.hashes[1] is None) == first and (part.kek_link is None) == first, 'context', 'link and KEK link')
    salt, memory, passes, lanes = part.argon
    check_argon2(memory, passes, lanes, salt)
    check_signing_key(part.vault_key)
    if before is not None and kind != 'passphrase':
        need(part.argon == before.argon, 'context', 'salt and cost are those of the epoch before')

def entry_signatures(entry, dealer_key, vault_key):
    signed(dealer_key, entry.dealer_signature, entry.pid, 'entry-core', sha256(entry.core))
    signed(vault_key, entry.vault_signature, entry.pid, 'entry-core', sha256(entry.core))

def slot_zero(pid, data):
    """The state after slot 0. pid is the one that is expected, or None."""
    entry = entry_read(data)
    need(pid is None or entry.pid == pid, 'context', 'of another passport')
    need(entry.slot == 0 and entry.prev == entry.pid, 'context', 'slot and prev')
    need(entry.epoch == 0 and entry.part is not None, 'epoch', 'epoch 0 with an epoch part')
    need(not entry.promises and not entry.approvals and not entry.roles and not entry.unlock, 'context', 'slot 0 has none')
    need(entry.birth[0] == 0, 'context', 'round of slot 0')
    random32, = array(cbor_decode(entry.request), bytes32)
    check_policy(entry.n, len(entry.holders))
    need([h.seat for h in entry.holders] == list(range(1, len(entry.holders) + 1)), 'context', 'seats 1 .. M')
    founders = [[h.seat, h.kind, h.sign, h.receive] for h in entry.holders]
    need(pid_of(founders, random32, entry.n) == entry.pid, 'context', 'the founders do not give the pid')
    for holder in entry.holders:
        check_new_holder(entry.pid, holder)
    keys = [key for h in entry.holders for key in (h.sign, h.receive)]
    need(len(set(keys)) == len(keys), 'key', 'the same key twice')
    check_epoch_part(entry, True)
    dealer = next((h for h in entry.holders if h.id == entry.birth[1]), None)
    need(dealer is not None and dealer.kind == DEVICE, 'context', 'the dealer is a founding device')
    entry_signatures(entry, dealer.sign, entry.part.vault_key)
    return State(entry.pid, 0, entry, entry.holders, entry.n, 0, entry.part, None, [], len(entry.holders), frozenset(keys),
                 {h.id: h for h in entry.holders}, {})

def entry_valid(state, data):
    """VALID(E) after `state`; the state after it."""
    entry = entry_read(data)
    # 1
    need(entry.pid == state.pid, 'context', 'of another passport')
    need(entry.slot == state.slot + 1 and entry.prev == state.entry.id, 'context', 'slot and prev')
    request = request_read(state.pid, entry.request)
    request_possible(state, request)
    need(entry.birth[1] == request.initiator, 'context', 'born by another initiator')
    check_promises(state, entry, request)                # 2
    approvers = set()                                    # 3
    for holder, signature in entry.approvals:
        by = state.holder(holder)
        need(by is not None and holder not in approvers, 'approval', 'approval by no holder, or twice')
        signed(by.sign, signature, state.pid, 'approve', *approve_fields(state, request))
        approvers.add(holder)
    need(len(approvers) >= state.n, 'approval', 'fewer than N approvals')
    check_roles(state, entry, request)                   # 4
    # 5
    next_keys = {p[0]: p[3] for p in entry.promises}
    expected, starts = holders_after(state, request), request.kind != 'policy'
    if starts:
        expected = [h._replace(receive=next_keys.get(h.id) or h.receive) for h in expected]
    need(entry.holders == expected, 'context', 'holders after')
    keys = [key for h in entry.holders for key in (h.sign, h.receive)]
    need(len(set(keys)) == len(keys), 'key', 'the same key twice')
    need(entry.n == request.n, 'policy', 'N is that of the request')
    # 6
    need(entry.epoch == state.epoch + starts, 'epoch', 'of the entry')
    need((entry.part is not None) == starts, 'epoch', 'epoch part')
    if starts:
        check_epoch_part(entry, False, state.part, request.kind)
    unlock = request.unlock if request.kind == 'policy' else [i for i in state.unlock if i not in request.leaves]
    need(entry.unlock == unlock, 'context', 'unlock devices')
    entry_signatures(entry, request.sign, state.part.vault_key)  # 7
    after = State(state.pid, entry.slot, entry, entry.holders, entry.n, entry.epoch, entry.part or state.part, None, unlock,
                  max([state.top_seat] + [h.seat for h in request.enters]), state.keys | set(keys),
                  {**state.everyone, **{h.id: h for h in entry.holders}}, {**state.cuts, **cuts_of(state, entry, request)})
    return after if starts else after._replace(start=state.start or state)

def check_promises(state, entry, request):
    """2 of VALID."""
    holders = [promise[0] for promise in entry.promises]
    need(len(set(holders)) == len(holders) >= state.n, 'approval', 'fewer than N promises, or a holder twice')
    for promise in entry.promises:
        need(promise[1] == entry.birth and promise[2] is None, 'approval', 'promise of another ballot, or not empty')
        check_birth_promise(state, request, promise)
    need(not request.leaves or set(holders) - set(request.leaves), 'approval', 'no promise by a holder that stays')

def check_birth_promise(state, request, promise):
    """What a promise must be to stand in an entry of this request."""
    holder, _, _, next_key, heads, _ = promise
    by = state.holder(holder)
    need(by is not None, 'approval', 'promise by no holder')
    need(promise_signed(state.pid, state.holders, promise, state.slot + 1, state.entry.id), 'signature', 'promise')
    need((next_key is None) == (by.kind == KIT), 'approval', 'next key')
    if next_key is not None and holder not in request.leaves:
        check_receive_key(next_key)
        need(next_key not in state.keys, 'key', 'a next key that was listed')
    leaving = sorted(i for i in request.leaves if state.is_device(i))
    need(sorted(device for device, _ in heads) == leaving, 'approval', 'one list of heads per leaving device')
    for device, headers in heads:
        for data, signature in headers:
            header = header_read(data)
            need(header.device == device, 'context', 'head of another device')
            need(header_signed(state.pid, header, state.holder(device).sign, signature), 'signature', 'of a head')

def check_roles(state, entry, request):
    """4 of VALID."""
    need(len(entry.roles) == len(request.enters), 'approval', 'one role per new holder')
    for new in request.enters:
        transcript, signature = next((role[1:] for role in entry.roles if role[0] == new.id), (b'', b''))
        signed(new.sign, signature, state.pid, 'accept-role', entry.slot, entry.prev, new.sign, new.receive, transcript)

def cuts_of(state, entry, request):
    """For each leaving device the heads that staying holders state, each once."""
    cuts = {i: [] for i in request.leaves if state.is_device(i)}
    for holder, _, _, _, heads, _ in entry.promises:
        if holder not in request.leaves:
            for device, headers in heads:
                stated = [header_read(data).id(state.pid) for data, _ in headers]
                cuts[device] += [head for head in stated if head not in cuts[device]]
    return cuts


# ---- 5. Getting in ---------------------------------------------------------------------------------------------------

# What a client has once it is in. states: by slot; mesh: epoch -> mesh key; vek: of the head's epoch; fork: the states
# after two certified entries of one slot, or empty
class Registry(namedtuple('Registry', 'states mesh name_root vek fork')):
    @property
    def head(self):
        return self.states[-1]

def registry_candidates(objects):
    """{slot: registry objects}, at most 64 per slot."""
    found = defaultdict(dict)
    for name, data in objects.items():
        read = name_read(name)
        if read.kind in ('registry', 'hot registry') and len(found[read.numbers[0]]) < 64:
            found[read.numbers[0]][sha256(data)] = data
    return {slot: list(datas.values()) for slot, datas in found.items()}

def grants_for_me(objects, keys, top_slot):
    """Step 1: [(grant, its bytes)] that open with one of the keys [(sign key, receive private)], highest epoch first."""
    named = [(name_read(name), data) for name, data in objects.items() if name.startswith('grant/')]
    named = sorted((n for n in named if n[0].numbers[0] <= top_slot), key=lambda n: -n[0].numbers[0])[:512]
    mine = []
    for name, data in named:
        for sign_key, private in keys:
            try:
                grant = grant_open(private, data, name.numbers[0])
            except Refused:
                continue
            if grant.epoch == name.numbers[0] and grant.holder == holder_id(grant.pid, sign_key):
                mine.append((grant, data))
    return mine[:64]

def wrap_open(pid, vek, slot, epoch, wrap):
    """[mesh_e, name root]."""
    return array(cbor_decode(object_open(pid, epoch_key(pid, epoch, vek, 'wrap'), wrap, WRAP, epoch, 'wrap', pid, slot)),
                 bytes32, bytes32)

def mesh_link_open(pid, mesh, slot, epoch, link):
    """mesh_(epoch - 1)."""
    key = epoch_key(pid, epoch, mesh, 'mesh-link')
    return bytes32(object_open(pid, key, link, MESH_LINK, epoch, 'mesh-link', pid, slot))

def mesh_keys_of(grants, candidates):
    """Step 2: (grants of one dealing, mesh_e, name root), the highest epoch first."""
    dealings = defaultdict(dict)
    for grant, data in grants:
        dealing = -grant.epoch, grant.pid, grant.slot, grant.prev, grant.dealer, grant.n
        dealings[dealing].setdefault(grant.holder, (grant, data))
    for (_, pid, slot, _, _, n), by_holder in sorted(dealings.items()):
        dealt = list(by_holder.values())
        for grant, _ in dealt:
            if grant.mesh is not None:  # of a device
                yield dealt, grant.mesh, grant.name_root
        for data in candidates.get(slot, []):  # of N kits
            try:
                vek = combine([grant.share for grant, _ in dealt], n)
                yield dealt, *wrap_open(pid, vek, slot, dealt[0][0].epoch, registry_object_read(data)[0])
            except Refused:
                continue

def mesh_keys_back(pid, epoch, mesh, candidates):
    """Step 3: {epoch: candidate mesh keys}, at most 4 each."""
    found = {epoch: [mesh]}
    for i in range(epoch, 0, -1):
        found[i - 1] = []
        for slot, datas in candidates.items():
            for data in datas:
                for key in found[i]:
                    try:
                        earlier = mesh_link_open(pid, key, slot, i, registry_object_read(data)[1])
                    except Refused:
                        continue
                    if earlier not in found[i - 1] and len(found[i - 1]) < 4:
                        found[i - 1].append(earlier)
    return found

def registry_walk(pid, mesh_keys, candidates):
    """Step 4: the states of the slots 0, 1, … and the mesh keys that opened them."""
    states, mesh = [], {}
    while True:
        before = states[-1] if states else None
        slot, epoch = len(states), before.epoch if before else 0
        following = {}
        for data in candidates.get(slot, []):
            for key in mesh_keys.get(epoch, []):
                try:
                    wrap, link, sealed = registry_object_read(data)
                    entry_bytes, certificate = entry_open(pid, key, epoch, slot, sealed)
                    after = entry_valid(before, entry_bytes) if before else slot_zero(pid, entry_bytes)
                    certificate_check(before, after.entry, certificate)
                    check_wrap_and_link(after.entry, wrap, link)
                    following[after.entry.id] = (after, key)
                except Refused:
                    continue  # what does not verify says nothing
        if len(following) != 1:  # none: the head; two: a fork, the registry freezes before it
            return states, mesh, [after for after, _ in following.values()]
        (after, mesh[epoch]), = following.values()
        states.append(after)

def getting_in(objects, keys):
    """From the objects of a store and [(sign key, receive private)] of kits or devices to the registry (5). With the shares
    of N holders the VEK comes too."""
    candidates = registry_candidates(objects)
    grants = grants_for_me(objects, keys, max(candidates, default=0))
    why = Refused('context', 'no grant is for these keys')
    for dealt, mesh, name_root in mesh_keys_of(grants, candidates):
        pid, epoch = dealt[0][0].pid, dealt[0][0].epoch
        states, used, fork = registry_walk(pid, mesh_keys_back(pid, epoch, mesh, candidates), candidates)
        try:
            need(states and states[-1].epoch == epoch, 'epoch', 'no grant of the epoch of the head')
            vek = check_got_in(states[-1], dealt, candidates, [mesh, name_root])
            return Registry(states, {**used, epoch: mesh}, name_root, vek, fork)
        except Refused as refused:  # what does not verify says nothing
            why = refused
    raise why

def check_got_in(head, dealt, candidates, wrapped):
    """Step 5: I am a holder at the head; grant, share and wrap fit the entry that starts its epoch. The VEK, if N shares are
    here; wrapped: what the wrap must hold."""
    started = head.start or head
    for grant, data in dealt:
        need(head.holder(grant.holder) is not None, 'revoked', 'no holder at the head')
        grant_check(grant, data, head.decided(grant.holder))
    if len(dealt) < started.n:
        return None
    vek = combine([grant.share for grant, _ in dealt], started.n)
    made = vek_commitment(started.pid, vek, started.slot, started.epoch, started.n, len(started.holders))
    need(made == started.part.vek_commitment, 'commitment', 'VEK')
    wraps = [registry_object_read(data)[0] for data in candidates[started.slot]]
    wrap = next(wrap for wrap in wraps if sha256(wrap) == started.part.hashes[0])
    need(wrap_open(started.pid, vek, started.slot, started.epoch, wrap) == wrapped, 'commitment', 'wrap')
    return vek

def grants_listed(registry, objects, names_key):
    """How many of the stored grants are those that the entries name, by their holder's tag and hash."""
    listed = set()
    for state in registry.states:
        if state.entry.part is not None:
            for holder, (_, grant_hash) in zip(state.holders, state.part.shares):
                listed.add((state.epoch, name_tag(names_key, 'holder', holder.id), grant_hash))
    read = [(name_read(name), sha256(data)) for name, data in objects.items() if name.startswith('grant/')]
    return sum((name.numbers[0], name.tag, digest) in listed for name, digest in read)

def vault_keys(registry, passphrase):
    """{epoch: KEK}: of the head from VEK and passphrase, those before through the KEK links; each against its entry."""
    head = registry.head
    pid, starts = head.pid, {s.epoch: s for s in registry.states if s.entry.part is not None}
    kek = kek_of(pid, head.epoch, registry.vek, passphrase_key(passphrase, *head.part.argon))
    keks = {}
    for epoch in range(head.epoch, -1, -1):
        part = starts[epoch].part
        need(kek_check(pid, epoch, kek) == part.kek_check, 'commitment', 'kekCheck')
        need(ed25519_public(epoch_key(pid, epoch, kek, 'vault-sign')) == part.vault_key, 'key', 'vault key')
        keks[epoch] = kek
        if epoch:
            kek = kek_link_open(pid, kek, epoch, part.kek_link)
    return keks

def kek_link_open(pid, kek, epoch, link):
    """KEK_(epoch - 1)."""
    return bytes32(object_open(pid, epoch_key(pid, epoch, kek, 'kek-link'), link, KEK_LINK, epoch, 'kek-link', pid, epoch))


# ---- 6. Commits ------------------------------------------------------------------------------------------------------

class Header(namedtuple('Header', 'bytes device incarnation seq prev ctx registry time n root acks')):
    def id(self, pid):
        return H(pid, 'commit', sha256(self.bytes))

    def chain(self, pid):
        return chain_id(pid, self.device, self.incarnation)

Update = namedtuple('Update', 'key op type value reason')

# updates: None: damaged, or the key of the epoch is not known
Commit = namedtuple('Commit', 'id chain header updates')

def header_read(data):
    need(len(data) <= 8192, 'bound', 'a header has at most 8192 bytes')
    header = Header(data, *array(
        cbor_decode(data), bytes16, bytes16, lambda v: uint(v, 1, 2**40 - 1), or_null(bytes32),
        list_of(fields(bytes16, lambda v: uint(v, 1, 2**40 - 1), bytes32), 64), bytes32, uint,
        lambda v: uint(v, 0, 4096), bytes32, list_of(fields(literal(0), count), 16)))
    need(all(a < b for a, b in zip(header.ctx, header.ctx[1:])), 'parse', 'ctx is sorted')
    need(header.n or header.root == sha256(b''), 'parse', 'root of no updates')
    return header

def header_check_prev(pid, header):
    """prev is among ctx: at seq 1 of another chain, else of this chain with seq - 1; null only at the very first."""
    chain = header.chain(pid)
    if header.prev is None:
        need(header.seq == 1, 'order', 'prev')
        return
    at = [c for c in header.ctx if c[2] == header.prev]
    if header.seq == 1:
        need(any(c[0] != chain for c in at), 'order', 'prev is of another chain')
    else:
        need(any(c[0] == chain and c[1] == header.seq - 1 for c in at), 'order', 'prev is the one before')

def header_signed(pid, header, sign_key, signature):
    """Sig("commit-id", commit id) by the author."""
    return verify(sign_key, L(pid, 'commit-id', header.id(pid)), signature)

def update_leaf(blind, update):
    return sha256(b'\0' + blind + update)

def merkle_root(leaves):
    """RFC 6962, 2.1, over leaf hashes."""
    if not leaves:
        return sha256(b'')
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b'\1' + merkle_root(leaves[:split]) + merkle_root(leaves[split:]))

def reason_form(value):
    return array(value, lambda v: text(1, 16)(v) if v in ('resolve', 'adopt') else need(False, 'parse', 'reason'), bytes32)

def update_read(data):
    update = Update(*array(cbor_decode(data, MIB + 4096), text(0, 1024), lambda v: uint(v, 0, 1), text(0, MIB),
                           bytes_of(0, MIB), or_null(reason_form)))
    need(1 <= len(update.key.encode()) <= 1024 and '\0' not in update.key, 'parse', 'key')
    need(update.op == 0 or not update.value, 'parse', 'a delete has no value')
    return update

# headers: [(Header, signature)]
Bundle = namedtuple('Bundle', 'epoch chain sealer sealer_signature headers vault vault_hash')

def bundle_parts(data):
    """(mesh part, vault part)."""
    need(len(data) <= 16 * MIB, 'bound', 'a bundle has at most 16 MiB')
    cut = Cutter(data)
    size = cut.number()
    need(size <= MIB, 'bound', 'a mesh part has at most 1 MiB')
    return cut.take(size), cut.rest()

# What commits need to know of a decided entry. devices: id -> sign key, of the device holders after it; cuts: id of a
# device that leaves with it -> ids of the stated heads
Decision = namedtuple('Decision', 'id slot time devices cuts')

def decisions_of(states):
    return [Decision(s.entry.id, s.slot, s.entry.time, {h.id: h.sign for h in s.holders if h.kind == DEVICE},
                     {i: heads for i, heads in s.cuts.items() if not before or i not in before.cuts})
            for before, s in zip([None, *states], states)]

def bundle_read(pid, layer_key, name, data):
    """Up to the point where the registry is asked. layer_key: epoch -> mesh layer key; name: (chain id, first, last) or
    None."""
    mesh, vault = bundle_parts(data)
    layer, epoch = object_header(mesh)
    need(layer == MESH, 'context', 'layer of the mesh part')
    if vault:
        need(object_header(vault) == (VAULT, epoch), 'context', 'layer and epoch of the vault part')
    plain = object_open(pid, layer_key(epoch), mesh, MESH, epoch, 'commits', pid, 0)
    (inside, vault_hash, sealer), signature, pairs = array(
        cbor_decode(plain), fields(count, bytes32, bytes16), signature64, list_of(header_pair, 64, 1))
    headers = [(header_read(h), s) for h, s in pairs]
    need(inside == epoch, 'context', 'epoch inside of a bundle')
    need(vault_hash == sha256(vault), 'context', 'hash of the vault part')
    for header, _ in headers:
        header_check_prev(pid, header)
    chain, first = headers[0][0].chain(pid), headers[0][0].seq
    for i, (header, _) in enumerate(headers):
        need(header.chain(pid) == chain and header.seq == first + i, 'order', 'consecutive commits of one chain')
        need(i == 0 or header.prev == headers[i - 1][0].id(pid), 'order', 'prev')
    need(bool(vault) == any(h.n for h, _ in headers), 'context', 'a vault part exactly when there are updates')
    if name is not None:
        need(name == (chain, first, headers[-1][0].seq), 'context', 'chain, first and last of the name')
    return Bundle(epoch, chain, sealer, signature, headers, vault, vault_hash)

def bundle_check_signatures(pid, decisions, bundle):
    """Sealer and authors. False when an entry that is named, or the sealer, is not known: then the bundle waits."""
    devices = {device: key for decision in decisions for device, key in decision.devices.items()}
    by_id = {decision.id: decision for decision in decisions}
    gone = {device for decision in decisions for device in decision.cuts}
    if bundle.sealer not in devices or any(h.registry not in by_id for h, _ in bundle.headers):
        return False
    for header, _ in bundle.headers:
        need(header.device in by_id[header.registry].devices or header.device in gone, 'context', 'the author was no device')
    ids = [h.id(pid) for h, _ in bundle.headers]
    signed(devices[bundle.sealer], bundle.sealer_signature, pid, 'envelope', bundle.epoch, bundle.vault_hash, bundle.sealer,
           ids)
    for header, signature in bundle.headers:
        need(header_signed(pid, header, devices[header.device], signature), 'signature', 'of a commit')
    return True

def block_open(header, block):
    """[(blind, update bytes), …] of one commit; they are n and give its root."""
    cut, updates = Cutter(block), []
    while cut.at < len(block):
        need(len(updates) < header.n, 'parse', 'more than n updates')
        blind = cut.take(32)
        updates.append((blind, cut.take(cut.number())))
    fits = len(updates) == header.n and merkle_root([update_leaf(*u) for u in updates]) == header.root
    need(fits, 'commitment', 'the updates do not give the root')
    return [(blind, update_read(update)) for blind, update in updates]

def blocks_of(pid, vault_layer_key, bundle):
    """The part of the vault plaintext of each commit; one that is missing counts as empty."""
    blocks = []
    if bundle.vault:
        first = bundle.headers[0][0].seq
        cut = Cutter(object_open(pid, vault_layer_key, bundle.vault, VAULT, bundle.epoch, 'updates', bundle.chain, first))
        while cut.at < len(cut.data):
            size = cut.number()
            need(size <= 4 * MIB and len(blocks) < 64, 'parse', 'at most 4 MiB per commit, at most 64')
            blocks.append(cut.take(size))
    return (blocks + [b''] * 64)[:len(bundle.headers)]

def updates_of(pid, vault_layer_key, bundle):
    """[Update, …] of each commit; None for what is damaged, which is shown to nobody."""
    try:
        blocks = blocks_of(pid, vault_layer_key, bundle)
    except Refused:
        return [None for _ in bundle.headers]
    opened = []
    for (header, _), block in zip(bundle.headers, blocks):
        try:
            opened.append([update for _, update in block_open(header, block)])
        except Refused:
            opened.append(None)
    return opened

def commits_load(registry, keks, objects, names_key, ignored):
    """{commit id: Commit} of every bundle whose signatures hold; ignored: {name: Refused} gets the others."""
    pid, decisions, found = registry.head.pid, decisions_of(registry.states), {}

    def layer_key(epoch):
        need(epoch in registry.mesh, 'epoch', 'of a bundle')
        return epoch_key(pid, epoch, registry.mesh[epoch], 'mesh-layer')
    for path, data in objects.items():
        name = name_read(path)
        if name.kind != 'bundle':
            continue
        try:
            bundle = bundle_read(pid, layer_key, None, data)
            place = (name_tag(names_key, 'chain', bundle.chain), bundle.headers[0][0].seq, bundle.headers[-1][0].seq)
            need((name.tag, *name.numbers) == place, 'context', 'chain, first and last of the name')
            need(bundle_check_signatures(pid, decisions, bundle), 'order', 'waits for the registry')
        except Refused as refused:
            ignored[path] = refused
            continue
        opened = updates_of(pid, epoch_key(pid, bundle.epoch, keks[bundle.epoch], 'vault-layer'), bundle)
        for (header, _), updates in zip(bundle.headers, opened):
            found[header.id(pid)] = Commit(header.id(pid), bundle.chain, header, updates)
    return found


# ---- 6. Causality ----------------------------------------------------------------------------------------------------

APPLIED, QUARANTINED, WAITS, REFUSED = 'applied', 'quarantined', 'waits', 'refused'

def inside_the_cut(commits, heads):
    """(ids of the valid commits: the stated heads and their ancestors by prev, whether all of them are here)."""
    inside, complete = set(), True
    for at in heads:
        while at is not None and at not in inside:
            if at not in commits:
                complete = False
                break
            inside.add(at)
            at = commits[at].header.prev
    return inside, complete

class History:
    """What becomes of commits (1 to 5 of "Causality"), the pasts of those that are applied, and the records."""

    def __init__(self, decisions, commits, suspended=()):
        self.decisions, self.commits, self.suspended = {d.id: d for d in decisions}, commits, suspended
        self.status, self.why, self.past = {}, {}, {}
        self.cuts = {device: inside_the_cut(commits, heads) for d in decisions for device, heads in d.cuts.items()}
        changed = True
        while changed:
            changed = False
            for commit in commits.values():
                if self.status.get(commit.id, WAITS) == WAITS:
                    self.settle(commit)
                    changed = changed or self.status[commit.id] != WAITS

    def settle(self, commit):
        try:
            self.status[commit.id] = self.judge(commit)
        except Refused as refused:
            self.status[commit.id] = QUARANTINED if refused.layer == 'revoked' else REFUSED
            self.why[commit.id] = refused
        if self.status[commit.id] == APPLIED:
            self.past[commit.id] = self.past_of(commit)

    def judge(self, commit):
        header = commit.header
        if header.device in self.cuts:                                             # 1
            inside, complete = self.cuts[header.device]
            if commit.id not in inside and not complete:
                return WAITS
            need(commit.id in inside, 'revoked', 'outside the cut')
        decision = self.decisions.get(header.registry)                             # 2
        if decision is None:
            return WAITS
        need(header.device in decision.devices, 'context', 'the author was no device')
        if header.device in self.suspended:                                        # 3
            return WAITS
        if any(self.status.get(head) not in (APPLIED, QUARANTINED) for _, _, head in header.ctx):  # 4
            return WAITS
        if header.prev is not None:                                                # 5
            before = self.commits[header.prev].header
            known = self.decisions.get(before.registry)
            need(before.device == header.device, 'order', 'the commit before is by another device')
            need(known is not None and known.slot <= decision.slot, 'order', 'an older entry than the commit before')
            reached = {chain: seq for chain, seq, _ in header.ctx}  # ctx is sorted: the largest of a chain is the last
            forgets = any(reached.get(chain, 0) < seq for chain, seq, _ in before.ctx)
            need(not forgets or len(header.ctx) == 64, 'order', 'a head of the commit before is not in ctx')
        return APPLIED

    def past_of(self, commit):
        """The heads in ctx with their ancestors in their chains, and the pasts of those that are applied."""
        past = set()
        for chain, _, head in commit.header.ctx:
            at = self.commits.get(head)
            while at is not None and at.chain == chain and at.id not in past:
                past.add(at.id)
                past |= self.past.get(at.id, set())
                at = self.commits.get(at.header.prev)
        return past

    def eff(self, commit_id):
        """eff(c) = min(time(c), W(c) + 600,000)."""
        time, witness = self.commits[commit_id].header.time, self.witness(commit_id)
        return time if witness is None else min(time, witness + 600_000)

    def witness(self, commit_id):
        """W(c): the smallest time among the first applied commits of other devices that have c in their past."""
        mine = self.commits[commit_id].header.device
        having = [self.commits[other] for other in self.past if commit_id in self.past[other]]
        times = []
        for other in having:
            device, time = other.header.device, other.header.time
            first = not any(o.header.device == device and o.id in self.past[other.id] for o in having)
            if device != mine and first and time >= self.decisions[other.header.registry].time:
                times.append(time)
        return min(times, default=None)

    def records(self):
        """{key: [(Update, commit id, index), …]}: what stands, the winner first."""
        written = defaultdict(list)
        for commit_id in self.past:
            for index, update in enumerate(self.commits[commit_id].updates or []):
                written[update.key].append((update, commit_id, index))
        return {key: sorted((w for w in all_ if not any(w[1] in self.past[o[1]] for o in all_)), key=self.rank, reverse=True)
                for key, all_ in sorted(written.items())}

    def rank(self, written):
        """Larger eff, then larger device id, then larger commit id, then larger index."""
        _, commit_id, index = written
        return self.eff(commit_id), self.commits[commit_id].header.device, commit_id, index

def update_id(pid, commit_id, index):
    return H(pid, 'update', commit_id, index)

def versions(standing):
    """What stands, the winner first; of updates of equal op, type and value the first."""
    seen = {}
    for update, commit_id, index in standing:
        seen.setdefault(update[1:4], (update, commit_id, index))
    return list(seen.values())

def conflict_id(pid, standing):
    """Of all updates that stand; None when all are of equal op, type and value."""
    if len(versions(standing)) < 2:
        return None
    return H(pid, 'conflict', sorted(update_id(pid, commit, index) for _, commit, index in standing))


# ---- 7. Mail ---------------------------------------------------------------------------------------------------------

Mail = namedtuple('Mail', 'epoch sender receiver kind id body signature')

MAIL_KINDS = ('unlock', 'share', 'refuse', 'cancel', 'drill', 'drill-answer')

def device_of(holders, identifier):
    holder = holder_of(holders, identifier)
    need(holder is not None and holder.kind == DEVICE, 'context', 'no device now')
    return holder

def mail_open(pid, mesh_keys, receiver, private, holders, data):
    """Mail to `receiver` (id and receive key); mesh_keys: {epoch: key}; holders: those of now."""
    need(len(data) <= 64 * 1024, 'bound', 'mail has at most 64 KiB')
    need(len(data) >= 4 + 48, 'parse', 'shorter than epoch, enc and tag')
    epoch = int.from_bytes(data[:4], 'big')
    need(epoch in mesh_keys, 'epoch', 'of mail')
    plain = hpke_open(private, data[4:], Info(pid, 'mail', epoch, receiver),
                      psk=epoch_key(pid, epoch, mesh_keys[epoch], 'mail-psk'), psk_id=cbor([pid, epoch]))
    mail = Mail(epoch, *array(cbor_decode(unpad(plain)), bytes16, bytes16, text(1, 32), bytes16, raw, signature64))
    need(mail.kind in MAIL_KINDS, 'parse', 'kind of mail')
    need(mail.receiver == receiver, 'context', 'mail to another')
    sender = device_of(holders, mail.sender)
    signed(sender.sign, mail.signature, pid, 'mail', epoch, mail.sender, receiver, mail.kind, mail.id, sha256(mail.body))
    return mail

Unlock = namedtuple('Unlock', 'hash rid initiator slot head epoch one_time purpose ttl not_after chosen')

def unlock_request_read(pid, data):
    need(len(data) <= 4096, 'parse', 'an unlock request has at most 4 KiB')
    _, *values = array(cbor_decode(data), literal('unlock'), bytes16, bytes16, count, bytes32, count, bytes32, text(0, 200),
                       uint, uint, list_of(bytes16, 32))
    return Unlock(H(pid, 'unlock-request', sha256(data)), *values)

def unlock_request_check(pid, head, holders, me, sender, identifier, body, now, came):
    """When a holder may answer mail of kind "unlock"; head: (slot, id, epoch) of its own."""
    request_bytes, signature = array(cbor_decode(body), raw, signature64)
    request = unlock_request_read(pid, request_bytes)
    need(sender == request.initiator and identifier == request.rid, 'context', 'sender and rid')
    signed(device_of(holders, sender).sign, signature, pid, 'unlock', sha256(request_bytes))
    need(request.epoch == head[2], 'epoch', 'of an unlock')
    need((request.slot, request.head) == head[:2], 'context', 'another head')
    need(me in request.chosen, 'context', 'not chosen')
    need(now < request.not_after <= came + 20 * 60_000, 'expired', 'not after')
    return request

def unlock_cancelled(pid, request, holders, body):
    """Whether mail of kind "cancel" by the initiator, with this rid, takes back this request."""
    try:
        request_hash, signature = array(cbor_decode(body), bytes32, signature64)
        need(request_hash == request.hash, 'context', 'another request')
        signed(device_of(holders, request.initiator).sign, signature, pid, 'unlock-cancel', request.rid, request.hash)
        return True
    except Refused:
        return False

def unlock_answer_open(pid, request, private, holders, sender, identifier, body):
    """The share in mail of kind "share", still to be checked against the entry."""
    by = check_answerer(request, holders, sender, identifier)
    request_hash, box, signature = array(cbor_decode(body), bytes32, bytes_of(81), signature64)
    need(request_hash == request.hash, 'context', 'another request')
    signed(by.sign, signature, pid, 'unlock-answer', request.epoch, request.rid, request.hash, request.initiator, sender,
           sha256(box))
    return hpke_open(private, box, Info(pid, 'unlock-share', request.epoch, request.rid, request.hash, request.initiator,
                                        sender, request.one_time))

def check_answerer(request, holders, sender, identifier):
    by = holder_of(holders, sender)
    need(by is not None and sender in request.chosen and identifier == request.rid, 'context', 'not asked')
    return by

def unlock_refusal_check(pid, request, holders, sender, identifier, body):
    by = check_answerer(request, holders, sender, identifier)
    request_hash, signature = array(cbor_decode(body), bytes32, signature64)
    need(request_hash == request.hash, 'context', 'another request')
    signed(by.sign, signature, pid, 'unlock-refuse', request.rid, request.hash)

def drill_answer_check(pid, started, challenge, holders, sender, body):
    """started: (slot, epoch) of the entry that starts the epoch. The kit checks in it that hold."""
    check_form = fields(bytes16, count, count, uint, signature64)
    said, slot, epoch, signature, checks = array(
        cbor_decode(body), bytes32, count, count, signature64, list_of(check_form, 32))
    by = holder_of(holders, sender)
    need(by is not None and said == challenge and (slot, epoch) == started, 'context', 'of a drill')
    signed(by.sign, signature, pid, 'drill', slot, epoch, sender, challenge)
    return [check[:4] for check in checks if kit_check_holds(pid, holders, *check)]

def kit_check_holds(pid, holders, kit, slot, epoch, time, signature):
    by = holder_of(holders, kit)
    return by is not None and by.kind == KIT and verify(by.sign, L(pid, 'kit-check', slot, epoch, time), signature)


# ---- 7. Pairing ------------------------------------------------------------------------------------------------------

Invitation = namedtuple('Invitation', 'hash pid iid one_time commitment k stores')

def invitation_read(data):
    format_, suite, *values = array(cbor_decode(data), uint, uint, bytes32, bytes16, bytes32, bytes32, bytes32,
                                    list_of(fields(text(1, 1024), bytes_of(10)), 16, 1))
    need(format_ == suite == 1, 'unsupported', 'format or suite')
    return Invitation(sha256(data), *values)

def invitation_link_read(link):
    link = link.strip()
    need(link.startswith('passport:join#'), 'parse', 'link')
    return invitation_read(base64url_decode(link.removeprefix('passport:join#')))

def pairing_open(invitation, private, sealed, use, *rest):
    """The CBOR bytes of one of M1 to M4."""
    info = Info(invitation.pid, use, invitation.iid, *rest)
    return unpad(hpke_open(private, sealed, info, psk=invitation.k, psk_id=invitation.iid))

def pair_commitment(pid, iid, slot, head, holder, sign_key, nonce):
    """cA."""
    return H(pid, 'pair-commit', iid, slot, head, holder, sign_key, nonce)

# M1.
Hello = namedtuple('Hello', 'sign receive kind name platform nonce signature')

def hello_read(invitation, data):
    hello = Hello(*array(cbor_decode(data), bytes32, bytes32, literal('device'), text(1, 256), text(0, 64), bytes32,
                         signature64))
    check_signing_key(hello.sign)
    check_receive_key(hello.receive)
    signed(hello.sign, hello.signature, invitation.pid, 'pair-pop', invitation.iid, invitation.hash, hello.sign,
           hello.receive, hello.nonce)
    return hello

# M2.
Reveal = namedtuple('Reveal', 'nonce holder sign slot head signature')

def reveal_read(invitation, m1, data):
    """B checks cA and A's signature."""
    reveal = Reveal(*array(cbor_decode(data), bytes32, bytes16, bytes32, count, bytes32, signature64))
    nonce, holder, sign, slot, head, signature = reveal
    made = pair_commitment(invitation.pid, invitation.iid, slot, head, holder, sign, nonce)
    need(made == invitation.commitment, 'commitment', 'cA')
    signed(sign, signature, invitation.pid, 'pair-2', invitation.iid, invitation.hash, sha256(m1), nonce, holder, sign, slot,
           head)
    return reveal

def pair_transcript(invitation, m1, m2):
    return H(invitation.pid, 'pair-transcript', invitation.hash, sha256(m1), sha256(m2))

def pair_words(pid, nonce_a, nonce_b, transcript):
    return words_of(hkdf(nonce_a + nonce_b, Info(pid, 'pair-sas'), 8, salt=transcript), 33)

def pair_place_read(pid, identifier, sign, receive, data):
    """M3: (slot, prev, Request that lets in exactly these keys), or the code of a refusal (text)."""
    value = cbor_decode(data)
    if isinstance(value, list) and value[:1] == ['refused']:
        return array(value, literal('refused'), text(1, 64))[1]
    slot, prev, request_bytes = array(value, count, bytes32, bytes_of(0, 16 * 1024))
    request = request_read(pid, request_bytes)
    entering = [(h.id, h.sign, h.receive) for h in request.enters]
    need((identifier, sign, receive) in entering, 'context', 'another holder enters')
    return slot, prev, request

def pair_role_check(pid, slot, prev, sign, receive, transcript, data):
    """M4: B's signature over its role."""
    said_slot, said_prev, signature = array(cbor_decode(data), count, bytes32, signature64)
    need((said_slot, said_prev) == (slot, prev), 'context', 'a role in another slot')
    signed(sign, signature, pid, 'accept-role', slot, prev, sign, receive, transcript)
    return signature


# ---- Vectors: the ops of the vector files, as the table in vectors/README.md defines them ----------------------------

OPS = {}
LONG = ('data', 'padded', 'plaintext', 'message', 'bytes', 'update', 'block', 'bundle', 'mail',
        'object')  # may be lists of hex and {repeat, length}

def op(name, function, *texts):
    """An op is a function of the fields of `in`: strings are hex, but for the fields that `texts` names."""
    OPS[name] = function, texts

def op_input(name, value, texts):
    if isinstance(value, list) and name in LONG:
        return b''.join(bytes.fromhex(v) if isinstance(v, str) else bytes.fromhex(v['repeat']) * v['length'] for v in value)
    if isinstance(value, dict):
        return {k: op_input(k, v, texts) for k, v in value.items()}
    if isinstance(value, list):
        return [op_input(name, v, texts) for v in value]
    return bytes.fromhex(value) if isinstance(value, str) and name not in texts else value

def as_json(value):
    """A result as it stands in a file: bytes in hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {k: as_json(v) for k, v in value.items()}
    return [as_json(v) for v in value] if isinstance(value, (list, tuple)) else value

def measured(data):
    """Results of up to 64 bytes stand as they are, others as length and SHA-256."""
    return {'data': data} if len(data) <= 64 else {'length': len(data), 'sha256': sha256(data)}

# Published: primitives and CBOR

def op_cbor_decode(bytes, maxBytes=MIB):
    def readable(value):
        if isinstance(value, list):
            return [readable(v) for v in value]
        return {'bytes': value.hex()} if not isinstance(value, (int, str, type(None))) else value

    def items(value):
        return 1 + sum(map(items, value)) if isinstance(value, list) else 1
    value = cbor_decode(bytes, maxBytes)
    return {'value': readable(value)} if len(bytes) < 1024 else {'items': items(value)}

def op_hmac_check(key, message, tag):
    need(tag and hmac256(key, message)[:len(tag)] == tag, 'commitment', 'HMAC')
    return {'valid': True}

def op_gcm_seal(key, nonce, plaintext):
    box = AESGCM(key).encrypt(nonce, plaintext, b'')
    return {'ciphertext': box[:-16], 'tag': box[-16:]}

def op_ed25519_verify(publicKey, message, signature):
    check_signing_key(publicKey)
    need(verify(publicKey, message, signature), 'signature', 'Ed25519')
    return {'valid': True}

def op_x25519(privateKey, publicKey):
    check_receive_key(publicKey)
    return {'shared': x25519(privateKey, publicKey)}

def op_x25519_iterate(scalar, u, iterations):
    for _ in range(iterations):
        scalar, u = x25519(scalar, u), scalar
    return {'u': scalar}

def op_hpke_context(privateKey, enc, info, psk=b'', pskId=b''):
    shared = hpke_shared_secret(x25519(privateKey, enc), enc, x25519_public(privateKey))
    key, nonce = hpke_key_schedule(shared, info, psk, pskId)
    return {'sharedSecret': shared, 'key': key, 'baseNonce': nonce}

def op_hpke_derive(ikm):
    private = hpke_derive_private(ikm)
    return {'privateKey': private, 'publicKey': x25519_public(private)}

def op_hpke_seal(publicKey, ikmE, info, plaintext, aad=b'', psk=b'', pskId=b''):
    sealed = hpke_seal(hpke_derive_private(ikmE), publicKey, plaintext, info, aad, psk, pskId)
    return {'enc': sealed[:32], 'ciphertext': sealed[32:]}

def op_hpke_open(privateKey, enc, info, ciphertext, aad=b'', psk=b'', pskId=b''):
    x25519(privateKey, enc)  # here an enc of low order has its own layer
    need(len(ciphertext) >= 16, 'tag', 'shorter than a tag')
    return {'plaintext': hpke_open(privateKey, enc + ciphertext, info, aad, psk, pskId)}

def op_argon2id(password, salt, memoryKiB, passes, lanes):
    check_argon2(memoryKiB, passes, lanes, salt)
    return {'tag': argon2id(password, salt, memoryKiB, passes, lanes)}

def op_argon2id_function(password, salt, memoryKiB, passes, lanes, length, secret=b'', associatedData=b''):
    """RFC 9106 with a secret and associated data, which the format never has: the library's own call."""
    out, ffi = argon2.ffi.new('uint8_t[]', length), argon2.ffi
    parts = {'pwd': password, 'salt': salt, 'secret': secret, 'ad': associatedData}
    buffers = {name: ffi.new('uint8_t[]', data) for name, data in parts.items()}
    context = ffi.new('argon2_context *', {
        **buffers, **{name + 'len': len(data) for name, data in parts.items()}, 'version': 0x13, 'out': out,
        'outlen': length, 't_cost': passes, 'm_cost': memoryKiB, 'lanes': lanes, 'threads': lanes,
        'allocate_cbk': ffi.NULL, 'free_cbk': ffi.NULL, 'flags': argon2.lib.ARGON2_DEFAULT_FLAGS})
    need(argon2.core(context, argon2.Type.ID.value) == argon2.lib.ARGON2_OK, 'bound', 'Argon2id')
    return {'tag': bytes(ffi.buffer(out))}

op('sha256', lambda message: {'digest': sha256(message)})
op('hmac-sha256', lambda key, message, length: {'tag': hmac256(key, message)[:length]})
op('hmac-sha256-check', op_hmac_check)
op('hkdf-extract', lambda ikm, salt: {'prk': hkdf_extract(salt, ikm)})
op('hkdf-expand', lambda prk, info, length: {'okm': hkdf_expand(prk, info, length)})
op('hkdf', lambda ikm, salt, info, length: {'okm': hkdf(ikm, info, length, salt)})
op('aes-256-gcm-seal', op_gcm_seal)
op('aes-256-gcm-open', lambda key, nonce, ciphertext, tag: {'plaintext': gcm_open(key, nonce, ciphertext + tag)})
op('ed25519-sign', lambda seed, message: {'publicKey': ed25519_public(seed), 'signature': ed25519_sign(seed, message)})
op('ed25519-verify', op_ed25519_verify)
op('x25519-function', lambda scalar, u: {'u': x25519(scalar, u)})
op('x25519', op_x25519)
op('x25519-public', lambda privateKey: {'publicKey': x25519_public(privateKey)})
op('x25519-iterate', op_x25519_iterate)
op('hpke-derive-key-pair', op_hpke_derive)
op('hpke-context', op_hpke_context)
op('hpke-seal', op_hpke_seal)
op('hpke-open', op_hpke_open)
op('argon2id', op_argon2id)
op('argon2id-function', op_argon2id_function)
op('cbor-decode', op_cbor_decode)

# Keys, shares, grants

def op_kek(pid, epoch, vek, p):
    kek = kek_of(pid, epoch, vek, p)
    seed = epoch_key(pid, epoch, kek, 'vault-sign')
    return {'kek': kek, 'kekCheck': kek_check(pid, epoch, kek), 'vaultLayerKey': epoch_key(pid, epoch, kek, 'vault-layer'),
            'kekLinkKey': epoch_key(pid, epoch, kek, 'kek-link'), 'vaultSigningSeed': seed, 'vaultKey': ed25519_public(seed)}

def op_kek_open(pid, epoch, vek, p, kekCheck):
    kek = kek_of(pid, epoch, vek, p)
    need(kek_check(pid, epoch, kek) == kekCheck, 'commitment', 'kekCheck')
    return {'kek': kek}

def op_mesh_keys(pid, epoch, meshKey):
    uses = {'meshLayerKey': 'mesh-layer', 'meshLinkKey': 'mesh-link', 'mailPsk': 'mail-psk'}
    return {name: epoch_key(pid, epoch, meshKey, use) for name, use in uses.items()}

def op_shares_deal(vek, threshold, count, first):
    need(2 <= threshold <= count <= 32, 'policy', '2 <= N <= M <= 32')
    fixed = [vek + b'\0'] + [y + bytes([i + 1]) for i, y in enumerate(first[:threshold - 1])]
    return {'shares': [shamir_value(fixed, x) + bytes([x]) for x in range(1, count + 1)]}

def op_share_check(pid, slot, epoch, threshold, count, holder, seat, commitment, share):
    check_share(share, Decided(pid, slot, b'', epoch, threshold, count, holder, seat, DEVICE, b'', commitment, b''))
    return {'x': share[32]}

def op_shares_combine(pid, slot, epoch, threshold, count, vekCommitment, shares):
    good, bad = {}, []
    for s in shares:
        try:
            op_share_check(pid, slot, epoch, threshold, count, s['holder'], s['seat'], s['commitment'], s['share'])
            good[s['holder']] = s['share']
        except Refused:
            bad.append(s['holder'])
    vek = combine(list(good.values()), threshold)
    need(vek_commitment(pid, vek, slot, epoch, threshold, count) == vekCommitment, 'commitment', 'VEK')
    return {'vek': vek, 'bad': bad}

def op_dealing_check(vek, threshold, shares):
    dealing_check(vek, threshold, shares)
    return {'shares': len(shares)}

def op_grant_open(receivePrivate, grant, decided):
    expected = Decided(*decided.values())
    opened = grant_open(receivePrivate, grant, expected.epoch)
    grant_check(opened, grant, expected)
    return {'share': opened.share, 'meshKey': opened.mesh, 'nameRoot': opened.name_root}

op('pid', lambda founders, random, threshold: {'pid': pid_of(founders, random, threshold)})
op('holder-id', lambda pid, signKey: {'id': holder_id(pid, signKey)})
op('chain-id', lambda pid, device, incarnation: {'id': chain_id(pid, device, incarnation)})
op('passphrase-key', lambda passphrase, salt, memoryKiB, passes, lanes: {
    'p': passphrase_key(passphrase, salt, memoryKiB, passes, lanes)}, 'passphrase')
op('kek', op_kek)
op('kek-open', op_kek_open)
op('wrap-key', lambda pid, epoch, vek: {'wrapKey': epoch_key(pid, epoch, vek, 'wrap')})
op('mesh-keys', op_mesh_keys)
op('name-key', lambda pid, nameRoot, storeId: {'nameKey': name_key(pid, nameRoot, storeId)})
op('shares-deal', op_shares_deal)
op('shamir-combine', lambda threshold, shares: {'secret': combine(shares, threshold)})
op('share-commitment', lambda pid, slot, epoch, threshold, count, holder, seat, share: {
    'commitment': share_commitment(pid, share, slot, epoch, threshold, count, holder, seat)})
op('vek-commitment', lambda pid, slot, epoch, threshold, count, vek: {
    'commitment': vek_commitment(pid, vek, slot, epoch, threshold, count)})
op('share-check', op_share_check)
op('shares-combine', op_shares_combine)
op('dealing-check', op_dealing_check)
op('grant-open', op_grant_open)
op('kit-entropy', lambda words: {'entropy': kit_from_words(words)}, 'words')
op('kit-words', lambda entropy: {'words': ' '.join(kit_words(entropy))})
op('kit-keys', lambda entropy: dict(zip(('signSeed', 'signKey', 'receivePrivate', 'receiveKey'), kit_keys(entropy))))
op('pid-words', lambda pid: {'words': ' '.join(pid_words(pid))})
op('device-words', lambda pid, signKey, receiveKey: {'words': ' '.join(device_words(pid, signKey, receiveKey))})

# Objects and names

def op_object_seal(layerKey, layer, epoch, pid, kind, owner, sequence, salt, data):
    header = b'PMSH\1\1' + bytes([layer]) + u32(epoch) + salt
    made = object_seal(pid, layerKey, header, kind, owner, sequence, data)
    return {'header': made[:HEADER], 'length': len(made), 'sha256': sha256(made)}

def op_object_open(layerKey, layer, epoch, pid, kind, owner, sequence, object):
    if isinstance(object, dict):  # the description of one
        key, commitment = object_keys(pid, layerKey, object['header'], kind, owner, sequence)
        chunks = [AESGCM(key).encrypt(c['nonce'], c['plaintext'], b'') for c in object['chunks']]
        object = object['header'] + object.get('commitment', commitment) + b''.join(chunks) + object.get('rest', b'')
    return measured(object_open(pid, layerKey, object, layer, epoch, kind, owner, sequence))

def op_pad(data):
    padded = pad(data)
    return {'length': len(padded), 'sha256': sha256(padded)}

def store_name(name):
    """(store id, Name) of p/<store id>/<name>."""
    match = re.fullmatch('p/([^/]{16})/(.*)', name, re.DOTALL)
    need(match, 'parse', 'no name under p/')
    return base32hex_decode(match[1]), name_read(match[2])

def op_name_parse(name):
    store, read = store_name(name)
    result = {'kind': read.kind.removeprefix('hot '), 'store': base32hex(store), 'hash': base32hex(read.hash)}
    if read.kind == 'bundle':
        return {**result, 'chain': base32hex(read.tag), 'first': read.numbers[0], 'last': read.numbers[1]}
    if read.tag:
        result['holder'] = base32hex(read.tag)
    if read.numbers:
        result['epoch' if read.kind == 'grant' else 'slot'] = read.numbers[0]
    return {**result, 'hot': read.kind == 'hot registry'} if 'registry' in read.kind else result

def op_name_check(name, object):
    read = store_name(name)[1]
    need(read.hash == sha256(object)[:16], 'context', 'hash of the bytes')
    return {'kind': read.kind.removeprefix('hot ')}

op('object-seal', op_object_seal, 'kind')
op('object-open', op_object_open, 'kind')
op('mesh-link-open', lambda pid, slot, epoch, meshKey, link: {'meshKey': mesh_link_open(pid, meshKey, slot, epoch, link)})
op('kek-link-open', lambda pid, epoch, kek, link: {'kek': kek_link_open(pid, kek, epoch, link)})
op('wrap-open', lambda pid, slot, epoch, vek, wrap: dict(zip(
    ('meshKey', 'nameRoot'), wrap_open(pid, vek, slot, epoch, wrap))))
op('pad', op_pad)
op('padme', lambda length: {'padded': padme(length)})
op('unpad', lambda padded: measured(unpad(padded)))
op('name-parse', op_name_parse, 'name')
op('name-check', op_name_check, 'name')
op('store-root', lambda storeId: {'root': 'p/' + base32hex(storeId)})
op('name-hash', lambda object: {'hash': base32hex(sha256(object)[:16])})
op('name-tag', lambda pid, nameRoot, storeId, kind, id: {
    'tag': base32hex(name_tag(name_key(pid, nameRoot, storeId), kind, id))}, 'kind')
op('pair-tag', lambda secret, step: {'tag': base32hex(name_tag(secret, f'pair-{step}'))})

# Commits

def op_commit_verify(pid, header, signature=None, signKey=None):
    read = header_read(header)
    header_check_prev(pid, read)
    if signature is not None:
        need(header_signed(pid, read, signKey, signature), 'signature', 'of a commit')
    return {'id': read.id(pid), 'chain': read.chain(pid), 'seq': read.seq, 'count': read.n}

def update_json(update):
    value = update.value.hex() if len(update.value) <= 64 else {'length': len(update.value)}
    return {'key': update.key, 'op': ('put', 'delete')[update.op], 'type': update.type, 'value': value,
            'reason': update.reason}

def op_block_open(pid, header, block):
    read = header_read(header)
    updates = [update for _, update in block_open(read, block)]
    return {'updates': [{'id': update_id(pid, read.id(pid), i), **update_json(u)} for i, u in enumerate(updates)]}

def decisions_read(entries):
    """devices: [id], or [[id, sign key]] where signatures are checked."""
    result = []
    for slot, entry in enumerate(entries):
        devices = dict(d if isinstance(d, list) else (d, None) for d in entry['devices'])
        result.append(Decision(entry['id'], slot, entry.get('time', 0), devices, dict(entry.get('cuts', []))))
    return result

def history_of(pid, entries, commits):
    found = {}
    for commit in commits:
        header = header_read(commit['header'])
        updates = [update_read(u['update']) for u in commit.get('updates', [])]
        found[header.id(pid)] = Commit(header.id(pid), header.chain(pid), header, updates)
    return History(decisions_read(entries), found)

def op_commit_fate(pid, entries, commits):
    history = history_of(pid, entries, commits)
    last = list(history.commits)[-1]
    if last in history.why:
        raise history.why[last]
    return {'fate': history.status[last]}

def op_view_order(pid, entries, commits, key):
    history = history_of(pid, entries, commits)
    standing = history.records().get(key, [])
    return {'eff': [[c, history.eff(c)] for c in history.commits if history.status[c] == APPLIED],
            'standing': [update_id(pid, c, i) for _, c, i in standing], 'conflict': conflict_id(pid, standing)}

def op_view_check(pid, entries, commits, key, standing, conflict=None):
    view = op_view_order(pid, entries, commits, key)
    need(view['standing'] == standing, 'order', 'another order or set')
    need(conflict is None or view['conflict'] == conflict, 'order', 'another conflict id')
    return {'winner': standing[0]}

def op_bundle_open(pid, meshLayerKey, entries, bundle, vaultLayerKey=None, epoch=None, name=None):
    def layer_key(said):
        need(epoch is None or said == epoch, 'context', 'another epoch')
        return meshLayerKey
    decisions = decisions_read(entries)
    read = bundle_read(pid, layer_key, None if name is None else (name['chain'], name['first'], name['last']), bundle)
    if not bundle_check_signatures(pid, decisions, read):
        return {'waits': 'registry'}
    ids = [h.id(pid) for h, _ in read.headers]
    result = {'chain': read.chain, 'first': read.headers[0][0].seq, 'last': read.headers[-1][0].seq, 'sealer': read.sealer,
              'commits': ids}
    if vaultLayerKey is None:
        return result
    opened = [block_open(h, block) for (h, _), block in zip(read.headers, blocks_of(pid, vaultLayerKey, read))]
    return {**result, 'updates': [[[u.key, update_id(pid, c, i)] for i, (_, u) in enumerate(updates)]
                                  for c, updates in zip(ids, opened)]}

op('commit-verify', op_commit_verify)
op('update-id', lambda pid, commit, index: {'id': update_id(pid, commit, index)})
op('merkle-root', lambda updates: {'root': merkle_root([update_leaf(u['blind'], u['update']) for u in updates])})
op('update-parse', lambda update: update_json(update_read(update)))
op('block-open', op_block_open)
op('bundle-open', op_bundle_open)
op('commit-fate', op_commit_fate)
op('view-order', op_view_order, 'key')
op('view-check', op_view_check, 'key')

# Mail, unlock, pairing

def holders_read(holders):
    return [Holder(0, h['id'], h['kind'], '', h['signKey'], b'') for h in holders]

def op_mail_open(pid, epoch, meshKey, receiver, receivePrivate, holders, mail):
    opened = mail_open(pid, {epoch: meshKey}, receiver, receivePrivate, holders_read(holders), mail)
    return {'sender': opened.sender, 'kind': opened.kind, 'id': opened.id, 'body': opened.body}

def op_unlock_request(pid, epoch, slot, head, me, sender, id, holders, now, cameAt, body, cancel=None):
    request = unlock_request_check(pid, (slot, head, epoch), holders_read(holders), me, sender, id, body, now, cameAt)
    need(cancel is None or not unlock_cancelled(pid, request, holders_read(holders), cancel), 'expired', 'cancelled')
    return {'hash': request.hash, 'number': match_number(pid, request.hash), 'rid': request.rid,
            'initiator': request.initiator, 'oneTimeKey': request.one_time, 'purpose': request.purpose, 'ttlMs': request.ttl,
            'notAfter': request.not_after, 'chosen': request.chosen}

def op_unlock_answer(pid, request, oneTimePrivate, sender, id, holders, body):
    mine = unlock_request_read(pid, request)
    return {'share': unlock_answer_open(pid, mine, oneTimePrivate, holders_read(holders), sender, id, body)}

def op_unlock_refuse(pid, request, oneTimePrivate, sender, id, holders, body):
    unlock_refusal_check(pid, unlock_request_read(pid, request), holders_read(holders), sender, id, body)
    return {'refusedBy': sender}

def op_drill_answer(pid, slot, epoch, challenge, holders, sender, body):
    checks = drill_answer_check(pid, (slot, epoch), challenge, holders_read(holders), sender, body)
    return {'holder': sender, 'checks': checks}

def op_invitation_link(link):
    read = invitation_link_read(link)
    return {'pid': read.pid, 'iid': read.iid, 'ephemeralKey': read.one_time, 'commitment': read.commitment, 'secret': read.k,
            'stores': read.stores}

def op_pair_hello(invitation, ephemeralPrivate, sealed):
    read = invitation_read(invitation)
    m1 = pairing_open(read, ephemeralPrivate, sealed, 'pair-1', read.hash)
    hello = hello_read(read, m1)
    return {'signKey': hello.sign, 'receiveKey': hello.receive, 'name': hello.name, 'platform': hello.platform,
            'nonce': hello.nonce, 'hM1': sha256(m1)}

def op_pair_reveal(invitation, receivePrivate, hello, sealed):
    read = invitation_read(invitation)
    m2 = pairing_open(read, receivePrivate, sealed, 'pair-2', read.hash, sha256(hello))
    reveal = reveal_read(read, hello, m2)
    return {'holder': reveal.holder, 'signKey': reveal.sign, 'slot': reveal.slot, 'head': reveal.head,
            'transcript': pair_transcript(read, hello, m2), **op_pair_words(read.pid, invitation, hello, m2)}

def op_pair_words(pid, invitation, hello, reveal):
    read = invitation_read(invitation)
    nonce_a, nonce_b = cbor_decode(reveal)[0], cbor_decode(hello)[5]
    transcript = H(pid, 'pair-transcript', read.hash, sha256(hello), sha256(reveal))
    return {'words': ' '.join(pair_words(pid, nonce_a, nonce_b, transcript))}

def op_pair_words_check(pid, invitation, hello, reveal, typed):
    words = op_pair_words(pid, invitation, hello, reveal)['words']
    need(' '.join(typed.lower().split()) == words, 'words', 'typed')
    return {'transcript': H(pid, 'pair-transcript', sha256(invitation), sha256(hello), sha256(reveal))}

def op_pair_place(invitation, receivePrivate, transcript, id, signKey, receiveKey, sealed):
    read = invitation_read(invitation)
    m3 = pairing_open(read, receivePrivate, sealed, 'pair-3', transcript)
    place = pair_place_read(read.pid, id, signKey, receiveKey, m3)
    if isinstance(place, str):
        return {'code': place}
    return {'slot': place[0], 'prev': place[1], 'request': sha256(place[2].bytes)}

def op_pair_role(invitation, ephemeralPrivate, transcript, slot, prev, signKey, receiveKey, sealed):
    read = invitation_read(invitation)
    m4 = pairing_open(read, ephemeralPrivate, sealed, 'pair-4', transcript)
    return {'signature': pair_role_check(read.pid, slot, prev, signKey, receiveKey, transcript, m4)}

op('mail-open', op_mail_open)
op('unlock-request', op_unlock_request)
op('unlock-answer', op_unlock_answer)
op('unlock-refuse', op_unlock_refuse)
op('drill-answer', op_drill_answer)
op('invitation-link', op_invitation_link, 'link')
op('pair-hello', op_pair_hello)
op('pair-reveal', op_pair_reveal)
op('pair-words', op_pair_words)
op('pair-words-check', op_pair_words_check, 'typed')
op('pair-place', op_pair_place)
op('pair-role', op_pair_role)

# Registry

@lru_cache(maxsize=None)
def state_of(entries):
    """The state after these entries, of which the first is slot 0."""
    if len(entries) == 1:
        return slot_zero(entry_read(entries[0]).pid, entries[0])
    return entry_valid(state_of(entries[:-1]), entries[-1])

def state_json(state):
    leaves = request_read(state.pid, state.entry.request).leaves if state.slot else []
    return {'id': state.entry.id, 'slot': state.slot, 'epoch': state.epoch, 'threshold': state.n,
            'holders': [[h.seat, h.id, h.receive] for h in state.holders],
            'left': [[i, state.cuts.get(i, [])] for i in leaves]}

def op_request_possible(pid, before, request):
    read = request_read(pid, request)
    request_possible(state_of(tuple(before)), read)
    return {'hash': read.hash, 'number': match_number(pid, read.hash), 'kind': read.kind}

def op_certificate_valid(entry, certificate, before=None):
    read = entry_read(entry)
    certificate_check(before and state_of(tuple(before)), read, certificate)
    return {'entry': read.id}

def op_attachments_check(entry, wrap, link):
    read = entry_read(entry)
    check_wrap_and_link(read, wrap, link)
    return {'entry': read.id}

def op_registry_object_open(pid, slot, epoch, meshKey, object):
    wrap, link, sealed = registry_object_read(object)
    entry, certificate = entry_open(pid, meshKey, epoch, slot, sealed)
    certificate_read(certificate)
    return {'entry': entry_read(entry).id, 'wrap': sha256(wrap), 'link': sha256(link)}

def op_core_signature(pid, core, signature, kek=None, epoch=None, vaultKey=None, signKey=None):
    if kek is not None:
        signKey = ed25519_public(epoch_key(pid, epoch, kek, 'vault-sign'))
        need(signKey == vaultKey, 'key', 'the KEK gives another vault key')
    check_signing_key(signKey)
    signed(signKey, signature, pid, 'entry-core', sha256(core))
    return {'signKey': signKey}

def vote_message(use, before, message, *requests):
    """The fields of a vote message of this use, after slot and prev."""
    state = state_of(tuple(before))
    need(vote_read(message)[0] == use, 'parse', use)
    known = {r.hash: r for r in (request_read(state.pid, data) for data in requests)}
    return state, known, vote_check(state, message, known)[3:]

def op_vote_request(pid, before, message):
    _, requests, (ballot, data, _, _) = vote_message('request', before, message)
    request, = requests.values()
    return {'hash': request.hash, 'round': ballot[0], 'initiator': ballot[1], 'kind': request.kind}

def op_vote_promise(pid, before, message, request):
    state, requests, (promise, evidence) = vote_message('promise', before, message, request)
    holder, ballot, last, next_key, _, _ = promise
    if last is None:
        check_birth_promise(state, *requests.values(), promise)
    else:
        check_report(state, promise, evidence)
    return {'holder': holder, 'round': ballot[0], 'initiator': ballot[1], 'nextKey': next_key, 'reports': last and last[1]}

def op_vote_approve(pid, before, message, request, oneTimePrivate, others=None):
    state, requests, (holder, request_hash, _, box, _) = vote_message('approve', before, message, request)
    return {'holder': holder, 'share': change_share_open(state, requests[request_hash], oneTimePrivate, holder, box)}

def op_vote_propose(pid, before, message):
    _, _, (ballot, entry_id, evidence) = vote_message('propose', before, message)
    entries, _ = evidence_read(pid, evidence)
    return {'round': ballot[0], 'initiator': ballot[1], 'entry': entry_id, 'birth': entries[entry_id].birth[0]}

def op_vote_accept(pid, before, message):
    _, _, ((holder, ballot, entry_id, _),) = vote_message('accept', before, message)
    return {'holder': holder, 'round': ballot[0], 'initiator': ballot[1], 'entry': entry_id}

op('vote-request', op_vote_request)
op('vote-promise', op_vote_promise)
op('vote-approve', op_vote_approve)
op('vote-propose', op_vote_propose)
op('vote-accept', op_vote_accept)
op('vote-refuse', lambda pid, before, message, request, others: {
    'holder': vote_message('refuse', before, message, request)[2][0]})
op('vote-cancel', lambda pid, before, message, request, others: {
    'hash': vote_message('cancel', before, message, request)[2][0]})
op('certificate-valid', op_certificate_valid)
op('attachments-check', op_attachments_check)
op('registry-object-open', op_registry_object_open)
op('core-signature', op_core_signature)
op('entry-valid', lambda before, entry: state_json(entry_valid(state_of(tuple(before)), entry)))
op('founding-valid', lambda pid, entry: state_json(slot_zero(pid, entry)))
op('request-possible', op_request_possible)


# ---- Stored passports ------------------------------------------------------------------------------------------------

Opened = namedtuple('Opened', 'registry history votes ignored store_id objects')

def keyring(passport):
    """[[(sign key, receive private), …]] of each kit and each device that passport.json gives."""
    kits = [kit_keys(kit_from_words(words)) for words in passport['kits']]
    rings = [[(kit.sign_key, kit.receive_private)] for kit in kits]
    for device in passport.get('devices', []):
        sign_key = ed25519_public(bytes.fromhex(device['signSeed']))
        need(sign_key.hex() == device['signKey'], 'key', 'signing key of a device')
        privates = [bytes.fromhex(pair['privateKey']) for pair in device['receive']]
        need([x25519_public(p).hex() for p in privates] == [r['publicKey'] for r in device['receive']], 'key', 'receive key')
        rings.append([(sign_key, private) for private in privates])
    return rings

def open_store(folder, passport):
    """Opens a store folder with every N of the kits and devices that passport.json gives, and checks all that is in it."""
    (store_id, objects), = store_load(folder).items()
    n = passport.get('head', {}).get('threshold', 2)
    ways = [getting_in(objects, sum(holders, [])) for holders in combinations(keyring(passport), n)]
    need(ways and ways[0].vek and all(way == ways[0] for way in ways), 'approval', f'N = {n} holders do not open it')
    registry = ways[0]
    keks = vault_keys(registry, passport['passphrase'])
    ignored, names_key = {}, name_key(registry.head.pid, registry.name_root, store_id)
    commits = commits_load(registry, keks, objects, names_key, ignored)
    suspended = {device for state in registry.fork for device in state.cuts} - set(registry.head.cuts)
    history = History(decisions_of(registry.states), commits, suspended)
    return Opened(registry, history, votes_load(registry, objects, ignored), ignored, store_id, objects)

def described(update):
    return 'deleted' if update.op else f'{len(update.value)}  {sha256(update.value).hex()}'

def print_opened(opened, out=None):
    """Prints what the passport is, and key, length and SHA-256 of every record and of the losers of its conflict."""
    registry, history, votes, ignored, store_id, objects = opened
    head, fates = registry.head, list(history.status.values())
    listed = grants_listed(registry, objects, name_key(head.pid, registry.name_root, store_id))
    print(f'  {head.n} of {len(head.holders)}, slot {head.slot}, epoch {head.epoch}; {listed} grants, {len(votes)} vote messages, '
          'commits: ' + ', '.join(f'{fates.count(fate)} {fate}' for fate in (APPLIED, QUARANTINED, WAITS, REFUSED) if fate in fates))
    for path, why in ignored.items():
        print(f'  ignored {path}: {why}')
    for key, standing in history.records().items():
        (winner, _, _), *others = versions(standing)
        if others or winner.op == 0:
            print(f'  {key}  {described(winner)}')
        for update, commit_id, _ in others:
            print(f'    in conflict with  {described(update)}')
        if out is not None and winner.op == 0:
            name = quote(key, safe='')
            plain = len(name) < 200 and name.strip('.')
            (out / (name if plain else sha256(key.encode()).hex())).write_bytes(winner.value)

def summary(opened):
    """What passport.json says of a passport, as this file finds it."""
    registry, history, votes, *_ = opened
    head, commits = registry.head, history.commits
    name_of = {identifier: holder.name for identifier, holder in head.everyone.items()}
    records, conflicts, quarantine, requests = {}, [], [], []
    for key, standing in history.records().items():
        shown = versions(standing)
        if shown[0][0].op == 0:
            value = shown[0][0].value
            records[key] = {'bytes': len(value), 'sha256': sha256(value).hex()}
        if len(shown) > 1:
            conflicts.append({'id': conflict_id(head.pid, standing).hex(), 'key': key, 'versions': [{
                'version': update_id(head.pid, commit_id, index).hex(), 'device': name_of[commits[commit_id].header.device],
                'deleted': update.op == 1, 'bytes': len(update.value), 'winner': i == 0,
            } for i, (update, commit_id, index) in enumerate(shown)]})
    for commit in commits.values():
        if history.status[commit.id] == QUARANTINED:
            quarantine += [{'key': update.key, 'device': name_of[commit.header.device]} for update in commit.updates or []]
    for slot, (use, _, _, *rest) in votes:
        if use == 'request' and slot == head.slot + 1:
            request = request_read(head.pid, rest[1])
            requests.append({'id': request.rid.hex(), 'kind': 'change', 'from': name_of[request.initiator], 'slot': slot,
                             'threshold': request.n, 'number': match_number(head.pid, request.hash)})
    return {'pid': head.pid.hex(), 'records': records, 'conflicts': conflicts,
            'head': {'slot': head.slot, 'entry': head.entry.id.hex(), 'epoch': head.epoch, 'threshold': head.n},
            'quarantine': sorted(quarantine, key=lambda update: update['key']), 'requests': requests}

def check_compat(folder):
    """A passport of compat/v1 opens, and all is as its passport.json says."""
    print(folder.name)
    passport = json.loads((folder / 'passport.json').read_text())
    opened = open_store(folder / 'store', passport)
    print_opened(opened)
    need(not opened.ignored, 'context', 'there is something that does not verify')
    found = summary(opened)
    for name in ('pid', 'head'):
        need(same(found[name], passport.get(name, found[name])), 'context', name)
    for name in ('records', 'conflicts', 'quarantine', 'requests'):
        need(same(found[name], passport.get(name, [])), 'context', f'other {name} than passport.json has')
    if 'oldPassphrase' in passport:
        try:
            vault_keys(opened.registry, passport['oldPassphrase'])
        except Refused as refused:
            need(refused.layer == 'commitment', 'context', 'of the old passphrase')
        else:
            raise Refused('context', 'the old passphrase opens it')


# ---- Running ---------------------------------------------------------------------------------------------------------

def resolve(value, given):
    """Puts what `given` of the file holds in the place of {"given": name}."""
    if isinstance(value, dict):
        if list(value) == ['given']:
            return resolve(given[value['given']], given)
        return {k: resolve(v, given) for k, v in value.items()}
    return [resolve(v, given) for v in value] if isinstance(value, list) else value

LAYERS = ('parse bound unsupported key signature tag commitment padding checksum context approval policy epoch revoked '
          'order rollback expired words confirmation').split()
IDS = set()

def same(a, b):
    """Equal as JSON: 1 is not true."""
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)

def run_vector(vector, given):
    """None, or what is wrong."""
    try:
        function, texts = OPS[vector['op']]
        expect = vector['expect']
        if list(expect) != ['result'] and (list(expect) != ['refused'] or expect['refused'] not in LAYERS):
            return f'unknown expectation {expect}'
        inputs = {name: op_input(name, value, texts) for name, value in resolve(vector['in'], given).items()}
        result = {'result': as_json(function(**inputs))}
    except Refused as refused:
        result = {'refused': refused.layer}
    except Exception as error:  # an op or a field that is not known, or a mistake here
        return f'{type(error).__name__}: {error}'
    return None if same(result, expect) else f'{result}, expected {expect}'

def run_file(path):
    """(passed, failed); a file that is no vector file is one failure."""
    try:
        file = json.loads(path.read_text())
        subject, vectors = file['subject'], {vector['id']: vector for vector in file['vectors']}
        need(len(vectors) == len(file['vectors']) and not IDS & set(vectors), 'parse', 'an id comes twice')
        IDS.update(vectors)
    except (ValueError, KeyError, TypeError, Refused) as error:
        print(f'FAILED {path.name}: {error!r}')
        return 0, 1
    failed = 0
    for identifier, vector in vectors.items():
        why = run_vector(vector, file.get('given', {}))
        if why is not None:
            failed += 1
            print(f'FAILED {path.name} {identifier}: {why[:300]}')
    print(f'{subject}: {len(vectors) - failed} ok')
    return len(vectors) - failed, failed

def run_all():
    passed = failed = 0
    for folder in sorted((HERE / 'compat/v1').iterdir()):
        try:
            check_compat(folder)
            passed += 1
        except Exception as error:
            print(f'FAILED compat {folder.name}: {error!r:.300}')
            failed += 1
    for path in sorted([*(HERE / 'published').iterdir(), *(HERE / 'protocol').iterdir()]):
        ok, wrong = run_file(path)
        passed, failed = passed + ok, failed + wrong
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0

def main(arguments):
    if not arguments:
        return run_all()
    if arguments[0] != 'open' or len(arguments) not in (3, 5) or arguments[3:4] not in ([], ['--out']):
        print(__doc__)
        return 2
    out = Path(arguments[4]) if len(arguments) == 5 else None
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    print_opened(open_store(arguments[1], json.loads(Path(arguments[2]).read_text())), out)
    return 0

if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
