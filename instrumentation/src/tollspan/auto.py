"""Installs tollspan when imported, by environment variables alone: ``import tollspan.auto``, above everything else."""

from __future__ import annotations

from tollspan.runtime import install

install()
