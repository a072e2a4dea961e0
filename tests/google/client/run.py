"""Holds the simulator against Google's own words, with Google's own client; prints the counts and every finding.

    python run.py --url http://127.0.0.1:PORT --client ID,SECRET,REDIRECT --answers FOLDER
"""

import argparse
import importlib.metadata
import importlib.resources
import json
import logging
import pathlib
import sys
import traceback

import forms
import offer
import selftest
from descriptions import Descriptions
from document import Document
from google.rpc import code_pb2
from googleapiclient.errors import HttpError
from stage import Controls, Wrong
from story import PROBE, Story
from witness import Judge, Witness


def discovery(name):
    """A discovery document as it is installed with Google's client."""
    file = importlib.resources.files("googleapiclient.discovery_cache") / "documents" / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--client", required=True)
    parser.add_argument("--answers", required=True, type=pathlib.Path)
    options = parser.parse_args()
    # Google's client warns of every refusal, and most of the refusals here are wanted.
    logging.getLogger("googleapiclient.http").setLevel(logging.ERROR)

    gmail, pubsub = discovery("gmail.v1"), discovery("pubsub.v1")
    refused, sound = selftest.run(gmail, pubsub)
    if set(code_pb2.Code.keys()) - {"OK"} != set(forms.CODES):
        sound = False
        print("the table of codes is not that of google.rpc.Code")
    if not sound:
        sys.exit("the checker itself is not right; nothing was checked")

    document = Document(gmail)
    judge = Judge(document, Descriptions(gmail), Document(pubsub), options.answers)
    transport, controls = Witness(judge), Controls(options.url)
    methods, uploads, found = offer.offered(document, transport, options.url, controls)
    judge.note("offer", found)
    story = Story(gmail, options.url, options.client.split(","), judge, transport, controls, uploads)
    told = tell(story, judge)
    asked = ask_scopes(document, methods, judge, transport, controls, options)
    unseen = sorted(methods - set(judge.answered))
    judge.note("coverage", [f"{name} is offered, and no answer of it was seen" for name in unseen])
    unused = sorted(uploads - judge.uploads)
    judge.note("coverage", [f"{name}: nothing was uploaded to {path}" for name, path in unused])
    report(judge, gmail, pubsub, methods, uploads, refused, asked, told, options)
    sys.exit(1 if judge.findings else 0)


def tell(story, judge):
    """Plays the chapters; one that breaks off is a finding, and the next is played."""
    chapters = story.chapters()
    for chapter in chapters:
        try:
            chapter()
        except (Wrong, HttpError) as error:
            judge.note(f"chapter {chapter.__name__}", [f"{error} (line {line(error)})"])
        except Exception as error:
            judge.note(f"chapter {chapter.__name__}", [f"{type(error).__name__}: {error} (line {line(error)})"])
    story.bag.close()
    return len(chapters)


def line(error):
    """Where in the story it broke off."""
    steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename.endswith("story.py")]
    return steps[-1].lineno if steps else "?"


def ask_scopes(document, methods, judge, transport, controls, options):
    client = options.client.split(",")[0]
    controls.post("accounts", address=PROBE, name="Probe")
    token = lambda scope: controls.post("grants", client_id=client, account=PROBE, scopes=[scope])["access_token"]
    asked, found = offer.scopes(document, methods, transport, options.url, token)
    judge.note("scopes", found)
    return asked


def report(judge, gmail, pubsub, methods, uploads, refused, asked, told, options):
    client = importlib.metadata.version("google-api-python-client")
    refusals = sorted(f"{status} {reason}" for status, reason in judge.refusals)
    summary = {
        "client": client,
        "gmail_revision": gmail["revision"],
        "pubsub_revision": pubsub["revision"],
        "wrong_answers_refused_by_the_checker": refused,
        "methods_offered": len(methods),
        "methods_covered": len(methods & set(judge.answered)),
        "methods_of_the_document": len(judge.gmail.methods),
        "upload_addresses": len(uploads),
        "chapters": told,
        "scope_questions": asked,
        "answers_checked": sum(judge.counts.values()),
        "by_kind": dict(judge.counts),
        "refusals": refusals,
        "findings": judge.findings,
    }
    (options.answers / "summary.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
    print(f"google-api-python-client {client}, documents gmail {gmail['revision']} and pubsub {pubsub['revision']}")
    print(f"wrong answers that the checker refused: {refused}")
    covered, known = summary["methods_covered"], len(judge.gmail.methods)
    print(f"methods covered: {covered} of {len(methods)} offered ({known} in the document)")
    print(f"answers checked: {summary['answers_checked']}, failing: {len(judge.findings)}")
    for kind, count in sorted(judge.counts.items()):
        print(f"  {kind}: {count}")
    print(f"scopes: {asked} questions; kinds of refusal: {len(refusals)} ({', '.join(refusals)})")
    for finding in judge.findings:
        print(f"FINDING {finding}")


if __name__ == "__main__":
    main()
