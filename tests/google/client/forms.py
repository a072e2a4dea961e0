"""The forms that are not in Gmail's document: Google's errors, OAuth, OpenID Connect, and a Pub/Sub push."""

import base64
import json
import re
import time
import urllib.parse

from document import base64url, kind

# HTTP status of each google.rpc.Code, as the comments of google/rpc/code.proto give it; held against the enumeration
# itself when the suite starts.
CODES = {
    "CANCELLED": 499, "UNKNOWN": 500, "INVALID_ARGUMENT": 400, "DEADLINE_EXCEEDED": 504, "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409, "PERMISSION_DENIED": 403, "UNAUTHENTICATED": 401, "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400, "ABORTED": 409, "OUT_OF_RANGE": 400, "UNIMPLEMENTED": 501, "INTERNAL": 500,
    "UNAVAILABLE": 503, "DATA_LOSS": 500,
}  # fmt: skip

# Reasons of Gmail's errors with the statuses they come with, from "Resolve errors" of the Gmail API's guides and the
# global domain's list of the older JSON APIs.
REASONS = {
    "invalidArgument": {400}, "badRequest": {400}, "parseError": {400}, "failedPrecondition": {400},
    "required": {400, 401}, "badContent": {400}, "invalid": {400}, "authError": {401},
    "insufficientPermissions": {403}, "forbidden": {403}, "domainPolicy": {403}, "accessNotConfigured": {403},
    "dailyLimitExceeded": {403}, "userRateLimitExceeded": {403, 429}, "rateLimitExceeded": {403, 429},
    "quotaExceeded": {403, 429}, "notFound": {404}, "aborted": {409}, "alreadyExists": {409}, "conflict": {409},
    "uploadTooLarge": {413}, "backendError": {500, 502, 503, 504}, "internalError": {500},
}  # fmt: skip
USAGE = {"dailyLimitExceeded", "userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded", "accessNotConfigured"}

# RFC 6749 section 5.2, RFC 7009 section 2.2.1, and what Google adds.
OAUTH_ERRORS = {
    "invalid_request": {400}, "invalid_client": {400, 401}, "invalid_grant": {400}, "unauthorized_client": {400, 401},
    "unsupported_grant_type": {400}, "invalid_scope": {400}, "invalid_token": {400, 401},
    "unsupported_token_type": {400}, "redirect_uri_mismatch": {400}, "admin_policy_enforced": {400, 403},
    "org_internal": {400, 403}, "rate_limit_exceeded": {403, 429}, "internal_failure": {500},
    "server_error": {500}, "temporarily_unavailable": {503}, "deleted_client": {401}, "backend_error": {500, 503},
}  # fmt: skip
# What error and error_description may consist of.
OAUTH_TEXT = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def fields(value, where, needed, allowed=()):
    """Missing, unknown and ill-typed fields of an object; `needed` and `allowed` map names to types."""
    if not isinstance(value, dict):
        yield f"{where}: an object was expected, not {kind(value)}"
        return
    types = {**dict(needed), **dict(allowed)}
    for name in needed:
        if name not in value:
            yield f"{where}: {name} is missing"
    for name, inner in value.items():
        if name not in types:
            yield f"{where}: {name} does not belong here"
        elif not isinstance(inner, types[name]) or (types[name] is int and isinstance(inner, bool)):
            yield f"{where}.{name}: {kind(inner)} is of the wrong type"


