"""Gives schemathesis a token that is still good when it is used."""

import os

import requests
import schemathesis

API = os.environ["CAMPANILE_API"]
ACCOUNT = {"name": os.environ["CAMPANILE_USER"], "password": os.environ["CAMPANILE_PASSWORD"]}


def log_in():
    answer = requests.post(f"{API}/login", json=ACCOUNT, timeout=10)
    answer.raise_for_status()
    return answer.json()["token"]


# One token serves every request but those that end it: those get a token of their own.
SHARED = log_in()


@schemathesis.auth(refresh_interval=None)
class Token:
    def get(self, case, context):
        return log_in() if case.operation.path.endswith("/logout") else SHARED

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"
