# SPDX-License-Identifier: Apache-2.0
"""AWS Signature Version 4, read anew from AWS's description ("Create a signed AWS API request", IAM
User Guide) and not from the C: the judge of what the daemon signs, and the tests' own signer.

The judge is stricter than AWS where strictness finds mistakes: it takes nothing twice, and every
x-amz-* header must be signed. test_aws_proxy.py holds it against libcurl's signer.
"""

import calendar
import dataclasses
import hashlib
import hmac
import math
import re
import time
import urllib.parse

ALGORITHM = "AWS4-HMAC-SHA256"
TOLERANCE_S = 300
AUTHORIZATION = re.compile(
    ALGORITHM + r" Credential=([A-Za-z0-9_]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9-]+(?:;[a-z0-9-]+)*), ?Signature=([0-9a-f]{64})")


@dataclasses.dataclass(frozen=True)
class Key:
    """expires_at: by the judge's clock."""
    secret: str
    token: str | None = None
    expires_at: float = math.inf


@dataclasses.dataclass
class Request:
    """As it came: names and values untouched, in their order."""
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name):
        return [value for key, value in self.headers if key.lower() == name]

    def header(self, name):
        """The first one's value, or None."""
        return next(iter(self.values(name)), None)


class Refused(Exception):
    """kind is the judge's own word for what is wrong; code and message are AWS's."""

    def __init__(self, kind, code, message):
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.code = code
        self.message = message


# --- the stages

def encode(text):
    return urllib.parse.quote(text, safe="-_.~")


def canonical_path(path):
    """Dot segments and doubled slashes resolved, and what is encoded already encoded once more."""
    kept = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    last = "/" if kept and path.endswith(("/", "/.", "/..")) else ""
    return "/" + "/".join(encode(segment.encode("latin-1")) for segment in kept) + last


def canonical_query(query):
    pairs = (item.partition("=")[::2] for item in query.split("&") if item)
    return "&".join(f"{name}={value}" for name, value in sorted(
        tuple(encode(urllib.parse.unquote_to_bytes(part)) for part in pair) for pair in pairs))


def canonical_value(values):
    return ",".join(re.sub(" +", " ", value.strip(" \t")) for value in values)


def body_hash(body):
    return hashlib.sha256(body).hexdigest()


def canonical_request(request, signed):
    """signed: the names, in lower case and sorted."""
    path, _, query = request.target.partition("?")
    headers = "".join(f"{name}:{canonical_value(request.values(name))}\n" for name in signed)
    return "\n".join((request.method, canonical_path(path), canonical_query(query), headers,
                      ";".join(signed), body_hash(request.body)))


def string_to_sign(canonical, stamp, scope):
    return "\n".join((ALGORITHM, stamp, scope, body_hash(canonical.encode("latin-1"))))


def mac(key, text):
    return hmac.new(key, text.encode("latin-1"), hashlib.sha256)


def signature(secret, request, signed, stamp, region, service):
    """The hexadecimal signature; stamp is the value of x-amz-date."""
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = mac(key, part).digest()
    text = string_to_sign(canonical_request(request, signed), stamp, scope)
    return mac(key, text).hexdigest()


# --- the signer

def stamp_of(now):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


def sign(request, access_key_id, key, region, service, now=None):
    """Returns the request with x-amz-date, the token and Authorization; its Host is there."""
    stamp = stamp_of(time.time() if now is None else now)
    headers = [*request.headers, ("X-Amz-Date", stamp)]
    if key.token is not None:
        headers.append(("X-Amz-Security-Token", key.token))
    made = dataclasses.replace(request, headers=headers)
    signed = sorted({name.lower() for name, _ in headers} - {"content-length"})
    proof = signature(key.secret, made, signed, stamp, region, service)
    headers.append(("Authorization", f"{ALGORITHM} Credential={access_key_id}/{stamp[:8]}/{region}/"
                    f"{service}/aws4_request, SignedHeaders={';'.join(signed)}, Signature={proof}"))
    return made


# --- the judge

def require(condition, kind, code, message):
    if not condition:
        raise Refused(kind, code, message)


def check_once(request):
    names = [name.lower() for name, _ in request.headers]
    for name in set(names):
        require(names.count(name) == 1, "repeated", "IncompleteSignatureException",
                f"{name} stands {names.count(name)} times")


def must_be_signed(request):
    for name, _ in request.headers:
        if name.lower() in ("host", "content-type") or name.lower().startswith("x-amz-"):
            yield name.lower()


def check_signed(request, signed):
    require(signed == sorted(set(signed)), "headers", "InvalidSignatureException",
            "SignedHeaders are not in order, or one stands twice")
    for name in signed:
        require(request.values(name), "headers", "InvalidSignatureException",
                f"{name} is signed and not there")
    for name in {"host", "x-amz-date", *must_be_signed(request)}:
        require(name in signed, "headers", "InvalidSignatureException",
                f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")


def check_time(stamp, now):
    require(re.fullmatch(r"\d{8}T\d{6}Z", stamp or ""), "malformed", "IncompleteSignatureException",
            "Date must be in ISO-8601 'basic format'.")
    try:
        at = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Refused("malformed", "IncompleteSignatureException", "no such date") from None
    require(at >= now - TOLERANCE_S, "clock", "InvalidSignatureException",
            f"Signature expired: {stamp} is now earlier than {stamp_of(now - TOLERANCE_S)} "
            f"({stamp_of(now)} - 5 min.)")
    require(at <= now + TOLERANCE_S, "clock", "InvalidSignatureException",
            f"Signature not yet current: {stamp} is still later than {stamp_of(now + TOLERANCE_S)} "
            f"({stamp_of(now)} + 5 min.)")


def check_scope(found, wanted):
    require(found == wanted, "scope", "InvalidSignatureException",
            f"Credential should be scoped to {'/'.join(wanted)}, not {'/'.join(found)}.")


def verify(request, keys, region, service, now):
    """Raises Refused for whatever is not right. keys: {access key id: Key}. Returns the id."""
    authorization = request.header("authorization")
    require(authorization is not None, "missing", "MissingAuthenticationTokenException",
            "Request is missing Authentication Token")
    check_once(request)
    parts = AUTHORIZATION.fullmatch(authorization)
    require(parts, "malformed", "IncompleteSignatureException",
            "Authorization is not of the form that AWS describes.")
    access_key_id, day, *where, names, proof = parts.groups()
    signed = names.split(";")
    stamp = request.header("x-amz-date")
    check_time(stamp, now)
    check_signed(request, signed)
    check_scope((day, *where), (stamp[:8], region, service))
    key = keys.get(access_key_id)
    require(key is not None, "unknown key", "UnrecognizedClientException",
            "The security token included in the request is invalid.")
    announced = request.header("x-amz-content-sha256")
    require(announced in (None, body_hash(request.body)), "signature", "InvalidSignatureException",
            "x-amz-content-sha256 is not the body's.")
    right = signature(key.secret, request, signed, stamp, region, service)
    require(hmac.compare_digest(right, proof), "signature", "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check "
            "your AWS Secret Access Key and signing method. Consult the service documentation for "
            "details.")
    require(request.header("x-amz-security-token") == key.token, "token",
            "UnrecognizedClientException", "The security token included in the request is invalid.")
    require(now < key.expires_at, "expired", "ExpiredTokenException",
            "The security token included in the request is expired")
    return access_key_id
