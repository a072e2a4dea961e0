"""The main path of a mail application, and everything beside it that the simulator offers, with Google's own client."""

import base64
import email.message
import email.utils
import hashlib
import io
import json
import secrets
import urllib.parse

import forms
import google.auth.exceptions
import google.oauth2.credentials
import google.oauth2.id_token
import google_auth_httplib2
import jwt
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaInMemoryUpload, MediaIoBaseUpload
from stage import Mailbag, Person, Wrong, equal, expect

AUTH = "https://www.googleapis.com/auth/"
MODIFY = AUTH + "gmail.modify"
EVERYTHING = "https://mail.google.com/"
SUPPORT = "support@postroom.test"
CUSTOMER = "customer@customer.test"
PROBE = "probe@customer.test"
TOPIC = "projects/official/topics/gmail"
SERVICE_ACCOUNT = "push@official.iam.gserviceaccount.com"


def mail(subject="Where is my parcel?", to=SUPPORT, sender=CUSTOMER, text="It has not come.", html=None, files=()):
    message = email.message.EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = email.utils.formatdate()
    message["Message-ID"] = email.utils.make_msgid(domain="customer.test")
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message


def answer_to(parent, text="It is on its way."):
    message = mail("Re: " + parent["Subject"], to=CUSTOMER, sender=SUPPORT, text=text)
    message["In-Reply-To"] = message["References"] = parent["Message-ID"]
    return message


def raw(message):
    return base64.urlsafe_b64encode(message.as_bytes()).decode()


def upload(message, resumable=False, chunk=None):
    """The mail as an upload; with `chunk` in steps of so many bytes."""
    if chunk:
        return MediaIoBaseUpload(io.BytesIO(message.as_bytes()), "message/rfc822", chunksize=chunk, resumable=True)
    return MediaInMemoryUpload(message.as_bytes(), "message/rfc822", resumable=resumable)