def google_error(status, body):
    """What is wrong with a refusal of an API."""
    found = list(fields(body, "answer", {"error": dict}))
    if found:
        return found
    error = body["error"]
    found += fields(
        error, "error", {"code": int, "message": str, "errors": list}, {"status": str, "details": list}
    )
    if found:
        return found
    if error.get("code") != status:
        found.append(f"error.code: {error.get('code')} beside HTTP status {status}")
    if not error.get("message"):
        found.append("error.message: empty")
    if status in CODES.values():
        if "status" not in error:
            found.append("error: status is missing")
        elif CODES.get(error["status"]) != status:
            found.append(f"error.status: {error['status']} is no google.rpc.Code of HTTP status {status}")
    elif "status" in error:
        found.append(f"error.status: no google.rpc.Code goes with HTTP status {status}")
    if not error.get("errors"):
        found.append("error.errors: empty")
    for entry in error.get("errors", []):
        found += fields(
            entry,
            "error.errors[]",
            {"message": str, "domain": str, "reason": str},
            {"location": str, "locationType": str},
        )
        if found:
            return found
        reason = entry.get("reason")
        if reason not in REASONS:
            found.append(f"error.errors[].reason: {reason!r} is not known of Google")
        elif status not in REASONS[reason]:
            found.append(f"error.errors[].reason: {reason} does not come with HTTP status {status}")
        wanted = "usageLimits" if reason in USAGE else "global"
        if entry.get("domain") != wanted:
            found.append(f"error.errors[].domain: {entry.get('domain')!r} beside reason {reason}")
    return found


def oauth_error(status, headers, body):
    """What is wrong with a refusal of the token or the revocation endpoint."""
    found = list(
        fields(
            body, "answer", {"error": str}, {"error_description": str, "error_uri": str, "error_subtype": str}
        )
    )
    if found:
        return found
    for name in ("error", "error_description"):
        text = body.get(name, "x")
        if isinstance(text, str) and not OAUTH_TEXT.fullmatch(text):
            found.append(f"{name}: characters that RFC 6749 does not allow")
    error = body.get("error")
    if error not in OAUTH_ERRORS:
        found.append(f"error: {error!r} is none of RFC 6749 or of Google")
    elif status not in OAUTH_ERRORS[error]:
        found.append(f"error: {error} does not come with HTTP status {status}")
    return found + list(not_stored(headers))


def not_stored(headers):
    if "no-store" not in headers.get("cache-control", ""):
        yield "Cache-Control: no-store is missing (RFC 6749 section 5.1)"
    if headers.get("pragma") != "no-cache":
        yield "Pragma: no-cache is missing (RFC 6749 section 5.1)"


def tokens(headers, body):
    """What is wrong with a success of the token endpoint."""
    found = list(
        fields(
            body,
            "tokens",
            {"access_token": str, "expires_in": int, "scope": str, "token_type": str},
            {"refresh_token": str, "refresh_token_expires_in": int, "id_token": str},
        )
    )
    if found:
        return found
    if body.get("token_type") != "Bearer":
        found.append(f"tokens.token_type: {body.get('token_type')!r}")
    if not 0 < body.get("expires_in", 0) <= 3_600:
        found.append(f"tokens.expires_in: {body.get('expires_in')} s")
    scopes = body.get("scope", "").split(" ")
    if len(scopes) != len(set(scopes)) or "" in scopes:
        found.append(f"tokens.scope: {body.get('scope')!r}")
    return found + list(not_stored(headers))


def openid_configuration(body):
    """What is wrong with OpenID Connect discovery metadata (OpenID Connect Discovery 1.0, section 3)."""
    endpoints = ["authorization_endpoint", "token_endpoint", "jwks_uri"]
    lists = ["response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"]
    optional = [
        "response_modes_supported", "grant_types_supported", "scopes_supported", "claims_supported",
        "token_endpoint_auth_methods_supported", "code_challenge_methods_supported",
    ]  # fmt: skip
    needed = {"issuer": str, **dict.fromkeys(endpoints, str), **dict.fromkeys(lists, list)}
    more = {"userinfo_endpoint": str, "revocation_endpoint": str, "device_authorization_endpoint": str}
    found = list(fields(body, "configuration", needed, {**more, **dict.fromkeys(optional, list)}))
    if found:
        return found
    for name in [*endpoints, "userinfo_endpoint", "revocation_endpoint"]:
        if not urllib.parse.urlsplit(str(body.get(name, ""))).netloc:
            found.append(f"configuration.{name}: no address")
    if "RS256" not in body.get("id_token_signing_alg_values_supported", []):
        found.append("configuration: RS256 must be among the algorithms")
    if "code" not in body.get("response_types_supported", []):
        found.append("configuration: code must be among the response types")
    return found


