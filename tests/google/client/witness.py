"""Sees every HTTP answer that the official client gets, judges it and keeps it.

The witness is the transport of the client: nothing reaches the client that was not judged here.
"""

import collections
import json
import pathlib
import time
import urllib.parse

import forms
import httplib2

SIGN_IN = "/o/oauth2/v2/auth"
# What is behind these is judged as OAuth or OpenID Connect, not as an API.
OAUTH = ("/token", "/revoke", "/oauth2/", "/.well-known/")


class Judge:
    """Findings and counts over all answers. Invariant: an answer is counted once, whether it is right or not."""

    def __init__(self, gmail, descriptions, pubsub, folder=None):
        self.gmail = gmail
        self.descriptions = descriptions
        self.pubsub = pubsub
        self.folder = folder
        self.findings = []
        self.counts = collections.Counter()
        self.answered = collections.Counter()
        self.refusals = collections.Counter()
        self.uploads = set()
        self.sessions = {}
        self.clock_ahead_ms = 0

    def note(self, where, found):
        self.findings += [f"{where}: {sentence}" for sentence in found]

    def saw(self, verb, url, sent, status, headers, content):
        """Judges one answer."""
        address = urllib.parse.urlsplit(url)
        where = f"{verb} {address.path} → {status}"
        if address.path == SIGN_IN:
            self.counts["sign-in pages"] += 1
            if status == 200 and not headers.get("content-type", "").startswith("text/html"):
                self.note(where, ["a page was expected"])
        elif address.path.startswith(OAUTH):
            self._oauth(where, address.path, status, headers, content)
        else:
            self._api(where, verb, url, sent, status, headers, content)

    def pushed(self, headers, content):
        """Judges one notification."""
        self.counts["pushes"] += 1
        body, found = json_body(headers, content)
        self.note("push", found or forms.push(self.pubsub, body))
        return body

    def _oauth(self, where, path, status, headers, content):
        body, found = json_body(headers, content)
        if found:
            pass
        elif status >= 400:
            found = forms.oauth_error(status, headers, body)
            if not found:
                self.refusals[status, body["error"]] += 1
        elif path == "/token":
            found = forms.tokens(headers, body)
        elif path == "/.well-known/openid-configuration":
            found = forms.openid_configuration(body)
        elif path == "/oauth2/v3/certs":
            found = forms.jwks(headers, body)
        elif path == "/oauth2/v3/userinfo":
            found = forms.userinfo(body)
        elif path == "/revoke":
            found = [] if body == {} else ["a revocation answers with an empty object"]
        else:
            found = ["no known endpoint"]
        self.counts["OAuth refusals" if status >= 400 else "OAuth and OpenID answers"] += 1
        self.note(where, found)

    def _api(self, where, verb, url, sent, status, headers, content):
        if status >= 400:
            self.counts["API refusals"] += 1
            body, found = json_body(headers, content)
            if not found:
                found = forms.google_error(status, body)
                if not found:
                    self.refusals[status, body["error"]["errors"][0]["reason"]] += 1
            if status == 401 and not headers.get("www-authenticate", "").startswith("Bearer "):
                found.append("WWW-Authenticate: Bearer is missing (RFC 6750 section 3)")
            self.note(where, found)
            return
        address = urllib.parse.urlsplit(url)
        method = self.sessions.get(url) or self.gmail.find(verb, address.path)
        if method is None:
            self.counts["API answers"] += 1
            self.note(where, ["the document has no method at that path"])
            return
        if url not in self.sessions:
            self.note(where, self.gmail.request(method, address.query))
            self.uploads |= {(method.id, place) for place in method.uploads_at(address.path)}
        if self._session(where, method, url, address, sent, status, headers, content):
            return
        self.counts["API answers"] += 1
        self.answered[method.id] += 1
        if method.response is None:
            if content not in (b"", b"{}") or status not in (200, 204):
                self.note(where, ["the method answers with nothing"])
            return
        body, found = json_body(headers, content)
        if status != 200:
            found.append("a success is 200")
        if not found:
            found = self.gmail.value(method.response, body, method.response)
        # What does not fit the schema would only trip over the rules beyond it, as would a chosen part of an answer.
        if not found and "fields" not in urllib.parse.parse_qs(address.query):
            now = int(time.time() * 1_000) + self.clock_ahead_ms
            found = self.descriptions.check(method.id, address.query, body, now)
        self.note(where, found)
        self._keep(method.id, body)

    def _session(self, where, method, url, address, sent, status, headers, content):
        """The steps of a resumable upload before its last; true if this was one."""
        begun = urllib.parse.parse_qs(address.query).get("uploadType") == ["resumable"] and url not in self.sessions
        if not begun and status != 308:
            return False
        self.counts["upload steps"] += 1
        found = []
        if begun:
            place = headers.get("location", "")
            if status != 200 or not urllib.parse.urlsplit(place).netloc:
                found.append("a resumable upload begins with 200 and the address of its session")
            self.sessions[place] = method
        elif not headers.get("range", "bytes=0-0").startswith("bytes=0-"):
            found.append(f"Range: {headers['range']}")
        if content:
            found.append("a step of an upload has no body")
        self.note(where, found)
        return True

    def _keep(self, method, body):
        if self.folder is not None:
            folder = pathlib.Path(self.folder) / method
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{self.answered[method]}.json"
            path.write_text(json.dumps(body), encoding="utf-8")


def json_body(headers, content):
    """The JSON of an answer, and what is wrong with the way it was sent."""
    found = []
    media, _, parameters = headers.get("content-type", "").partition(";")
    if media.strip().lower() != "application/json":
        found.append(f"Content-Type: {headers.get('content-type')!r}")
    if parameters.strip().lower() not in ("", "charset=utf-8"):
        found.append(f"Content-Type: {parameters.strip()}")
    try:
        return json.loads(content), found
    except ValueError as error:
        return None, [*found, f"no JSON: {error}"]


class Witness(httplib2.Http):
    """The transport of the official client, under a judge's eyes."""

    def __init__(self, judge):
        super().__init__(timeout=60, proxy_info=None)
        self.judge = judge
        self.follow_redirects = False
        # As the official client sets its own transport up: 308 is a step of an upload, no redirection.
        self.redirect_codes = self.redirect_codes - {308}

    def request(self, uri, method="GET", body=None, headers=None, **more):
        try:
            response, content = super().request(uri, method, body, headers, **more)
        except OSError:
            # A connection that broke is not used again, so that one lost answer stays one.
            self.close()
            self.connections.clear()
            raise
        self.judge.saw(method, uri, body, response.status, response, content)
        return response, content
