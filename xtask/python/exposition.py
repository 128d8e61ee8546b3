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
# The text format has no infos: there, one is a gauge under its full name.
as_text = {
    (f"{family.name}_info", "gauge") if family.type == "info" else (family.name, family.type)
    for family in families
}
for name, kind in sorted(as_text):
    print(name, kind)