def jwks(headers, body):
    """What is wrong with a key set (RFC 7517, RFC 7518 section 6.3)."""
    found = list(fields(body, "key set", {"keys": list}))
    if found:
        return found
    kids = [key.get("kid") for key in body.get("keys", [])]
    if not kids or len(kids) != len(set(kids)):
        found.append(f"key set: key ids {kids}")
    for key in body.get("keys", []):
        found += fields(key, "key", dict.fromkeys(["kty", "use", "alg", "kid", "n", "e"], str))
        if (key.get("kty"), key.get("use"), key.get("alg")) != ("RSA", "sig", "RS256"):
            found.append(f"key: {key.get('kty')}, {key.get('use')}, {key.get('alg')}")
        for name in ("n", "e"):
            number = base64url(str(key.get(name, "")))
            if "=" in str(key.get(name, "")) or not number or number[0] == 0:
                found.append(f"key.{name}: no big-endian number in base64url without padding")
    if not re.search(r"max-age=\d+", headers.get("cache-control", "")):
        found.append("key set: Cache-Control names no max-age")
    return found


def claims(body, audience, nonce=None, person=True):
    """What is wrong with the claims of a token that Google signed, its signature apart."""
    needed = {"iss": str, "aud": str, "azp": str, "sub": str, "iat": int, "exp": int}
    if person:
        needed |= {"email": str, "email_verified": bool}
    found = list(
        fields(body, "claims", needed, {"hd": str, "name": str, "nonce": str, "at_hash": str, "picture": str,
                                        "given_name": str, "family_name": str, "email": str, "email_verified": bool})
    )  # fmt: skip
    if found:
        return found
    if body.get("aud") != audience:
        found.append(f"claims.aud: {body.get('aud')!r}, not {audience!r}")
    if body.get("nonce") != nonce:
        found.append("claims.nonce: not the one of the request")
    if not re.fullmatch(r"[0-9]{1,255}", str(body.get("sub", ""))):
        found.append(f"claims.sub: {body.get('sub')!r} is no number of an account")
    if body.get("exp", 0) - body.get("iat", 0) != 3_600:
        found.append("claims.exp: Google's tokens live an hour")
    if abs(body.get("iat", 0) - time.time()) > 60:
        found.append("claims.iat: not now")
    if person and not EMAIL.fullmatch(str(body.get("email", ""))):
        found.append(f"claims.email: {body.get('email')!r}")
    return found


def userinfo(body):
    """What is wrong with the answer of the user information endpoint (OpenID Connect Core 1.0, section 5.3)."""
    return list(
        fields(body, "userinfo", {"sub": str}, {"email": str, "email_verified": bool, "hd": str, "name": str,
                                                "given_name": str, "family_name": str, "picture": str})
    )  # fmt: skip


def push(pubsub, body):
    """What is wrong with the body of a push; `pubsub` is the Pub/Sub discovery document."""
    found = list(
        fields(body, "push", {"message": dict, "subscription": str}, {"deliveryAttempt": int})
    )
    if found:
        return found
    message = dict(body.get("message", {}))
    # A push names these in the old spelling as well, which the document does not hold.
    for old, new in {"message_id": "messageId", "publish_time": "publishTime"}.items():
        if old in message and message.pop(old) != message.get(new):
            found.append(f"push.message.{old}: not what {new} says")
    found += pubsub.value("PubsubMessage", message, "push.message")
    for name in ("data", "messageId", "publishTime"):
        if not message.get(name):
            found.append(f"push.message: {name} is missing")
    if not re.fullmatch(r"projects/[^/]+/subscriptions/[^/]+", str(body.get("subscription", ""))):
        found.append(f"push.subscription: {body.get('subscription')!r}")
    return found + list(notification(message.get("data", "")))


def notification(data):
    """What is wrong with Gmail's own content of a push."""
    try:
        # Pub/Sub's JSON has bytes in the standard alphabet.
        body = json.loads(base64.b64decode(data, validate=True))
    except ValueError as error:
        yield f"push.message.data: {error}"
        return
    wrong = list(fields(body, "notification", {"emailAddress": str, "historyId": int}))
    yield from wrong
    if not wrong and not EMAIL.fullmatch(str(body.get("emailAddress", ""))):
        yield f"notification.emailAddress: {body.get('emailAddress')!r}"
