"""Reads one scrape with the reference parsers and prints its families, one "name type" per line."""

import sys

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

PARSERS = {"openmetrics": parse_openmetrics, "text": parse_text}

families = list(PARSERS[sys.argv[1]](sys.stdin.read()))
names = [family.name for family in families]
repeated = {name for name in names if names.count(name) > 1}
if repeated:
    sys.exit(f"families that come twice: {sorted(repeated)}")
untyped = [family.name for family in families if family.type in ("unknown", "untyped")]
if untyped:
    sys.exit(f"families without a type: {untyped}")
for family in sorted(families, key=lambda family: family.name):
    print(family.name, family.type)
