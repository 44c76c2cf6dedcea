"""Measurements that belong to the project: each a package to run, none of them part of the tests."""
