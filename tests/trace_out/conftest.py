"""The whole rater on a folder of the test, as the server's tests have it."""

from tests.server.conftest import bench

__all__ = ["bench"]
