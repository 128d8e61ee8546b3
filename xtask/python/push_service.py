"""A push service: HOST PORT CERT KEY. It takes some notifications, thinks one too large, and then
knows of no such browser."""

import http.server
import itertools
import ssl
import sys


ANSWERS = itertools.chain([201, 201, 201, 413, 201], itertools.repeat(410))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(next(ANSWERS))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


host, port, certificate, key = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
