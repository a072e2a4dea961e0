"""What the discovery document says in its descriptions rather than in its schemas, as far as a program can check it."""

import re
import urllib.parse

from document import DECIMAL, base64url

HEX = re.compile(r"[0-9a-f]{1,16}")
COLOUR = re.compile(r"#[0-9a-f]{6}")
WEEK_MS = 7 * 24 * 3_600_000
# Clocks of one machine; the slack is for the call itself.
SLACK_MS = 60_000

LISTED_MESSAGE = {"id", "threadId"}
LISTED_LABEL = {"id", "name", "messageListVisibility", "labelListVisibility", "type"}


class Descriptions:
    """The rules; `palette` holds the colours that the document allows for a label."""

    def __init__(self, api):
        text = api["schemas"]["LabelColor"]["properties"]["textColor"]["description"]
        self.palette = set(COLOUR.findall(text))
        self.rules = {
            "gmail.users.getProfile": self.profile,
            "gmail.users.watch": self.watch,
            "gmail.users.history.list": self.history,
            "gmail.users.messages.list": self.messages,
            "gmail.users.messages.get": self.read_message,
            "gmail.users.messages.attachments.get": self.attachment,
            "gmail.users.threads.list": self.threads,
            "gmail.users.threads.get": self.thread,
            "gmail.users.drafts.list": self.drafts,
            "gmail.users.drafts.get": self.read_draft,
            "gmail.users.drafts.create": self.draft,
            "gmail.users.drafts.update": self.draft,
            "gmail.users.labels.list": self.labels,
            "gmail.users.labels.get": self.counted_label,
            "gmail.users.labels.create": self.label,
            "gmail.users.labels.update": self.label,
            "gmail.users.labels.patch": self.label,
            "gmail.users.settings.sendAs.list": self.aliases,
            "gmail.users.settings.sendAs.get": self.alias,
            "gmail.users.settings.sendAs.create": self.alias,
            "gmail.users.settings.sendAs.update": self.alias,
            "gmail.users.settings.sendAs.patch": self.alias,
        }
        for name in ("send", "insert", "import", "modify", "trash", "untrash"):
            self.rules[f"gmail.users.messages.{name}"] = self.message
        for name in ("modify", "trash", "untrash"):
            self.rules[f"gmail.users.threads.{name}"] = self.changed_thread
        self.rules["gmail.users.drafts.send"] = self.sent

    def check(self, method, query, answer, now_ms):
        """What is wrong with the answer of a method, beyond its schema."""
        rule = self.rules.get(method)
        found = []
        try:
            for sentence in rule(answer, urllib.parse.parse_qs(query), now_ms) if rule else []:
                found.append(sentence)
        except KeyError as missing:
            # The schema makes no field compulsory; a rule that needs one says so by stumbling over it.
            found.append(f"{method}: {missing} is missing")
        return found

    def profile(self, answer, query, now):
        yield from need(answer, "profile", "emailAddress", "messagesTotal", "threadsTotal", "historyId")

    def watch(self, answer, query, now):
        yield from need(answer, "watch", "historyId", "expiration")
        expiration = answer.get("expiration", "")
        if isinstance(expiration, str) and DECIMAL.fullmatch(expiration):
            left = int(expiration) - now
            if not WEEK_MS - SLACK_MS <= left <= WEEK_MS + SLACK_MS:
                yield f"watch.expiration: {left} ms from now is not a week in epoch milliseconds"

    def history(self, answer, query, now):
        yield from need(answer, "history list", "historyId")
        last = int(query["startHistoryId"][0])
        wanted = query.get("historyTypes", [])
        for record in answer.get("history", []):
            yield from need(record, "history", "id", "messages")
            if int(record["id"]) <= last:
                yield f"history.id: {record['id']} does not follow {last}"
            last = int(record["id"])
            kinds = {"messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved"} & record.keys()
            if not kinds:
                yield f"history {record['id']}: no change"
            for kind in kinds:
                singular = kind.replace("messages", "message").replace("labels", "label")
                if wanted and singular not in wanted:
                    yield f"history {record['id']}: {kind} was not asked for"
                for entry in record[kind]:
                    yield from need(entry, kind, "message", *(["labelIds"] if kind.startswith("labels") else []))
                    yield from ids(entry.get("message", {}), kind)
        if int(answer["historyId"]) < last:
            yield "history list: a record is newer than the mailbox"

    def messages(self, answer, query, now):
        yield from need(answer, "list", "resultSizeEstimate")
        for entry in answer.get("messages", []):
            yield from only(entry, LISTED_MESSAGE, "messages")
            yield from ids(entry, "messages")

    def message(self, answer, query, now):
        yield from ids(answer, "message")

    def sent(self, answer, query, now):
        yield from ids(answer, "message")
        if "SENT" not in answer.get("labelIds", []) or "DRAFT" in answer.get("labelIds", []):
            yield f"sent message: labels {answer.get('labelIds')}"

    def read_message(self, answer, query, now, where="message", form=None):
        form = form or query.get("format", ["full"])[0]
        yield from ids(answer, where)
        yield from need(answer, where, "historyId", "internalDate", "sizeEstimate", "snippet")
        if ("raw" in answer) != (form == "raw"):
            yield f"{where}: raw belongs to format raw, this is {form}"
        if ("payload" in answer) != (form in ("full", "metadata")):
            yield f"{where}: payload belongs to the formats full and metadata, this is {form}"
        if form == "metadata" and (extra := answer.get("payload", {}).keys() & {"body", "parts"}):
            yield f"{where}: format metadata shows headers only, not {', '.join(sorted(extra))}"
        names = [name.lower() for name in query.get("metadataHeaders", [])]
        if form == "metadata" and names:
            for header in answer["payload"].get("headers", []):
                if header["name"].lower() not in names:
                    yield f"{where}: header {header['name']} was not asked for"
        if form == "full" and "payload" in answer:
            yield from self.part(answer["payload"], f"{where}.payload", top=True)

    def part(self, part, where, top=False):
        yield from need(part, where, "mimeType", "headers", "body")
        container = part.get("mimeType", "").startswith("multipart/")
        if "parts" in part and not (container or part["mimeType"] == "message/rfc822"):
            yield f"{where}: only a container has parts, this is {part['mimeType']}"
        body = part.get("body", {})
        yield from need(body, f"{where}.body", "size")
        if "attachmentId" in body and "data" in body:
            yield f"{where}.body: an attachment's data is fetched apart"
        if "data" in body and (data := base64url(body["data"])) is not None and len(data) != body.get("size"):
            yield f"{where}.body: {len(data)} bytes of data, but size {body.get('size')}"
        for number, inner in enumerate(part.get("parts", [])):
            yield from self.part(inner, f"{where}.parts[{number}]")

    def attachment(self, answer, query, now):
        yield from need(answer, "attachment", "size", "data")
        data = base64url(answer.get("data", ""))
        if data is not None and len(data) != answer.get("size"):
            yield f"attachment: {len(data)} bytes of data, but size {answer.get('size')}"

    def threads(self, answer, query, now):
        yield from need(answer, "list", "resultSizeEstimate")
        for entry in answer.get("threads", []):
            yield from need(entry, "threads", "id", "historyId", "snippet")
            if "messages" in entry:
                yield "threads: a listed thread holds no messages"

    def thread(self, answer, query, now):
        yield from need(answer, "thread", "id", "historyId", "messages")
        for number, message in enumerate(answer.get("messages", [])):
            yield from self.read_message(message, query, now, f"thread.messages[{number}]")
            if message.get("threadId") != answer.get("id"):
                yield f"thread.messages[{number}]: of another thread"

    def changed_thread(self, answer, query, now):
        yield from need(answer, "thread", "id", "messages")

    def drafts(self, answer, query, now):
        yield from need(answer, "list", "resultSizeEstimate")
        for entry in answer.get("drafts", []):
            yield from need(entry, "drafts", "id", "message")
            yield from only(entry.get("message", {}), LISTED_MESSAGE, "drafts.message")

    def draft(self, answer, query, now):
        yield from need(answer, "draft", "id", "message")
        yield from ids(answer.get("message", {}), "draft.message")
        if answer.get("message", {}).get("labelIds") != ["DRAFT"]:
            yield f"draft.message: a draft carries the label DRAFT alone, not {answer['message'].get('labelIds')}"

    def read_draft(self, answer, query, now):
        yield from self.draft(answer, query, now)
        yield from self.read_message(answer.get("message", {}), query, now, "draft.message")

    def labels(self, answer, query, now):
        for label in answer.get("labels", []):
            yield from need(label, "labels", "id", "name", "type")
            yield from only(label, LISTED_LABEL, "labels")

    def label(self, answer, query, now):
        yield from need(answer, "label", "id", "name")
        if "color" in answer:
            yield from need(answer["color"], "label.color", "textColor", "backgroundColor")
            for name, value in answer["color"].items():
                if value not in self.palette:
                    yield f"label.color.{name}: {value} is not of the palette"
            if answer.get("type") == "system":
                yield "label.color: only a user's label has one"

    def counted_label(self, answer, query, now):
        yield from self.label(answer, query, now)
        yield from need(answer, "label", "type", "messagesTotal", "messagesUnread", "threadsTotal", "threadsUnread")

    def aliases(self, answer, query, now):
        yield from need(answer, "sendAs list", "sendAs")
        aliases = answer.get("sendAs", [])
        for flag in ("isPrimary", "isDefault"):
            if (count := sum(alias.get(flag, False) for alias in aliases)) != 1:
                yield f"sendAs: {count} addresses with {flag}, exactly one was expected"
        for alias in aliases:
            yield from self.alias(alias, query, now)

    def alias(self, answer, query, now):
        yield from need(answer, "sendAs", "sendAsEmail")
        if answer.get("isPrimary"):
            # These settings are for custom addresses only.
            yield from only(answer, answer.keys() - {"verificationStatus", "smtpMsa"}, "sendAs (primary)")
        if answer.get("smtpMsa", {}).keys() & {"username", "password"}:
            yield "sendAs.smtpMsa: user name and password are never shown"


def need(value, where, *names):
    for name in names:
        if name not in value:
            yield f"{where}: {name} is missing"


def only(value, names, where):
    for name in sorted(value.keys() - names):
        yield f"{where}: {name} does not belong here"


def ids(message, where):
    for name in ("id", "threadId"):
        if not HEX.fullmatch(str(message.get(name, ""))):
            yield f"{where}.{name}: {message.get(name)!r} is no message or thread id"
