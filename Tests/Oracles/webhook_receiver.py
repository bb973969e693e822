"""Receives a coordinator's messages and judges their signatures with Python's own hmac.

Writes a line of JSON for every request to --out. /moved answers with a redirect to /elsewhere, which nobody should follow.
"""
import argparse
import hashlib
import hmac
import json
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


def judge(secret, headers, body):
    """What a receiver has to check: the signature over time and body, and that the time is not long ago."""
    stamp = headers["X-AlphaGrid-Timestamp"]
    wanted = "v1=" + hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted, headers["X-AlphaGrid-Signature"]) and abs(time.time() - int(stamp)) < 60


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(options.secret, "rb") as file:
            secret = file.read().strip()
        line = {
            "path": self.path, "genuine": judge(secret, self.headers, body), "event": self.headers["X-AlphaGrid-Event"],
            "delivery": self.headers["X-AlphaGrid-Delivery"], "body": json.loads(body),
        }
        with open(options.out, "a") as file:
            file.write(json.dumps(line) + "\n")
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
        else:
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secret", required=True, help="file with the secret")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    HTTPServer(("127.0.0.1", options.port), Receiver).serve_forever()
