"""What answers in a provider's place brings versions of its own, so it has a tox environment of its own."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("vcr") else ["test_*.py"]
