"""Fixtures that every Python test shares."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "harness"))

import gateway as harness  # noqa: E402


@pytest.fixture(scope="session")
def gateway_binary():
    """The program under test."""
    return harness.binary()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A configured gateway in front of the simulated vendor."""
    running = harness.Gateway(tmp_path_factory.mktemp("gateway"))
    yield running
    running.stop()
