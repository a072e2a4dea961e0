"""Feeds the checker what it must refuse, and what it must let through; a checker that cannot fail checks nothing."""

import copy
import json
import types
import unittest

import forms
import offer
from descriptions import Descriptions
from document import Document, base64url
from witness import Judge

ROOT = "http://127.0.0.1:1"
JSON = {"content-type": "application/json; charset=UTF-8"}
STORED = {**JSON, "cache-control": "no-cache, no-store", "pragma": "no-cache"}

MESSAGE = {
    "id": "18c0000000000001", "threadId": "18c0000000000001", "labelIds": ["INBOX"], "snippet": "x",
    "historyId": "7", "internalDate": "1700000000000", "sizeEstimate": 3,
    "payload": {
        "partId": "", "mimeType": "text/plain", "filename": "", "headers": [{"name": "From", "value": "a"}],
        "body": {"size": 1, "data": "eA=="},
    },
}  # fmt: skip
ERROR = {
    "error": {
        "code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND",
        "errors": [{"message": "Requested entity was not found.", "domain": "global", "reason": "notFound"}],
    }
}  # fmt: skip
TOKENS = {"access_token": "x", "expires_in": 3599, "scope": "openid", "token_type": "Bearer"}
PUSH = {
    "message": {
        "data": "eyJlbWFpbEFkZHJlc3MiOiJhQGIuZXhhbXBsZSIsImhpc3RvcnlJZCI6N30=", "messageId": "1", "message_id": "1",
        "publishTime": "2026-01-02T03:04:05.678Z", "publish_time": "2026-01-02T03:04:05.678Z",
    },
    "subscription": "projects/p/subscriptions/s",
}  # fmt: skip

MISSING = object()


def changed(value, path, new):
    """A copy of `value` with another thing at `path`, or without it."""
    value = copy.deepcopy(value)
    inner = value
    *parents, last = path
    for step in parents:
        inner = inner[step]
    if new is MISSING:
        del inner[last]
    else:
        inner[last] = new
    return value


