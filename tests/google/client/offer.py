"""What the simulator offers, found out by asking at every address of the document, and who may call it."""

import json

from stage import equal

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def offered(document, transport, url, controls):
    """The methods and upload addresses that are served, and what is wrong with what is served.

    Without a token a served method answers 401 and stands in the call log under its name; anything else is refused
    as unknown. So nothing has to be listed by hand, and nothing can be forgotten.
    """
    methods, uploads, findings = set(), set(), []
    for method in document.methods.values():
        for path in [method.path, *method.uploads]:
            name, status = ask(transport, url, controls, method.verb, method.example(path))
            if name == "unknown":
                continue
            (methods.add(method.id) if path == method.path else uploads.add((method.id, path)))
            if (name, status) != (method.id, 401):
                findings.append(f"{method.verb} {path} is served as {name} with {status}, not as {method.id}")
    for method in document.methods.values():
        served = {path for path in method.uploads if (method.id, path) in uploads}
        if method.id in methods and served != set(method.uploads):
            missing = sorted(set(method.uploads) - served)
            findings.append(f"{method.id}: nothing is taken at {', '.join(missing)}")
    places = {method.example(path) for method in document.methods.values() for path in [method.path, *method.uploads]}
    for path in sorted(places):
        for verb in VERBS:
            # The steps of a resumable upload are PUT at the address where it was begun.
            step = verb == "PUT" and path.startswith(("/upload/", "/resumable/"))
            if document.find(verb, path) is None and not step:
                name, _ = ask(transport, url, controls, verb, path)
                if name != "unknown":
                    findings.append(f"{verb} {path} is served as {name}, and the document has no such method")
    return methods, uploads, findings


def ask(transport, url, controls, verb, path):
    """The name under which a call without a token is logged, and its status."""
    response, _ = transport.request(url + path, verb, b"{}" if verb in ("POST", "PUT", "PATCH") else None)
    logged = controls.new_calls()
    equal(len(logged), 1, f"entries of {verb} {path} in the call log")
    return logged[0]["method"], response.status


def scopes(document, methods, transport, url, token):
    """Holds who is admitted against the scopes of the document; `token` gives an access token of one scope."""
    findings = []
    asked = 0
    known = {scope for method in document.methods.values() for scope in method.scopes if ".addons." not in scope}
    for scope in sorted(known):
        headers = {"Authorization": f"Bearer {token(scope)}", "Content-Type": "application/json"}
        for name in sorted(methods):
            method = document.methods[name]
            # Nothing has this id, so that what is admitted finds nothing to change.
            path = method.example(value="1")
            body = b"{}" if method.verb in ("POST", "PUT", "PATCH") else None
            response, content = transport.request(url + path, method.verb, body, headers)
            asked += 1
            refused = response.status == 403 and reason(content) == "insufficientPermissions"
            if refused == (scope in method.scopes):
                findings.append(f"{name} {'refuses' if refused else 'admits'} {scope}, the document does not")
    return asked, findings


def reason(content):
    try:
        return json.loads(content)["error"]["errors"][0]["reason"]
    except (ValueError, LookupError, TypeError):
        # The form of the answer is the judge's matter.
        return None
