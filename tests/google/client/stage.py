"""What the story is played on: the simulator's controls, a person before the consent page, an endpoint for pushes."""

import html.parser
import http.server
import json
import queue
import threading
import urllib.parse
import urllib.request

# Ends a hang; nothing is expected to come near it.
PATIENCE_S = 60


class Wrong(Exception):
    """The simulator did not do what the story needs."""


def expect(condition, what):
    if not condition:
        raise Wrong(what)


def equal(found, wanted, what):
    expect(found == wanted, f"{what}: {found!r}, {wanted!r} was expected")


class Controls:
    """The control plane, which is no part of what is judged."""

    def __init__(self, url):
        self.url = url
        self.seen = 0
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, verb, path, body=None, raw=None):
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sim/{path}", data, method=verb)
        request.add_header("Content-Type", "application/octet-stream" if raw is not None else "application/json")
        with self.opener.open(request, timeout=PATIENCE_S) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def post(self, path, **body):
        return self.call("POST", path, body)

    def deliver(self, address, mail, **options):
        query = urllib.parse.urlencode(options)
        return self.call("POST", f"accounts/{address}/messages?{query}", raw=mail.as_bytes())

    def new_calls(self):
        """The entries of the call log that were not seen before."""
        calls = self.call("GET", f"calls?since={self.seen}")
        self.seen = max([self.seen, *(call["seq"] for call in calls)])
        return calls

    def fault(self, method, effect, **more):
        self.post("faults", method=method, effect=effect, **more)


class Form(html.parser.HTMLParser):
    """The form of a page as a browser would send it: what is hidden, what stands ticked, and the button pressed."""

    def __init__(self, page):
        super().__init__()
        self.action = None
        self.fields = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.action = given["action"]
        if tag == "input" and given.get("type") == "hidden":
            self.fields.append((given["name"], given["value"]))
        if tag == "input" and given.get("type") == "checkbox" and "checked" in given:
            self.fields.append((given["name"], given["value"]))


class Person:
    """Someone who signs in and decides."""

    def __init__(self, transport, address):
        self.transport = transport
        self.address = address

    def decide(self, page_url, decision="allow", untick=()):
        """Answers the consent page; returns what the application is told at its own address."""
        response, content = self.transport.request(page_url)
        equal(response.status, 200, "the consent page")
        form = Form(content.decode())
        chosen = [(name, value) for name, value in form.fields if (name, value) not in [("grant", s) for s in untick]]
        body = urllib.parse.urlencode([*chosen, ("account", self.address), ("decision", decision)])
        response, _ = self.transport.request(
            urllib.parse.urljoin(page_url, form.action),
            "POST",
            body,
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        expect(response.status in (302, 303), f"a redirection was expected, not {response.status}")
        target = urllib.parse.urlsplit(response["location"])
        return target, dict(urllib.parse.parse_qsl(target.query))


class Mailbag(http.server.ThreadingHTTPServer):
    """The push endpoint of an application: keeps every notification, and acknowledges it unless told otherwise."""

    daemon_threads = True

    def __init__(self):
        self.received = queue.Queue()
        self.refusals = queue.Queue()
        super().__init__(("127.0.0.1", 0), Acknowledge)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/push"

    def next(self):
        try:
            return self.received.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise Wrong("no push came") from None

    def refuse_next(self):
        """The next notification is kept, and refused."""
        self.refusals.put(503)

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Acknowledge(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            status = self.server.refusals.get_nowait()
        except queue.Empty:
            status = 204
        self.server.received.put((headers, body))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        """Says nothing: the judge does."""