class Checker(unittest.TestCase):
    gmail_api = None
    pubsub_api = None
    refused = 0

    def setUp(self):
        self.judge = Judge(Document(self.gmail_api), Descriptions(self.gmail_api), Document(self.pubsub_api))

    def findings(self, verb, path, status, body, headers=JSON):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        before = len(self.judge.findings)
        self.judge.saw(verb, ROOT + path, None, status, headers, content)
        return self.judge.findings[before:]

    def passes(self, *call, **more):
        self.assertEqual(self.findings(*call, **more), [])

    def fails(self, word, *call, **more):
        self.refuses(word, self.findings(*call, **more))

    def refuses(self, word, found):
        self.assertTrue(any(word in sentence for sentence in found), f"{word!r} was expected in {found}")
        Checker.refused += 1

    def test_answers_by_schema(self):
        path = "/gmail/v1/users/me/messages/18c0000000000001?format=full&alt=json"
        self.passes("GET", path, 200, MESSAGE)
        for at, new, word in [
            (["id"], 7, "a string was expected, not a number"),
            (["id"], None, "not null"),
            (["labels"], ["INBOX"], "no such field"),
            (["labelIds"], "INBOX", "a list was expected"),
            (["labelIds"], [True], "labelIds[0]"),
            (["historyId"], 7, "a string was expected, not a number"),
            (["historyId"], "-7", "out of the range of uint64"),
            (["historyId"], "18446744073709551616", "out of the range of uint64"),
            (["historyId"], "07", "no uint64 in decimal"),
            (["internalDate"], "1.7e12", "no int64 in decimal"),
            (["sizeEstimate"], "3", "a number was expected, not a string"),
            (["sizeEstimate"], 3.5, "a number was expected, not a fraction"),
            (["sizeEstimate"], True, "a number was expected, not a boolean"),
            (["sizeEstimate"], 2**31, "out of the range of int32"),
            (["payload"], [], "an object was expected"),
            (["payload", "size"], 3, "no such field"),
            (["payload", "headers", 0, "value"], 3, "headers[0].value"),
            (["payload", "body", "data"], "e+==", "not base64url"),
            (["payload", "body", "data"], "eA=", "not base64url"),
        ]:
            with self.subTest(at=at, new=new):
                self.fails(word, "GET", path, 200, changed(MESSAGE, at, new))
        vacation = "/gmail/v1/users/me/settings/vacation"
        self.passes("GET", vacation, 200, {"enableAutoReply": False})
        self.fails("a boolean was expected", "GET", vacation, 200, {"enableAutoReply": "false"})
        label = {"id": "Label_1", "name": "x", "type": "user", "labelListVisibility": "labelShow"}
        self.passes("POST", "/gmail/v1/users/me/labels", 200, label)
        self.fails(
            "is none of", "POST", "/gmail/v1/users/me/labels", 200, {**label, "labelListVisibility": "labelshow"}
        )

    def test_answers_by_description(self):
        path = "/gmail/v1/users/me/messages/18c0000000000001"
        for at, new, word in [
            (["threadId"], MISSING, "threadId"),
            (["id"], "r-7", "no message or thread id"),
            (["payload"], MISSING, "payload belongs to"),
            (["raw"], "eA", "raw belongs to"),
            (["internalDate"], MISSING, "internalDate is missing"),
            (["payload", "body", "size"], 2, "1 bytes of data, but size 2"),
            (["payload", "body", "attachmentId"], "x", "fetched apart"),
            (["payload", "parts"], [], "only a container has parts"),
        ]:
            with self.subTest(at=at):
                self.fails(word, "GET", path, 200, changed(MESSAGE, at, new))
        self.fails("payload belongs to", "GET", f"{path}?format=minimal", 200, MESSAGE)
        self.fails("headers only", "GET", f"{path}?format=metadata", 200, MESSAGE)
        bare = changed(MESSAGE, ["payload", "body"], MISSING)
        self.fails("not asked for", "GET", f"{path}?format=metadata&metadataHeaders=To", 200, bare)
        self.passes("GET", f"{path}?format=metadata&metadataHeaders=from", 200, bare)
        listed = {"messages": [{"id": "1", "threadId": "1"}], "resultSizeEstimate": 1}
        self.passes("GET", "/gmail/v1/users/me/messages", 200, listed)
        self.fails("does not belong", "GET", "/gmail/v1/users/me/messages", 200, {**listed, "messages": [MESSAGE]})
        watch = "/gmail/v1/users/me/watch"
        self.fails("is not a week", "POST", watch, 200, {"historyId": "1", "expiration": "1700000000"})
        self.fails("expiration is missing", "POST", watch, 200, {"historyId": "1"})
        history = "/gmail/v1/users/me/history?startHistoryId=5"
        record = {"id": "6", "messages": [{"id": "1", "threadId": "1"}],
                  "messagesAdded": [{"message": {"id": "1", "threadId": "1"}}]}  # fmt: skip
        self.passes("GET", history, 200, {"history": [record], "historyId": "6"})
        self.fails("does not follow", "GET", history, 200, {"history": [record, record], "historyId": "6"})
        self.fails("newer than the mailbox", "GET", history, 200, {"history": [record], "historyId": "5"})
        only = f"{history}&historyTypes=labelAdded"
        self.fails("was not asked for", "GET", only, 200, {"history": [record], "historyId": "6"})
        label = {"id": "Label_1", "name": "x", "color": {"textColor": "#000000", "backgroundColor": "#123456"}}
        self.fails("not of the palette", "POST", "/gmail/v1/users/me/labels", 200, label)
        alias = {"sendAsEmail": "a@b.example", "isPrimary": True, "isDefault": True}
        aliases = "/gmail/v1/users/me/settings/sendAs"
        self.passes("GET", aliases, 200, {"sendAs": [alias]})
        self.fails("exactly one", "GET", aliases, 200, {"sendAs": [alias, alias]})
        draft = {"id": "r1", "message": {"id": "1", "threadId": "1", "labelIds": ["DRAFT", "INBOX"]}}
        self.fails("DRAFT alone", "POST", "/gmail/v1/users/me/drafts", 200, draft)

    def test_calls_and_transport(self):
        profile = {"emailAddress": "a@b.example", "messagesTotal": 1, "threadsTotal": 1, "historyId": "1"}
        path = "/gmail/v1/users/me/profile"
        self.passes("GET", path, 200, profile)
        self.fails("no method", "PUT", path, 200, profile)
        self.fails("no method", "GET", "/gmail/v1/users/me/profiles", 200, profile)
        self.fails("is unknown", "GET", f"{path}?fomat=x", 200, profile)
        self.fails("a success is 200", "GET", path, 201, profile)
        self.fails("no JSON", "GET", path, 200, b"<html>")
        self.fails("Content-Type", "GET", path, 200, profile, headers={"content-type": "text/plain"})
        self.fails("Content-Type", "GET", path, 200, profile, headers={"content-type": "application/json; charset=x"})
        listed = {"resultSizeEstimate": 0}
        messages = "/gmail/v1/users/me/messages"
        self.passes("GET", f"{messages}?labelIds=A&labelIds=B&maxResults=3&includeSpamTrash=true", 200, listed)
        self.fails("may stand once", "GET", f"{messages}?q=a&q=b", 200, listed)
        self.fails("is no number", "GET", f"{messages}?maxResults=all", 200, listed)
        self.fails("neither true nor false", "GET", f"{messages}?includeSpamTrash=yes", 200, listed)
        self.fails("has no value", "GET", f"{messages}/18c?format=FULL", 200, MESSAGE)
        self.passes("GET", f"{messages}/18c?fields=id", 200, {"id": "18c"})
        self.fails("no such field", "GET", f"{messages}/18c?fields=id", 200, {"ident": "18c"})
        self.passes("POST", "/gmail/v1/users/me/stop", 204, b"")
        self.fails("answers with nothing", "POST", "/gmail/v1/users/me/stop", 200, {"ok": True})
        begin = "/upload/gmail/v1/users/me/drafts?uploadType=resumable"
        self.fails("the address of its session", "POST", begin, 200, b"")
        self.passes("POST", begin, 200, b"", headers={"location": f"{ROOT}/session"})
        self.passes("PUT", "/session", 308, b"", headers={"range": "bytes=0-99"})
        self.fails("Range", "PUT", "/session", 308, b"", headers={"range": "0-99"})
        self.fails("message is missing", "PUT", "/session", 200, {"id": "r1"})

    def test_refusals(self):
        path = "/gmail/v1/users/me/messages/18c"
        self.passes("GET", path, 404, ERROR)
        for at, new, word in [
            (["error", "code"], 400, "beside HTTP status 404"),
            (["error", "code"], "404", "wrong type"),
            (["error", "message"], MISSING, "message is missing"),
            (["error", "message"], "", "empty"),
            (["error", "status"], MISSING, "status is missing"),
            (["error", "status"], "INVALID_ARGUMENT", "no google.rpc.Code of HTTP status 404"),
            (["error", "status"], "NOTFOUND", "no google.rpc.Code of HTTP status 404"),
            (["error", "errors"], [], "empty"),
            (["error", "errors"], MISSING, "errors is missing"),
            (["error", "errors", 0, "domain"], MISSING, "domain is missing"),
            (["error", "errors", 0, "domain"], "usageLimits", "beside reason notFound"),
            (["error", "errors", 0, "reason"], "gone", "not known of Google"),
            (["error", "errors", 0, "reason"], "aborted", "does not come with"),
            (["error", "errors", 0, "extendedHelp"], "x", "does not belong"),
            (["error", "trace"], "x", "does not belong"),
            (["error"], "not found", "wrong type"),
        ]:
            with self.subTest(at=at, new=new):
                self.fails(word, "GET", path, 404, changed(ERROR, at, new))
        self.fails("no JSON", "GET", path, 404, b"")
        login = changed(changed(ERROR, ["error", "code"], 401), ["error", "status"], "UNAUTHENTICATED")
        login["error"]["errors"][0]["reason"] = "authError"
        self.passes("GET", path, 401, login, headers={**JSON, "www-authenticate": 'Bearer realm="x"'})
        self.fails("WWW-Authenticate", "GET", path, 401, login)
        large = changed(changed(ERROR, ["error", "code"], 413), ["error", "status"], "UNKNOWN")
        large["error"]["errors"][0]["reason"] = "uploadTooLarge"
        self.fails("no google.rpc.Code goes with", "GET", path, 413, large)

    def test_sign_in(self):
        self.passes("POST", "/token", 200, TOKENS, headers=STORED)
        self.fails("no-store", "POST", "/token", 200, TOKENS)
        for at, new, word in [
            (["expires_in"], "3599", "wrong type"),
            (["scope"], MISSING, "scope is missing"),
            (["token_type"], "bearer ", "token_type"),
            (["expiry"], 1, "does not belong"),
        ]:
            self.fails(word, "POST", "/token", 200, changed(TOKENS, at, new), headers=STORED)
        refusal = {"error": "invalid_grant", "error_description": "Bad Request"}
        self.passes("POST", "/token", 400, refusal, headers=STORED)
        self.fails("does not come with", "POST", "/token", 401, refusal, headers=STORED)
        self.fails("none of RFC 6749", "POST", "/token", 400, {"error": "expired"}, headers=STORED)
        self.fails("error is missing", "POST", "/token", 400, ERROR["error"], headers=STORED)
        self.fails("does not allow", "POST", "/token", 400, {**refusal, "error_description": 'a "b"'}, headers=STORED)
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": "x_8", "e": "AQAB"}
        kept = {**JSON, "cache-control": "public, max-age=9"}
        self.passes("GET", "/oauth2/v3/certs", 200, {"keys": [key]}, headers=kept)
        self.fails("max-age", "GET", "/oauth2/v3/certs", 200, {"keys": [key]})
        self.fails("without padding", "GET", "/oauth2/v3/certs", 200, {"keys": [{**key, "n": "x_8="}]}, headers=kept)
        self.fails("key ids", "GET", "/oauth2/v3/certs", 200, {"keys": [key, key]}, headers=kept)
        self.fails("jwks_uri is missing", "GET", "/.well-known/openid-configuration", 200, {"issuer": "x"})
        self.fails("sub is missing", "GET", "/oauth2/v3/userinfo", 200, {"email": "x"})

    def test_pushes(self):
        def findings(body):
            before = len(self.judge.findings)
            self.judge.pushed(JSON, json.dumps(body).encode())
            return self.judge.findings[before:]

        self.assertEqual(findings(PUSH), [])
        for at, new, word in [
            (["message", "data"], MISSING, "data is missing"),
            (["message", "data"], "eA==", "push.message.data"),
            (["message", "data"], "eyJlbWFpbEFkZHJlc3MiOiJhQGIuZXhhbXBsZSIsImhpc3RvcnlJZCI6IjcifQ==", "wrong type"),
            (["message", "messageId"], 1, "a string was expected"),
            (["message", "message_id"], "2", "not what messageId says"),
            (["message", "publishTime"], "2026-13-02T03:04:05Z", "publish"),
            (["message", "id"], "1", "no such field"),
            (["subscription"], "s", "push.subscription"),
            (["deliveryAttempt"], "1", "wrong type"),
            (["topic"], "x", "does not belong"),
        ]:
            with self.subTest(at=at, new=new):
                self.refuses(word, findings(changed(PUSH, at, new)))

    def test_claims(self):
        right = {"iss": "x", "aud": "c", "azp": "c", "sub": "1", "iat": 1, "exp": 3_601, "email": "a@b.example",
                 "email_verified": True}  # fmt: skip
        of = lambda **more: forms.claims({**right, **more}, "c")
        self.assertEqual(of(), ["claims.iat: not now"])
        self.assertEqual(len(of(aud="d")), 2)
        self.assertEqual(of(email_verified="true"), ["claims.email_verified: a string is of the wrong type"])
        self.assertEqual(len(of(exp=9_999)), 2)
        self.assertEqual(len(of(sub="a")), 2)
        self.assertEqual(len(of(nonce="n")), 2)
        self.assertEqual(of(scope="x"), ["claims: scope does not belong here"])

    def test_base64url(self):
        for text, data in [("", b""), ("eA", b"x"), ("eA==", b"x"), ("_-8", b"\xff\xef")]:
            self.assertEqual(base64url(text), data)
        for text in ["e", "eA=", "eA===", "e/A=", "eA\n"]:
            self.assertIsNone(base64url(text))


