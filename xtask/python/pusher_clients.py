"""Python's clients of the Pusher protocol, unchanged, against a server: the official library `pusher`
for servers, and `pysher`, which speaks protocol 6. The environment says where the server is, and for
which application; each test is named after the lines of the compatibility checklist that it proves."""

import http.server
import json
import logging
import os
import pathlib
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
import uuid
from urllib.parse import urlsplit

import pusher
import pusher.errors
import pysher

ADDRESS = urlsplit(os.environ["CAMPANILE_URL"])
BINARY = os.environ["CAMPANILE_BINARY"]
APP = os.environ["CAMPANILE_APP"]
KEY = os.environ["CAMPANILE_KEY"]
SECRET = os.environ["CAMPANILE_SECRET"]

PATIENCE_SECONDS = 10

# Pysher tells of every frame, and of the end of its connection as of an error.
logging.disable(logging.CRITICAL)


def unique(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def library(secret=SECRET):
    return pusher.Pusher(
        app_id=APP,
        key=KEY,
        secret=secret,
        host=ADDRESS.hostname,
        port=ADDRESS.port,
        ssl=False,
        encryption_master_key_base64="Y2FtcGFuaWxlY2FtcGFuaWxlY2FtcGFuaWxlY2FtcGE=",
    )


class Heard:
    """What a callback is called with, in order."""

    def __init__(self):
        self.queue = queue.Queue()

    def __call__(self, *arguments):
        self.queue.put(arguments[0] if arguments else None)

    def next(self):
        return self.queue.get(timeout=PATIENCE_SECONDS)

    def is_empty(self):
        return self.queue.empty()


class Clients(unittest.TestCase):
    def client(self, user=None):
        """A pysher that has connected, and disconnects with the test."""
        client = pysher.Pusher(
            KEY,
            secure=False,
            secret=SECRET,
            user_data=user,
            custom_host=ADDRESS.hostname,
            port=ADDRESS.port,
        )
        # It asks for a channel before it knows of it, and would not know the answer.
        client.gate = threading.Lock()
        handle = client.connection.event_handler

        def gated(*arguments):
            with client.gate:
                handle(*arguments)

        client.connection.event_handler = gated
        connected = Heard()
        client.connection.bind("pusher:connection_established", connected)
        client.connect()
        connected.next()
        # Its thread takes its time.
        self.addCleanup(client.disconnect, timeout=0)
        return client

    def subscribed(self, client, name, auth=None):
        """A channel of pysher; what it was told when it was subscribed stands in `answer`."""
        answer = Heard()
        with client.gate:
            channel = client.subscribe(name, auth)
            channel.bind("pusher_internal:subscription_succeeded", answer)
        channel.answer = json.loads(answer.next())
        return channel

    def bound(self, channel, event):
        heard = Heard()
        channel.bind(event, heard)
        return heard

    def test_1_2_pysher_connects_with_protocol_6(self):
        client = self.client()
        self.assertEqual(client.protocol, 6)
        self.assertRegex(client.connection.socket_id, r"^\d+\.\d+$")

    def test_2_1_pysher_is_answered_when_it_pings(self):
        client = self.client()
        pong = self.bound(client.connection, "pusher:pong")
        client.connection.send_ping()
        pong.next()

    def test_3_2_3_3_and_5_9_pysher_is_told_of_a_bad_signature_and_stays(self):
        client = self.client()
        error = self.bound(client.connection, "pusher:error")
        client.subscribe(unique("private-room"), auth=f"{KEY}:{'0' * 64}")
        told = error.next()
        self.assertIsInstance(told, dict)
        self.assertIsNone(told["code"])
        self.subscribed(client, unique("private-room"))
        self.assertEqual(client.connection.state, "connected")

    def test_5_2_and_7_1_the_library_triggers_and_pysher_hears(self):
        name = unique("news")
        channel = self.subscribed(self.client(), name)
        said = self.bound(channel, "said")
        for data in [{"text": "hello", "é": 1.0}, "plain", "", [1, None]]:
            library().trigger(name, "said", data)
            heard = said.next()
            self.assertEqual(heard if isinstance(data, str) else json.loads(heard), data)

    def test_5_3_pysher_enters_a_private_channel(self):
        name = unique("private-room")
        self.assertEqual(self.subscribed(self.client(), name).answer, {})
        self.assertIs(library().channel_info(name)["occupied"], True)

    def test_5_3_the_library_lets_pysher_into_a_private_channel(self):
        client, name = self.client(), unique("private-room")
        auth = library().authenticate(channel=name, socket_id=client.connection.socket_id)
        self.assertEqual(self.subscribed(client, name, auth["auth"]).answer, {})

    def test_5_5_the_library_signs_a_presence_channel_byte_by_byte(self):
        client, name = self.client(), unique("presence-room")
        member = {"user_id": 7, "user_info": {"name": "Ada é"}}
        auth = library().authenticate(
            channel=name, socket_id=client.connection.socket_id, custom_data=member
        )
        # Pysher cannot hand on data that others have signed.
        answer = Heard()
        channel = client.subscribe(name, auth="")
        channel.bind("pusher_internal:subscription_succeeded", answer)
        client.connection.send_event("pusher:subscribe", {"channel": name, **auth})
        presence = json.loads(answer.next())["presence"]
        self.assertEqual(presence, {"ids": ["7"], "hash": {"7": {"name": "Ada é"}}, "count": 1})

    def test_5_7_6_1_and_6_2_pysher_sees_who_is_there_who_comes_and_who_goes(self):
        name = unique("presence-room")
        ada = self.client({"user_id": "ada", "user_info": {"name": "Ada"}})
        channel = self.subscribed(ada, name)
        self.assertEqual(channel.answer["presence"]["ids"], ["ada"])
        comes = self.bound(channel, "pusher_internal:member_added")
        goes = self.bound(channel, "pusher_internal:member_removed")
        bob = self.client({"user_id": "bob", "user_info": {"name": "Bob"}})
        answer = self.subscribed(bob, name).answer["presence"]
        self.assertEqual((answer["count"], sorted(answer["ids"])), (2, ["ada", "bob"]))
        self.assertEqual(
            json.loads(comes.next()), {"user_id": "bob", "user_info": {"name": "Bob"}}
        )
        users = library().users_info(name)["users"]
        self.assertEqual(sorted(user["id"] for user in users), ["ada", "bob"])
        bob.disconnect(timeout=0)
        self.assertEqual(json.loads(goes.next()), {"user_id": "bob"})

    def test_7_3_and_7_4_pysher_sends_client_events(self):
        name = unique("private-room")
        says, hears = self.subscribed(self.client(), name), self.subscribed(self.client(), name)
        heard, echo = self.bound(hears, "client-hello"), self.bound(says, "client-hello")
        says.trigger("client-hello", {"from": "pysher"})
        self.assertEqual(heard.next(), {"from": "pysher"})
        self.assertTrue(echo.is_empty())

    def test_11_1_f_trap_3_questions_of_the_library_come_with_the_digest_of_nothing(self):
        name = unique("presence-room")
        self.subscribed(self.client({"user_id": "ada"}), name)
        server = library()
        self.assertEqual(
            server.channels_info(prefix_filter=name, attributes=["user_count"]),
            {"channels": {name: {"user_count": 1}}},
        )
        self.assertEqual(
            server.channel_info(name, attributes=["user_count", "subscription_count"]),
            {"occupied": True, "user_count": 1, "subscription_count": 1},
        )
        self.assertEqual(server.users_info(name), {"users": [{"id": "ada"}]})

    def test_11_1_j_the_id_of_the_application_is_digits(self):
        self.assertTrue(APP.isdigit())
        self.assertEqual(library().trigger(unique("news"), "said", "hello"), {})

    def test_11_2_d_the_library_triggers_a_batch(self):
        name = unique("news")
        said = self.bound(self.subscribed(self.client(), name), "said")
        batch = [{"channel": name, "name": "said", "data": str(number)} for number in range(10)]
        self.assertEqual(library().trigger_batch(batch), {})
        self.assertEqual([said.next() for _ in range(10)], [str(number) for number in range(10)])

    def test_11_2_e_the_library_leaves_out_a_socket(self):
        name = unique("news")
        left_out, other = self.client(), self.client()
        quiet = self.bound(self.subscribed(left_out, name), "said")
        heard = self.bound(self.subscribed(other, name), "said")
        library().trigger(name, "said", "first", left_out.connection.socket_id)
        library().trigger(name, "said", "second")
        self.assertEqual([heard.next(), heard.next()], ["first", "second"])
        self.assertEqual(quiet.next(), "second")

    def test_11_2_i_the_library_knows_a_refusal(self):
        with self.assertRaises(pusher.errors.PusherBadAuth):
            library(secret="guessed").trigger("news", "said", "hello")
        with self.assertRaises(pusher.errors.PusherBadRequest):
            library().trigger("news", "pusher:said", "hello")

    def test_5_8_the_library_encrypts_and_nobody_on_the_way_reads_it(self):
        name = unique("private-encrypted-room")
        said = self.bound(self.subscribed(self.client(), name), "said")
        library().trigger(name, "said", {"text": "the treasure is buried"})
        heard = said.next()
        self.assertEqual(sorted(json.loads(heard)), ["ciphertext", "nonce"])
        self.assertNotIn("treasure", heard)

    def test_10_1_10_4_and_10_7_the_library_signs_a_user_in_and_ends_the_users_connections(self):
        client, user = self.client(), unique("ada")
        signed_in = self.bound(client.connection, "pusher:signin_success")
        auth = library().authenticate_user(client.connection.socket_id, {"id": user})
        client.connection.send_event("pusher:signin", auth)
        self.assertEqual(json.loads(signed_in.next())["user_data"], auth["user_data"])
        note = self.bound(self.subscribed(client, f"#server-to-user-{user}"), "note")
        library().send_to_user(user, "note", "for you")
        self.assertEqual(note.next(), "for you")
        name = unique("private-room")
        self.subscribed(client, name)
        # It leaves the application out of the path.
        self.assertEqual(library().terminate_user_connections(user), {})
        deadline = time.monotonic() + PATIENCE_SECONDS
        while library().channel_info(name)["occupied"]:
            self.assertLess(time.monotonic(), deadline, "the connection is still there")
            time.sleep(0.05)


class Webhooks(unittest.TestCase):
    """A server of this test alone, which tells a receiver here."""

    def setUp(self):
        told = self.told = queue.Queue()

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                told.put((self.headers["X-Pusher-Key"], self.headers["X-Pusher-Signature"], body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        self.addCleanup(receiver.server_close)
        self.addCleanup(receiver.shutdown)
        folder = tempfile.TemporaryDirectory(prefix="campanile-clients-")
        self.addCleanup(folder.cleanup)
        settings = pathlib.Path(folder.name, "campanile.toml")
        url = f"http://127.0.0.1:{receiver.server_port}/hook"
        app = f'[[apps]]\nid = "{APP}"\nkey = "{KEY}"\nsecret = "{SECRET}"\n'
        hook = f'[[apps.webhooks]]\nurl = "{url}"\nevents = ["channel_occupied"]\n'
        settings.write_text(f'[webhooks]\nallow = ["127.0.0.1"]\n{app}{hook}')
        self.port, metrics = free_port(), free_port()
        listen = ["--listen", f"127.0.0.1:{self.port}", "--metrics-listen", f"127.0.0.1:{metrics}"]
        command = [BINARY, "serve", *listen, "--data-dir", folder.name]
        environment = {**os.environ, "CAMPANILE_CONFIG": str(settings)}
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        server = subprocess.Popen(command, env=environment, **silent)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        deadline = time.monotonic() + 2 * PATIENCE_SECONDS
        while not is_ready(self.port):
            self.assertLess(time.monotonic(), deadline, "the server does not come up")
            time.sleep(0.05)

    def test_12_1_and_12_2_the_library_validates_a_webhook(self):
        client = pysher.Pusher(KEY, secure=False, custom_host="127.0.0.1", port=self.port)
        connected = Heard()
        client.connection.bind("pusher:connection_established", connected)
        client.connect()
        self.addCleanup(client.disconnect, timeout=0)
        connected.next()
        name = unique("news")
        client.subscribe(name)
        key, signature, body = self.told.get(timeout=PATIENCE_SECONDS)
        told = library().validate_webhook(key, signature, body)
        self.assertEqual(told["events"], [{"name": "channel_occupied", "channel": name}])
        self.assertLess(abs(told["time_ms"] / 1000 - time.time()), PATIENCE_SECONDS)
        self.assertIsNone(library().validate_webhook(key, signature, body.replace(name, "other")))
        self.assertIsNone(library("guessed").validate_webhook(key, signature, body))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def is_ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main(testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2))
