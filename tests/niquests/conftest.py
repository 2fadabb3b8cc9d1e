"""niquests puts a urllib3 of its own in the place of requests', so it has a tox environment of its own."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("niquests") else ["test_*.py"]