class Server:
    """Stands in for a simulator: which calls it serves, under which name, and which scopes it admits."""

    def __init__(self, served, admits=lambda method, scope: True):
        self.served = served
        self.admits = admits
        self.last = None

    def request(self, url, verb, body=None, headers=None):
        path = url.removeprefix(ROOT)
        name, status = next((row[2:] for row in self.served if (verb, path) == row[:2]), ("unknown", 404))
        self.last = [{"method": name}]
        if headers:
            status = 404 if self.admits(name, headers["Authorization"].removeprefix("Bearer ")) else 403
        reason = "insufficientPermissions" if status == 403 else "notFound"
        return types.SimpleNamespace(status=status), json.dumps({"error": {"errors": [{"reason": reason}]}}).encode()

    def new_calls(self):
        return self.last


class Offer(unittest.TestCase):
    def setUp(self):
        self.gmail = Document(Checker.gmail_api)

    def offered(self, *served):
        server = Server(served)
        return offer.offered(self.gmail, server, ROOT, server)

    def test_what_is_offered(self):
        profile = ("GET", "/gmail/v1/users/me/profile", "gmail.users.getProfile")
        self.assertEqual(self.offered((*profile, 401)), ({"gmail.users.getProfile"}, set(), []))
        create = ("POST", "/gmail/v1/users/me/drafts", "gmail.users.drafts.create", 401)
        upload = ("POST", "/upload/gmail/v1/users/me/drafts", "gmail.users.drafts.create", 401)
        for word, served in [
            ("with 200", [(*profile, 200)]),
            ("served as gmail.users.profile", [(*profile[:2], "gmail.users.profile", 401)]),
            ("has no such method", [("PUT", "/gmail/v1/users/me/profile", "gmail.users.setProfile", 401)]),
            ("nothing is taken at", [create]),
            ("nothing is taken at resumable/", [create, upload]),
        ]:
            with self.subTest(word=word):
                found = self.offered(*served)[2]
                self.assertTrue(any(word in sentence for sentence in found), f"{word!r} was expected in {found}")
                Checker.refused += 1

    def test_who_is_admitted(self):
        def findings(admits):
            server = Server([("POST", "/gmail/v1/users/me/watch", "gmail.users.watch", 401)], admits)
            return offer.scopes(self.gmail, {"gmail.users.watch"}, server, ROOT, lambda scope: scope)[1]

        known = self.gmail.methods["gmail.users.watch"].scopes
        self.assertEqual(findings(lambda _, scope: scope in known), [])
        self.assertTrue(any("refuses" in sentence for sentence in findings(lambda _, scope: scope in known[1:])))
        self.assertTrue(any("admits" in sentence for sentence in findings(lambda *_: True)))
        Checker.refused += 2


def run(gmail_api, pubsub_api):
    """Runs the tests of the checker: how many wrong answers it refused, and whether all went well."""
    Checker.gmail_api = gmail_api
    Checker.pubsub_api = pubsub_api
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    result = unittest.TextTestRunner(verbosity=0).run(unittest.TestSuite([load(Checker), load(Offer)]))
    return Checker.refused, result.wasSuccessful()