class Story:
    """The chapters, in the order in which they are told. Each stands for itself once the person has signed in."""

    def __init__(self, api, url, client, judge, transport, controls, uploads):
        # Only the address is another: the client is built from Google's document as it is.
        self.api = {**api, "rootUrl": url + "/", "mtlsRootUrl": url + "/"}
        self.url = url
        self.client_id, self.secret, self.redirect = client
        self.judge = judge
        self.transport = transport
        self.controls = controls
        self.bag = Mailbag()
        self.refresh_token = None
        self.uploads_offered = uploads

    # What the chapters share.

    def form(self, path, **fields):
        """A POST as the OAuth endpoints take it."""
        response, content = self.transport.request(
            self.url + path,
            "POST",
            urllib.parse.urlencode(fields),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        return response.status, json.loads(content)

    def page(self, **more):
        fields = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect,
            "response_type": "code",
            "scope": f"openid email profile {MODIFY}",
            "access_type": "offline",
            "prompt": "consent",
            **more,
        }
        return f"{self.url}/o/oauth2/v2/auth?{urllib.parse.urlencode(fields)}"

    def exchange(self, code, **more):
        return self.form(
            "/token",
            grant_type="authorization_code",
            code=code,
            client_id=self.client_id,
            client_secret=self.secret,
            redirect_uri=self.redirect,
            **more,
        )

    def service(self, refresh_token):
        """Google's client over Google's credentials, which begin without an access token and so fetch one."""
        credentials = google.oauth2.credentials.Credentials(
            None, refresh_token, None, f"{self.url}/token", self.client_id, self.secret
        )
        http = google_auth_httplib2.AuthorizedHttp(credentials, http=self.transport)
        return build_from_document(self.api, http=http)

    def granted(self, *scopes, account=SUPPORT):
        """The client with other scopes; the consent page has its own chapter."""
        tokens = self.controls.post("grants", client_id=self.client_id, account=account, scopes=list(scopes))
        return self.service(tokens["refresh_token"]).users()

    def verified(self, token, audience):
        """The claims of a token whose signature Google's own library has verified against the key set."""
        request = google_auth_httplib2.Request(self.transport)
        return google.oauth2.id_token.verify_token(
            token, request, audience, certs_url=f"{self.url}/oauth2/v3/certs", clock_skew_in_seconds=10
        )

    def refused(self, status, reason, call):
        """Runs a call that must be refused, and sees that Google's client understands the refusal."""
        wanted = f"{call.methodId}: a refusal with {status} {reason} was expected"
        try:
            call.execute()
        except HttpError as error:
            details = error.error_details
            understood = details[0].get("reason") if isinstance(details, list) else details
            if (error.status_code, understood) != (status, reason) or not error.reason:
                self.judge.note("refusals", [f"{wanted}, not {error}"])
        else:
            self.judge.note("refusals", [f"{wanted}, for {(call.body or call.uri)[:120]!r}"])

    def chapters(self):
        return [
            self.sign_in, self.refusals_of_sign_in, self.labels, self.incoming_mail, self.attachments, self.sorting,
            self.threads, self.whole_threads, self.drafts, self.uploads, self.resumable_uploads, self.sending,
            self.storing, self.watch_and_push, self.history_pages, self.aliases, self.vacation, self.pairs_of_settings,
            self.filters_and_addresses, self.refusals, self.metadata_scope, self.partial_answers,
            self.malformed_requests, self.faults, self.limits, self.pushes_go_wrong,
            self.batch_is_refused, self.ends_of_tokens, self.tokens_end,
        ]  # fmt: skip

    # Signing in.

    def sign_in(self):
        response, content = self.transport.request(f"{self.url}/.well-known/openid-configuration")
        configuration = json.loads(content)
        equal(configuration["token_endpoint"], f"{self.url}/token", "token endpoint")
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {"code_challenge": challenge, "code_challenge_method": "S256", "state": "s-1", "nonce": "n-1"}
        target, told = Person(self.transport, SUPPORT).decide(self.page(**asked))
        equal(f"{target.scheme}://{target.netloc}{target.path}", self.redirect, "redirection")
        equal(told["state"], "s-1", "state")
        expect(set(told) >= {"code", "scope"}, f"code and scope were expected in {sorted(told)}")
        status, refusal = self.exchange(told["code"], code_verifier="x" * 43)
        equal((status, refusal["error"]), (400, "invalid_grant"), "a wrong verifier")
        status, tokens = self.exchange(told["code"], code_verifier=verifier)
        equal(status, 200, "code exchange")
        equal(set(tokens["scope"].split()), set(told["scope"].split()), "granted scopes")
        claims = self.verified(tokens["id_token"], self.client_id)
        self.judge.counts["tokens verified"] += 1
        self.judge.note("id token", forms.claims(claims, self.client_id, "n-1"))
        equal(claims["iss"], configuration["issuer"], "issuer of the id token")
        equal((claims["email"], claims["hd"]), (SUPPORT, "postroom.test"), "who signed in")
        self.refresh_token = tokens["refresh_token"]
        self.users = self.service(self.refresh_token).users()
        profile = self.users.getProfile(userId="me").execute()
        equal(profile["emailAddress"], SUPPORT, "profile")
        response, content = self.transport.request(
            configuration["userinfo_endpoint"], headers={"Authorization": f"Bearer {tokens['access_token']}"}
        )
        equal(json.loads(content)["sub"], claims["sub"], "user information")

    def refusals_of_sign_in(self):
        person = Person(self.transport, CUSTOMER)
        _, told = person.decide(self.page(state="s-2"), decision="deny")
        equal(told, {"state": "s-2", "error": "access_denied"}, "cancelled")
        response, _ = self.transport.request(self.page(prompt="none", state="s-3"))
        told = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(response["location"]).query))
        equal(told, {"state": "s-3", "error": "interaction_required"}, "no page wanted")
        for wrong, status in [
            ({"client_id": "nobody"}, 401), ({"redirect_uri": "http://elsewhere.example/"}, 400),
            ({"response_type": "code token"}, 400), ({"scope": "gmail"}, 400), ({"scope": ""}, 400),
            ({"code_challenge": "x", "code_challenge_method": "S256"}, 400),
        ]:  # fmt: skip
            response, _ = self.transport.request(self.page(**wrong))
            equal((response.status, response.get("location")), (status, None), f"sign-in page with {wrong}")
        _, told = person.decide(self.page(), untick=[MODIFY])
        expect(MODIFY not in told["scope"].split(), "an unticked scope was granted")
        equal(self.exchange("4/wrong")[1]["error"], "invalid_grant", "a made-up code")
        status, answer = self.exchange(told["code"], redirect="x")
        equal(status, 200, "an unknown form field")
        expect(MODIFY not in answer["scope"].split(), "an unticked scope is in the token answer")
        status, answer = self.exchange(told["code"])
        equal((status, answer["error"]), (400, "invalid_grant"), "a code used twice")
        named = {"client_id": self.client_id, "client_secret": self.secret}
        wrong = {"client_id": self.client_id, "client_secret": "wrong"}
        for fields, error in [
            ({**named, "grant_type": "refresh_token", "refresh_token": "1//wrong"}, "invalid_grant"),
            ({**wrong, "grant_type": "refresh_token", "refresh_token": "x"}, "invalid_client"),
            ({**named, "client_id": "nobody", "grant_type": "refresh_token"}, "invalid_client"),
            ({**named, "grant_type": "refresh_token"}, "invalid_request"),
            ({**named, "grant_type": "password"}, "unsupported_grant_type"),
            (named, "invalid_request"),
        ]:
            equal(self.form("/token", **fields)[1]["error"], error, f"token with {sorted(fields)}")
        equal(self.form("/revoke", token="wrong")[1]["error"], "invalid_token", "revoking a made-up token")

    def tokens_end(self):
        users = self.granted(MODIFY, account=CUSTOMER)
        users.getProfile(userId="me").execute()
        # The server's clock runs ahead: the token is refused with 401, and Google's client fetches another by itself.
        refused = self.judge.refusals[401, "authError"]
        self.controls.post("clock", offset_ms=7_200_000)
        users.getProfile(userId="me").execute()
        self.controls.post("clock", offset_ms=0)
        expect(self.judge.refusals[401, "authError"] > refused, "a token outlived its hour")
        tokens = self.controls.post("grants", client_id=self.client_id, account=CUSTOMER, scopes=[MODIFY])
        equal(self.form("/revoke", token=tokens["refresh_token"]), (200, {}), "revocation")
        try:
            self.service(tokens["refresh_token"]).users().getProfile(userId="me").execute()
        except google.auth.exceptions.RefreshError as error:
            expect("invalid_grant" in str(error), f"invalid_grant was expected: {error}")
        else:
            raise Wrong("a revoked token was refreshed")

    # The mailbox.

    def labels(self):
        labels = self.users.labels()
        name = "Support/Answered"
        created = labels.create(
            userId="me",
            body={"name": name, "labelListVisibility": "labelShow", "messageListVisibility": "show",
                  "color": {"textColor": "#ffffff", "backgroundColor": "#16a766"}},
        ).execute()  # fmt: skip
        listed = {label["id"]: label for label in labels.list(userId="me").execute()["labels"]}
        equal(listed[created["id"]]["name"], name, "listed label")
        expect({"INBOX", "SENT", "DRAFT", "TRASH", "SPAM", "UNREAD"} <= set(listed), "a system label is missing")
        got = labels.get(userId="me", id=created["id"]).execute()
        equal(got["color"], {"textColor": "#ffffff", "backgroundColor": "#16a766"}, "colour")
        equal(labels.get(userId="me", id="INBOX").execute()["type"], "system", "INBOX")
        self.refused(409, "aborted", labels.create(userId="me", body={"name": name.upper()}))
        self.refused(400, "invalidArgument", labels.create(userId="me", body={"name": "Inbox"}))
        self.refused(400, "invalidArgument", labels.create(userId="me", body={"name": ""}))
        self.refused(404, "notFound", labels.get(userId="me", id="Label_999"))
        whole = {"id": created["id"], "name": "Answered", "labelListVisibility": "labelHide",
                 "messageListVisibility": "hide"}  # fmt: skip
        updated = labels.update(userId="me", id=created["id"], body=whole).execute()
        equal((updated["name"], updated.get("color")), ("Answered", None), "an updated label")
        patched = labels.patch(userId="me", id=created["id"], body={"labelListVisibility": "labelShow"}).execute()
        equal((patched["name"], patched["labelListVisibility"]), ("Answered", "labelShow"), "a patched label")
        self.refused(400, "invalidArgument", labels.patch(userId="me", id="INBOX", body={"name": "x"}))
        self.refused(400, "invalidArgument", labels.delete(userId="me", id="INBOX"))
        labels.delete(userId="me", id=created["id"]).execute()
        self.refused(404, "notFound", labels.delete(userId="me", id=created["id"]))

    def incoming_mail(self):
        messages = self.users.messages()
        put = [self.controls.deliver(SUPPORT, mail(f"Parcel {n}"), authentication="pass") for n in range(5)]
        ids, token, pages = [], None, 0
        while True:
            page = messages.list(userId="me", labelIds=["INBOX"], maxResults=2, pageToken=token).execute()
            ids += [entry["id"] for entry in page["messages"]]
            pages += 1
            token = page.get("nextPageToken")
            if token is None:
                break
        expect(pages >= 3 and len(ids) == len(set(ids)), f"{len(ids)} ids on {pages} pages")
        expect({entry["id"] for entry in put} <= set(ids), "a mail is not in the list")
        nothing = messages.list(userId="me", q="subject:nothing-of-the-kind").execute()
        equal(nothing.get("messages"), None, "an empty list")
        chosen = put[0]["id"]
        for form in ("minimal", "metadata", "full", "raw"):
            got = messages.get(userId="me", id=chosen, format=form).execute()
            equal((got["id"], got["threadId"]), (chosen, put[0]["threadId"]), form)
        expect(b"Subject: Parcel 0" in base64.urlsafe_b64decode(got["raw"]), "the raw mail is another")
        headers = messages.get(
            userId=SUPPORT, id=chosen, format="metadata", metadataHeaders=["Subject", "From"]
        ).execute()["payload"]["headers"]
        equal(sorted(header["name"] for header in headers), ["From", "Subject"], "chosen headers")
        body = {"addLabelIds": ["STARRED"], "removeLabelIds": ["UNREAD"]}
        changed = messages.modify(userId="me", id=chosen, body=body).execute()
        equal(set(changed["labelIds"]), {"INBOX", "STARRED"}, "labels")
        self.controls.deliver(SUPPORT, mail("Unwanted"), labels="SPAM")
        spam = messages.list(userId="me", labelIds=["SPAM"], includeSpamTrash=True).execute()
        equal(len(spam["messages"]), 1, "spam")

    def sorting(self):
        """Trash, several mails at once, and deletion, which wants more than `gmail.modify`."""
        everything = self.granted(EVERYTHING)
        messages = everything.messages()
        put = [self.controls.deliver(SUPPORT, mail(f"Sorted {n}"))["id"] for n in range(4)]
        trashed = messages.trash(userId="me", id=put[0]).execute()
        expect("TRASH" in trashed["labelIds"], "not in the trash")
        kept = messages.untrash(userId="me", id=put[0]).execute()
        expect("TRASH" not in kept["labelIds"], "still in the trash")
        body = {"ids": put[:3], "addLabelIds": ["STARRED"], "removeLabelIds": ["UNREAD"]}
        messages.batchModify(userId="me", body=body).execute()
        labels = messages.get(userId="me", id=put[2], format="minimal").execute()["labelIds"]
        expect("STARRED" in labels and "UNREAD" not in labels, f"labels after a change of several: {labels}")
        self.refused(400, "invalidArgument", messages.batchModify(userId="me", body={**body, "ids": ["1"] * 1_001}))
        messages.delete(userId="me", id=put[0]).execute()
        messages.batchDelete(userId="me", body={"ids": put[1:3]}).execute()
        for gone in put[:3]:
            self.refused(404, "notFound", messages.get(userId="me", id=gone))
        self.refused(403, "insufficientPermissions", self.users.messages().delete(userId="me", id=put[3]))
        self.refused(404, "notFound", messages.trash(userId="me", id="1" * 16))

    def attachments(self):
        messages = self.users.messages()
        content = bytes(range(256)) * 40
        message = mail("With files", text="Räksmörgås", html="<p>Räksmörgås</p>", files=[("a.bin", content), ("b", b"")])
        forwarded = mail("Outer")
        forwarded.add_attachment(message)
        for delivered in (message, forwarded):
            put = self.controls.deliver(SUPPORT, delivered)
            found = 0
            payload = messages.get(userId="me", id=put["id"], format="full").execute()["payload"]
            for part in leaves(payload):
                number = part["body"].get("attachmentId")
                if number:
                    got = messages.attachments().get(userId="me", messageId=put["id"], id=number).execute()
                    equal(got["size"], part["body"]["size"], "size of an attachment")
                    found += base64.urlsafe_b64decode(got["data"]) == content
            equal(found, 1, "attachment with its content")
        wrong = messages.attachments().get(userId="me", messageId=put["id"], id="made-up")
        self.refused(400, "invalidArgument", wrong)

    def threads(self):
        threads = self.users.threads()
        first = mail("One matter")
        second = mail("Re: One matter")
        second["In-Reply-To"] = second["References"] = first["Message-ID"]
        thread = self.controls.deliver(SUPPORT, first)["threadId"]
        equal(self.controls.deliver(SUPPORT, second)["threadId"], thread, "thread of the second mail")
        page = threads.list(userId="me", maxResults=1).execute()
        equal(page["threads"][0]["id"], thread, "newest thread")
        expect(threads.list(userId="me", pageToken=page["nextPageToken"]).execute()["threads"], "a second page")
        for form in ("minimal", "metadata", "full"):
            equal(len(threads.get(userId="me", id=thread, format=form).execute()["messages"]), 2, form)
        self.refused(404, "notFound", threads.get(userId="me", id="1" * 16))

    def whole_threads(self):
        threads = self.granted(EVERYTHING).threads()
        first = mail("Another matter")
        second = mail("Re: Another matter")
        second["In-Reply-To"] = second["References"] = first["Message-ID"]
        thread = self.controls.deliver(SUPPORT, first)["threadId"]
        self.controls.deliver(SUPPORT, second)
        body = {"addLabelIds": ["STARRED"], "removeLabelIds": ["UNREAD"]}
        changed = threads.modify(userId="me", id=thread, body=body).execute()
        equal([set(entry["labelIds"]) for entry in changed["messages"]], [{"INBOX", "STARRED"}] * 2, "labels")
        threads.trash(userId="me", id=thread).execute()
        equal(threads.list(userId="me", q='subject:"Another matter"').execute().get("threads"), None, "trash")
        threads.untrash(userId="me", id=thread).execute()
        threads.delete(userId="me", id=thread).execute()
        self.refused(404, "notFound", threads.get(userId="me", id=thread))
        self.refused(404, "notFound", threads.modify(userId="me", id=thread, body=body))

    def drafts(self):
        drafts = self.users.drafts()
        question = mail("A question")
        put = self.controls.deliver(SUPPORT, question)
        answer = answer_to(question)
        body = {"message": {"raw": raw(answer), "threadId": put["threadId"]}}
        created = drafts.create(userId="me", body=body).execute()
        equal(created["message"]["threadId"], put["threadId"], "thread of the draft")
        for form in ("minimal", "metadata", "full", "raw"):
            equal(drafts.get(userId="me", id=created["id"], format=form).execute()["id"], created["id"], form)
        body["message"]["raw"] = raw(answer_to(question, "It comes tomorrow."))
        updated = drafts.update(userId="me", id=created["id"], body=body).execute()
        equal(updated["id"], created["id"], "a draft keeps its id")
        expect(updated["message"]["id"] != created["message"]["id"], "an updated draft has another message")
        second = drafts.create(userId="me", body={"message": {"raw": raw(mail("Other", to=CUSTOMER))}}).execute()
        page = drafts.list(userId="me", maxResults=1).execute()
        more = drafts.list(userId="me", pageToken=page["nextPageToken"]).execute()
        known = {entry["id"] for entry in page["drafts"] + more["drafts"]}
        expect({created["id"], second["id"]} <= known, "a draft is not in the list")
        sent = drafts.send(userId="me", body={"id": created["id"]}).execute()
        equal(sent["threadId"], put["threadId"], "thread of the answer")
        self.refused(404, "notFound", drafts.send(userId="me", body={"id": created["id"]}))
        self.refused(404, "notFound", drafts.get(userId="me", id=created["id"]))
        drafts.delete(userId="me", id=second["id"]).execute()
        self.refused(404, "notFound", drafts.delete(userId="me", id=second["id"]))
        nobody = mail("To nobody")
        del nobody["To"]
        empty = drafts.create(userId="me", body={"message": {"raw": raw(nobody)}}).execute()
        self.refused(400, "invalidArgument", drafts.send(userId="me", body={"id": empty["id"]}))

    def uploads(self):
        """Every way to hand a mail over, for each of the three writes of a draft."""
        drafts = self.users.drafts()
        question = mail("Uploads")
        thread = self.controls.deliver(SUPPORT, question)["threadId"]
        body = {"message": {"threadId": thread}}
        answer = answer_to(question)
        made = drafts.create(userId="me", body=body, media_body=upload(answer)).execute()
        equal(made["message"]["threadId"], thread, "thread of an uploaded draft")
        drafts.update(userId="me", id=made["id"], body=body, media_body=upload(answer)).execute()
        sent = drafts.send(userId="me", body={"id": made["id"]}, media_body=upload(answer)).execute()
        got = self.users.messages().get(userId="me", id=sent["id"], format="raw").execute()
        expect(b"It is on its way." in base64.urlsafe_b64decode(got["raw"]), "what was uploaded is not what was sent")
        alone = drafts.create(userId="me", media_body=upload(answer)).execute()
        drafts.delete(userId="me", id=alone["id"]).execute()

    def resumable_uploads(self):
        """An upload in steps, at the address that the client takes and at the one that the document names for it."""
        users = self.granted(EVERYTHING)
        drafts, messages = users.drafts(), users.messages()
        large = mail("Large", to=CUSTOMER, sender=SUPPORT, text="0123456789abcde\n" * 40_000)
        made = drafts.create(userId="me", body={}, media_body=upload(large, chunk=262_144)).execute()
        drafts.update(userId="me", id=made["id"], body={}, media_body=upload(large, resumable=True)).execute()
        got = drafts.get(userId="me", id=made["id"], format="raw").execute()["message"]["raw"]
        expect(base64.urlsafe_b64decode(got).count(b"0123456789abcde") == 40_000, "the draft lost a part of itself")
        drafts.send(userId="me", body={"id": made["id"]}, media_body=upload(large, resumable=True)).execute()
        for call in (messages.send, messages.insert, messages.import_):
            call(userId="me", body={}, media_body=upload(large, chunk=524_288)).execute()
        for name, path in sorted(self.uploads_offered):
            if path.startswith("resumable/"):
                self.step_by_step(users, self.judge.gmail.methods[name], path, large)

    def step_by_step(self, users, method, path, message):
        draft = users.drafts().create(userId="me", body={"message": {"raw": raw(message)}}).execute()
        body = {"id": draft["id"]} if method.id.endswith("drafts.send") else {}
        content = message.as_bytes()
        response, _ = users._http.request(
            f"{self.url}{method.example(path, draft['id'])}?uploadType=resumable",
            method.verb,
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "X-Upload-Content-Type": "message/rfc822",
                     "X-Upload-Content-Length": str(len(content))},
        )  # fmt: skip
        equal(response.status, 200, f"beginning of an upload to {path}")
        place, half, total = response["location"], 262_144, len(content)
        for first, last, status in [(0, half - 1, 308), (half, total - 1, 200)]:
            response, _ = users._http.request(
                place,
                "PUT",
                body=content[first : last + 1],
                headers={"Content-Type": "message/rfc822", "Content-Range": f"bytes {first}-{last}/{total}"},
            )
            equal(response.status, status, f"bytes from {first} of an upload to {path}")

    def sending(self):
        messages = self.users.messages()
        question = mail("To be answered at once")
        thread = self.controls.deliver(SUPPORT, question)["threadId"]
        answer = answer_to(question)
        sent = messages.send(userId="me", body={"raw": raw(answer), "threadId": thread}).execute()
        equal((sent["threadId"], sent["labelIds"]), (thread, ["SENT"]), "a sent mail")
        messages.send(userId="me", body={"threadId": thread}, media_body=upload(answer)).execute()
        received = self.granted(MODIFY, account=CUSTOMER).messages().list(userId="me", q="subject:answered").execute()
        equal(len(received["messages"]), 2, "mails that arrived")
        self.refused(400, "invalidArgument", messages.send(userId="me", body={"threadId": thread}))
        nobody = mail("To nobody")
        del nobody["To"]
        self.refused(400, "invalidArgument", messages.send(userId="me", body={"raw": raw(nobody)}))
        lost = {"raw": raw(answer), "threadId": "1" * 16}
        self.refused(404, "notFound", messages.send(userId="me", body=lost))

    def storing(self):
        messages = self.users.messages()
        old = mail("An old mail")
        del old["Date"]
        old["Date"] = "Fri, 02 Jan 2026 03:04:05 +0000"
        body = {"raw": raw(old), "labelIds": ["INBOX"]}
        kept = messages.insert(userId="me", internalDateSource="dateHeader", body=body).execute()
        got = messages.get(userId="me", id=kept["id"], format="minimal").execute()
        equal((got["internalDate"], got["labelIds"]), ("1767323045000", ["INBOX"]), "an inserted mail")
        messages.insert(userId="me", body={"labelIds": ["STARRED"]}, media_body=upload(old)).execute()
        taken = messages.import_(userId="me", neverMarkSpam=True, body={"raw": raw(old)}).execute()
        got = messages.get(userId="me", id=taken["id"], format="minimal").execute()
        equal(got["internalDate"], "1767323045000", "an imported mail")
        messages.import_(userId="me", body={"labelIds": ["INBOX"]}, media_body=upload(old)).execute()

    # What changes, and how one learns of it.

    def watch_and_push(self):
        self.controls.post(
            "pubsub",
            topic=TOPIC,
            subscription="projects/official/subscriptions/push",
            push_endpoint=self.bag.url,
            audience="https://app.example.com/push",
            service_account=SERVICE_ACCOUNT,
        )
        body = {"topicName": TOPIC, "labelIds": ["INBOX"], "labelFilterBehavior": "include"}
        watch = self.users.watch(userId="me", body=body).execute()
        put = self.controls.deliver(SUPPORT, mail("Seen by a push"))
        headers, content = self.bag.next()
        push = self.judge.pushed(headers, content)
        scheme, _, token = headers["authorization"].partition(" ")
        equal(scheme, "Bearer", "authorisation of the push")
        claims = self.verified(token, "https://app.example.com/push")
        self.judge.counts["tokens verified"] += 1
        self.judge.note("push token", forms.claims(claims, "https://app.example.com/push"))
        equal((claims["email"], claims["email_verified"]), (SERVICE_ACCOUNT, True), "who pushed")
        equal(jwt.get_unverified_header(token)["alg"], "RS256", "algorithm")
        told = json.loads(base64.b64decode(push["message"]["data"]))
        equal(told["emailAddress"], SUPPORT, "whose mailbox")
        history = self.users.history().list(userId="me", startHistoryId=watch["historyId"]).execute()
        expect(int(history["historyId"]) >= told["historyId"], "the history is behind the push")
        added = [entry["message"]["id"] for record in history["history"] for entry in record.get("messagesAdded", [])]
        expect(put["id"] in added, "the new mail is not in the history")
        other = {"topicName": "projects/official/topics/other"}
        self.refused(404, "notFound", self.users.watch(userId="me", body=other))
        self.refused(400, "invalidArgument", self.users.watch(userId="me", body={"topicName": "gmail"}))
        unknown = {"topicName": TOPIC, "labelIds": ["Label_999"]}
        self.refused(400, "invalidArgument", self.users.watch(userId="me", body=unknown))
        self.bag.refuse_next()
        self.controls.deliver(SUPPORT, mail("Pushed twice"))
        first, second = (self.judge.pushed(*self.bag.next()) for _ in range(2))
        equal(second["message"]["messageId"], first["message"]["messageId"], "a redelivered message")
        equal(second["message"]["data"], first["message"]["data"], "what is redelivered")
        self.users.watch(userId="me", body={"topicName": TOPIC}).execute()
        self.users.stop(userId="me").execute()

    def history_pages(self):
        history = self.users.history()
        start = self.users.getProfile(userId="me").execute()["historyId"]
        put = [self.controls.deliver(SUPPORT, mail(f"History {n}"))["id"] for n in range(3)]
        change = {"addLabelIds": ["STARRED"], "removeLabelIds": ["UNREAD"]}
        self.users.messages().modify(userId="me", id=put[0], body=change).execute()
        self.controls.call("DELETE", f"accounts/{SUPPORT}/messages/{put[2]}")
        seen, token = set(), None
        while True:
            page = history.list(userId="me", startHistoryId=start, maxResults=2, pageToken=token).execute()
            for record in page["history"]:
                seen |= record.keys() - {"id", "messages"}
            token = page.get("nextPageToken")
            if token is None:
                break
        equal(seen, {"messagesAdded", "messagesDeleted", "labelsAdded", "labelsRemoved"}, "kinds of change")
        for kind in ("messageAdded", "messageDeleted", "labelAdded", "labelRemoved"):
            only = history.list(userId="me", startHistoryId=start, historyTypes=[kind]).execute()
            expect(only["history"], f"no {kind}")
        history.list(userId="me", startHistoryId=start, labelId="STARRED").execute()
        nothing = history.list(userId="me", startHistoryId=page["historyId"]).execute()
        equal(nothing.get("history"), None, "history after the newest")
        self.refused(404, "notFound", history.list(userId="me", startHistoryId="1"))
        self.refused(404, "notFound", self.users.messages().get(userId="me", id=put[2]))

    # Settings.

    def settings(self, account=SUPPORT):
        scopes = (EVERYTHING, AUTH + "gmail.settings.basic", AUTH + "gmail.settings.sharing")
        return self.granted(*scopes, account=account).settings()

    def aliases(self):
        send_as = self.settings().sendAs()
        primary = send_as.get(userId="me", sendAsEmail=SUPPORT).execute()
        expect(primary["isPrimary"] and primary["isDefault"], "the primary address")
        body = {
            "sendAsEmail": "help@customer.test", "displayName": "Help", "treatAsAlias": True,
            "smtpMsa": {"host": "smtp.example.com", "port": 587, "securityMode": "starttls", "username": "u",
                        "password": "not-a-secret"},
        }  # fmt: skip
        made = send_as.create(userId="me", body=body).execute()
        equal(made["verificationStatus"], "pending", "an alias elsewhere")
        self.refused(409, "alreadyExists", send_as.create(userId="me", body=body))
        send_as.verify(userId="me", sendAsEmail="help@customer.test").execute()
        self.controls.post(f"accounts/{SUPPORT}/verify", address="help@customer.test")
        listed = send_as.list(userId="me").execute()["sendAs"]
        equal({entry["sendAsEmail"] for entry in listed}, {SUPPORT, "help@customer.test"}, "aliases")
        other = send_as.patch(userId="me", sendAsEmail="help@customer.test", body={"isDefault": True}).execute()
        equal((other["isDefault"], other["displayName"]), (True, "Help"), "a patched alias")
        expect(not send_as.get(userId="me", sendAsEmail=SUPPORT).execute().get("isDefault"), "two defaults")
        send_as.list(userId="me").execute()
        whole = {"displayName": "Support", "signature": "<b>Support</b>", "isDefault": True}
        equal(send_as.update(userId="me", sendAsEmail=SUPPORT, body=whole).execute()["isDefault"], True, "default")
        self.refused(400, "invalidArgument", send_as.delete(userId="me", sendAsEmail=SUPPORT))
        send_as.delete(userId="me", sendAsEmail="help@customer.test").execute()
        self.refused(404, "notFound", send_as.get(userId="me", sendAsEmail="help@customer.test"))
        reader = self.granted(AUTH + "gmail.readonly").settings().sendAs()
        reader.list(userId="me").execute()
        self.refused(403, "insufficientPermissions", reader.create(userId="me", body=body))

    def vacation(self):
        settings = self.settings()
        off = settings.getVacation(userId="me").execute()
        equal(off.get("enableAutoReply", False), False, "vacation responder")
        on = {"enableAutoReply": True, "responseSubject": "Away", "responseBodyPlainText": "Back on Monday.",
              "restrictToContacts": False, "restrictToDomain": True, "startTime": "1767323045000",
              "endTime": "1767409445000"}  # fmt: skip
        equal(settings.updateVacation(userId="me", body=on).execute()["startTime"], "1767323045000", "start")
        equal(settings.getVacation(userId="me").execute()["responseSubject"], "Away", "subject")
        for wrong in ({"enableAutoReply": True}, {**on, "endTime": "1"}):
            self.refused(400, "invalidArgument", settings.updateVacation(userId="me", body=wrong))
        settings.updateVacation(userId="me", body={"enableAutoReply": False}).execute()

    def pairs_of_settings(self):
        settings = self.settings(CUSTOMER)
        for name, body in [
            ("Imap", {"enabled": True, "autoExpunge": False, "expungeBehavior": "trash", "maxFolderSize": 1_000}),
            ("Pop", {"accessWindow": "allMail", "disposition": "markRead"}),
            ("Language", {"displayLanguage": "fr"}),
            ("AutoForwarding", {"enabled": False}),
        ]:
            getattr(settings, f"get{name}")(userId="me").execute()
            answer = getattr(settings, f"update{name}")(userId="me", body=body).execute()
            for field, value in body.items():
                equal(answer.get(field, False), value, f"{name} after its update")
            getattr(settings, f"get{name}")(userId="me").execute()

    def filters_and_addresses(self):
        settings = self.settings()
        forwarding, delegates, filters = settings.forwardingAddresses(), settings.delegates(), settings.filters()
        for collection, field, lists in [
            (forwarding, "forwardingEmail", "forwardingAddresses"), (delegates, "delegateEmail", "delegates"),
        ]:  # fmt: skip
            collection.list(userId="me").execute()
            made = collection.create(userId="me", body={field: CUSTOMER}).execute()
            equal(made["verificationStatus"], "pending", field)
            equal([entry[field] for entry in collection.list(userId="me").execute()[lists]], [CUSTOMER], lists)
            collection.get(userId="me", **{field: CUSTOMER}).execute()
            self.refused(409, "alreadyExists", collection.create(userId="me", body={field: CUSTOMER}))
            collection.delete(userId="me", **{field: CUSTOMER}).execute()
            self.refused(404, "notFound", collection.get(userId="me", **{field: CUSTOMER}))
        filters.list(userId="me").execute()
        criteria = {"from": CUSTOMER, "hasAttachment": True, "size": 7, "sizeComparison": "larger"}
        body = {"criteria": criteria, "action": {"addLabelIds": ["STARRED"], "removeLabelIds": ["INBOX"]}}
        made = filters.create(userId="me", body=body).execute()
        equal(filters.get(userId="me", id=made["id"]).execute()["criteria"]["from"], CUSTOMER, "a filter")
        equal(len(filters.list(userId="me").execute()["filter"]), 1, "filters")
        self.refused(400, "invalidArgument", filters.create(userId="me", body={"criteria": criteria}))
        filters.delete(userId="me", id=made["id"]).execute()
        self.refused(404, "notFound", filters.get(userId="me", id=made["id"]))

    # Refusals.

    def refusals(self):
        messages = self.users.messages()
        self.refused(400, "invalidArgument", messages.get(userId="me", id="not-hex"))
        self.refused(400, "invalidArgument", messages.list(userId="me", labelIds=["Label_999"]))
        self.refused(400, "invalidArgument", messages.list(userId="me", pageToken="made-up"))
        self.refused(400, "invalidArgument", self.users.history().list(userId="me"))
        put = self.controls.deliver(SUPPORT, mail("Labels"))["id"]
        for labels in ({"addLabelIds": ["Label_999"]}, {"addLabelIds": ["SENT"]}, {}):
            self.refused(400, "invalidArgument", messages.modify(userId="me", id=put, body=labels))
        self.refused(403, "forbidden", self.users.getProfile(userId=CUSTOMER))
        reader = self.granted(AUTH + "gmail.readonly")
        star = reader.messages().modify(userId="me", id=put, body={"addLabelIds": ["STARRED"]})
        self.refused(403, "insufficientPermissions", star)
        drafts = self.users.drafts()
        large = {"message": {"raw": "QQ" * 2_700_000}}
        self.refused(400, "invalidArgument", drafts.create(userId="me", body=large))
        response, _ = self.transport.request(f"{self.url}/gmail/v1/users/me/profile")
        equal(response.status, 401, "no token")

    def metadata_scope(self):
        """What the descriptions of `q` and of the formats keep from an application that may see headers only."""
        messages = self.granted(AUTH + "gmail.metadata").messages()
        chosen = messages.list(userId="me", maxResults=1).execute()["messages"][0]["id"]
        messages.get(userId="me", id=chosen, format="metadata").execute()
        self.refused(403, "forbidden", messages.list(userId="me", q="parcel"))
        for form in ("full", "raw"):
            self.refused(403, "forbidden", messages.get(userId="me", id=chosen, format=form))

    def partial_answers(self):
        """`fields` is a parameter of every method."""
        messages = self.users.messages()
        page = messages.list(userId="me", maxResults=2, fields="messages/id,nextPageToken").execute()
        equal(page.keys(), {"messages", "nextPageToken"}, "chosen fields")
        equal([entry.keys() for entry in page["messages"]], [{"id"}] * 2, "chosen fields of a list")
        chosen = page["messages"][0]["id"]
        got = messages.get(userId="me", id=chosen, fields="id,payload(mimeType,headers/name)").execute()
        equal(got.keys(), {"id", "payload"}, "chosen fields of a mail")
        equal(got["payload"].keys(), {"mimeType", "headers"}, "chosen fields below")
        self.refused(400, "invalidArgument", messages.get(userId="me", id=chosen, fields="payload("))

    def malformed_requests(self):
        """What a program with a typing error sends; most of it goes past the client, which lets little of it out."""
        for wrong in (
            {"name": "a", "labelListVisibility": "labelshow"},
            {"name": "a", "messageListVisibility": "visible"},
            {"name": "a", "color": {"textColor": "#000000"}},
            {"name": "a", "color": {"textColor": "#000000", "backgroundColor": "#123456"}},
        ):
            self.refused(400, "invalidArgument", self.users.labels().create(userId="me", body=wrong))
        odd = {"topicName": TOPIC, "labelFilterBehavior": "some"}
        self.refused(400, "invalidArgument", self.users.watch(userId="me", body=odd))
        send = lambda verb, path, body=b"", kind="application/json": self.users._http.request(
            self.url + path, verb, body=body, headers={"Content-Type": kind}
        )
        mailbox, uploads = "/gmail/v1/users/me", "/upload/gmail/v1/users/me"
        for verb, path, body, kind, status in [
            ("POST", f"{mailbox}/drafts", b"{", "application/json", 400),
            ("POST", f"{mailbox}/drafts", b'{"message": {"raw": "%%%"}}', "application/json", 400),
            ("POST", f"{mailbox}/drafts", b'{"message": {"raw": "QQ", "subject": "x"}}', "application/json", 400),
            ("POST", f"{mailbox}/labels", b'{"name": "a", "colour": "x"}', "application/json", 400),
            ("POST", f"{mailbox}/labels", b'{"name": 7}', "application/json", 400),
            ("POST", f"{mailbox}/watch", b'{"topic": "x"}', "application/json", 400),
            ("POST", f"{uploads}/drafts?uploadType=multipart", b"", "text/plain", 400),
            ("POST", f"{uploads}/drafts?uploadType=other", b"", "message/rfc822", 400),
            ("POST", f"{uploads}/drafts?uploadType=media", b"x" * 36_700_161, "message/rfc822", 413),
            ("GET", f"{mailbox}/messages?maxResult=3", None, "application/json", 400),
            ("GET", f"{mailbox}/messages?maxResults=many", None, "application/json", 400),
            ("GET", f"{mailbox}/messages?includeSpamTrash=perhaps", None, "application/json", 400),
            ("GET", f"{mailbox}/messages/1?format=all", None, "application/json", 400),
            ("GET", f"{mailbox}/history?startHistoryId=x", None, "application/json", 400),
            ("GET", f"{mailbox}/history?startHistoryId=1&historyTypes=all", None, "application/json", 400),
        ]:
            response, _ = send(verb, path, body, kind)
            self.judge.note("malformed requests", [] if response.status == status else [
                f"{verb} {path} with {(body or b'')[:60]!r}: {response.status}, {status} was expected"
            ])

    def faults(self):
        """Every refusal that can be asked for, in the words it comes with."""
        profile = self.users.getProfile(userId="me")
        for status, reason in [
            (401, "authError"), (403, "rateLimitExceeded"), (403, "userRateLimitExceeded"), (403, "quotaExceeded"),
            (403, "dailyLimitExceeded"), (403, "insufficientPermissions"), (403, "domainPolicy"),
            (403, "accessNotConfigured"), (400, "failedPrecondition"), (404, "notFound"), (429, "rateLimitExceeded"),
            (429, "userRateLimitExceeded"), (500, "backendError"), (500, "internalError"), (502, "backendError"),
            (503, "backendError"), (504, "backendError"),
        ]:  # fmt: skip
            # With 401 Google's client fetches another token and tries again, twice.
            effect = {"status": status, "reason": reason, "message": f"Fault {status}", "retry_after": 7}
            self.controls.fault("gmail.users.getProfile", effect, times=3 if status == 401 else 1)
            self.refused(status, reason, profile)
        for status, reason in [(403, "userRateLimitExceeded"), (429, "rateLimitExceeded")]:
            self.controls.fault("gmail.users.getProfile", {"status": status, "reason": reason, "retry_in_ms": 5_000})
            self.refused(status, reason, profile)
        self.controls.call("DELETE", "faults")
        for status, error in [(400, "invalid_grant"), (401, "invalid_client"), (500, "internal_failure"),
                              (503, "temporarily_unavailable")]:  # fmt: skip
            self.controls.fault("oauth2.token.refresh", {"status": status, "reason": error})
            status_seen, answer = self.form("/token", grant_type="refresh_token", refresh_token="x")
            equal((status_seen, answer["error"]), (status, error), "fault of the token endpoint")
        self.controls.call("DELETE", "faults")

    def limits(self):
        """What the mailbox's own limits say, in each of the forms that are known of Google."""
        users = self.granted(MODIFY, account=CUSTOMER)
        profile = users.getProfile(userId="me")
        profile.execute()
        limits = self.controls.call("GET", "limits")
        for form, status, reason in [
            ("exhausted", 429, "rateLimitExceeded"), ("retry_after", 429, "rateLimitExceeded"),
            ("rate_limit", 403, "rateLimitExceeded"), ("user_rate_limit", 403, "userRateLimitExceeded"),
            ("quota", 403, "quotaExceeded"),
        ]:  # fmt: skip
            self.controls.call("POST", "limits", {**limits, "units_per_minute": 1, "refusal": form})
            self.refused(status, reason, users.messages().list(userId="me"))
        self.controls.call("POST", "limits", limits)
        profile.execute()

    def ends_of_tokens(self):
        """Each way in which a refresh token ends: Google's credentials see it as an error, in the words of OAuth."""
        for kind in ("revoked", "unused", "password", "admin", "session", "testing", "time-limited", "account-deleted",
                     "account-disabled", "secret-rotated", "client-deleted", "client-unauthorized"):  # fmt: skip
            token = self.controls.post("grants", client_id=self.client_id, account=CUSTOMER, scopes=[MODIFY])
            self.controls.post("tokens/end", kind=kind, account=CUSTOMER, client_id=self.client_id, for_ms=0)
            try:
                self.service(token["refresh_token"]).users().getProfile(userId="me").execute()
            except google.auth.exceptions.RefreshError:
                pass
            else:
                raise Wrong(f"a token that is {kind} was refreshed")
            finally:
                self.controls.post("tokens/restore")
                client = {"client_id": self.client_id, "client_secret": self.secret, "redirect_uris": [self.redirect]}
                self.controls.post("clients", **client)

    def pushes_go_wrong(self):
        """A message that is refused and delivered again, twice, and a key that changes in between."""
        subscription = "projects/official/subscriptions/push"
        policy = {"dead_letter": {"topic": "projects/official/topics/dead"}, "minimum_backoff_ms": 10}
        self.controls.post("pubsub/policy", subscription=subscription, policy=policy)
        self.users.watch(userId="me", body={"topicName": TOPIC, "labelIds": ["INBOX"]}).execute()
        self.bag.refuse_next()
        self.controls.post("keys/rotate")
        self.controls.deliver(SUPPORT, mail("Refused once"))
        first, second = (self.bag.next() for _ in range(2))
        attempts = [self.judge.pushed(*push).get("deliveryAttempt") for push in (first, second)]
        equal(attempts, [1, 2], "delivery attempts")
        token = second[0]["authorization"].removeprefix("Bearer ")
        claims = self.verified(token, "https://app.example.com/push")
        self.judge.counts["tokens verified"] += 1
        self.judge.note("push token", forms.claims(claims, "https://app.example.com/push"))
        self.controls.fault("pubsub.push", {"push": "twice"})
        self.controls.deliver(SUPPORT, mail("Delivered twice"))
        ids = {self.judge.pushed(*self.bag.next())["message"]["messageId"] for _ in range(2)}
        equal(len(ids), 1, "message ids of a message that was delivered twice")
        self.controls.call("DELETE", "faults")
        self.users.stop(userId="me").execute()

    def batch_is_refused(self):
        batch = self.service(self.refresh_token).new_batch_http_request()
        batch.add(self.users.getProfile(userId="me"))
        try:
            batch.execute()
        except HttpError as error:
            expect(400 <= error.status_code < 500, f"a batch: {error.status_code}")
        else:
            raise Wrong("a batch was taken")


def leaves(part):
    for inner in part.get("parts", []):
        yield from leaves(inner)
    if "parts" not in part:
        yield part
