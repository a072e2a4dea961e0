"""A discovery document as a judge: does a call exist, may it carry these parameters, does the answer have this form?

Nothing here knows the simulator. Every finding is a sentence that says where and what.
"""

import base64
import binascii
import datetime
import re
import urllib.parse

INTEGERS = {
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
# Google's JSON writes no sign before zero and no leading zeros.
DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)")
BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


def base64url(text):
    """The bytes of base64url text, or None; padding may be there or not, but never wrong."""
    if not BASE64URL.fullmatch(text):
        return None
    bare = text.rstrip("=")
    if len(text) != len(bare) and len(text) % 4:
        return None
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None


class Method:
    """One method of the API, with the places it may be called at."""

    def __init__(self, spec, common):
        self.id = spec["id"]
        self.verb = spec["httpMethod"]
        self.path = spec["path"]
        self.response = spec.get("response", {}).get("$ref")
        self.scopes = spec.get("scopes", [])
        self.own = spec.get("parameters", {})
        self.parameters = {**common, **self.own}
        protocols = spec.get("mediaUpload", {}).get("protocols", {})
        self.uploads = [protocol["path"].lstrip("/") for protocol in protocols.values()]
        self.places = [(re.compile(template(path)), path) for path in [self.path, *self.uploads]]

    def example(self, path=None, value="0123456789abcdef"):
        """A path of the method with something in every placeholder."""
        fill = lambda found: "me" if found[1] == "userId" else value
        return "/" + re.sub(r"\{(\w+)\}", fill, path or self.path)

    def uploads_at(self, path):
        """The upload address of the method that is at this path, if it is one."""
        return [place for pattern, place in self.places[1:] if pattern.fullmatch(path)]


def template(path):
    return "/" + re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))


class Document:
    """The methods and schemas of one API."""

    def __init__(self, api):
        self.schemas = api["schemas"]
        self.methods = {}
        self._collect(api, api.get("parameters", {}))

    def _collect(self, resource, common):
        for spec in resource.get("methods", {}).values():
            self.methods[spec["id"]] = Method(spec, common)
        for inner in resource.get("resources", {}).values():
            self._collect(inner, common)

    def find(self, verb, path):
        """The method at a path; a literal segment wins over a placeholder, as in every router."""
        hits = [
            (place.count("{"), method)
            for method in self.methods.values()
            for pattern, place in method.places
            if method.verb == verb and pattern.fullmatch(path)
        ]
        return min(hits, key=lambda hit: hit[0])[1] if hits else None

    def request(self, method, query):
        """What is wrong with the query string of a call."""
        findings = []
        given = urllib.parse.parse_qs(query, keep_blank_values=True)
        for name, values in given.items():
            spec = method.parameters.get(name)
            if spec is None or spec["location"] != "query":
                findings.append(f"query parameter {name} is unknown")
                continue
            if len(values) > 1 and not spec.get("repeated"):
                findings.append(f"query parameter {name} may stand once only")
            for value in values:
                if "enum" in spec and value not in spec["enum"]:
                    findings.append(f"query parameter {name} has no value {value!r}")
                if spec["type"] == "integer" and not DECIMAL.fullmatch(value):
                    findings.append(f"query parameter {name} is no number: {value!r}")
                if spec["type"] == "boolean" and value not in ("true", "false"):
                    findings.append(f"query parameter {name} is neither true nor false: {value!r}")
        for name, spec in method.parameters.items():
            if spec.get("required") and spec["location"] == "query" and name not in given:
                findings.append(f"query parameter {name} is required")
        return findings

    def value(self, schema, value, where):
        """What is wrong with a value, by the schema of that name."""
        return list(self._object(self.schemas[schema], value, where))

    def _object(self, spec, value, where):
        if not isinstance(value, dict):
            yield f"{where}: an object was expected, not {kind(value)}"
            return
        known = spec.get("properties", {})
        for name, inner in value.items():
            if name in known:
                yield from self._any(known[name], inner, f"{where}.{name}")
            elif "additionalProperties" in spec:
                yield from self._any(spec["additionalProperties"], inner, f"{where}.{name}")
            else:
                yield f"{where}.{name}: the schema has no such field"

    def _any(self, spec, value, where):
        if "$ref" in spec:
            yield from self._object(self.schemas[spec["$ref"]], value, where)
            return
        match spec["type"]:
            case "object":
                yield from self._object(spec, value, where)
            case "array":
                if not isinstance(value, list):
                    yield f"{where}: a list was expected, not {kind(value)}"
                    return
                for number, inner in enumerate(value):
                    yield from self._any(spec["items"], inner, f"{where}[{number}]")
            case "boolean":
                if not isinstance(value, bool):
                    yield f"{where}: a boolean was expected, not {kind(value)}"
            case "integer":
                if isinstance(value, bool) or not isinstance(value, int):
                    yield f"{where}: a number was expected, not {kind(value)}"
                else:
                    yield from bounds(spec["format"], value, where)
            case "string":
                if not isinstance(value, str):
                    yield f"{where}: a string was expected, not {kind(value)}"
                else:
                    yield from text(spec, value, where)
            case other:
                yield f"{where}: this checker knows no type {other}"


def text(spec, value, where):
    form = spec.get("format")
    if "enum" in spec and value not in spec["enum"]:
        yield f"{where}: {value!r} is none of {', '.join(spec['enum'])}"
    if form is None:
        return
    if form in INTEGERS:
        if DECIMAL.fullmatch(value):
            yield from bounds(form, int(value), where)
        else:
            yield f"{where}: {value!r} is no {form} in decimal digits"
    elif form == "byte":
        if base64url(value) is None:
            yield f"{where}: not base64url"
    elif form == "google-datetime":
        yield from moment(value, where)
    else:
        yield f"{where}: this checker knows no format {form}"


def moment(value, where):
    if not TIME.fullmatch(value):
        yield f"{where}: {value!r} is no RFC 3339 time in UTC"
        return
    try:
        datetime.datetime.strptime(value[:19], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        yield f"{where}: {value!r} is no time"


def bounds(form, value, where):
    low, high = INTEGERS[form]
    if not low <= value <= high:
        yield f"{where}: {value} is out of the range of {form}"


def kind(value):
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a fraction", str: "a string", list: "a list"}
    return names.get(type(value), "an object")
