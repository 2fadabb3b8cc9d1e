"""The SDKs bring versions of their own of what they stand on, so they have a tox environment of their own."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("githubkit") else ["test_*.py"]
