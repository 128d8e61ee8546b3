"""Starts the Autobahn suite from the folder that it was installed in (first argument)."""

import site
import sys

site.addsitedir(sys.argv.pop(1))

from autobahntestsuite.wstest import run  # noqa: E402

run()
