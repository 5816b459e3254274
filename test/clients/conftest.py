"""Official client libraries: each test of a test_*.js is one of its own."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from node_tests import collector  # noqa: E402

pytest_collect_file = collector("build/clients/node", "clients")
