"""The command ``serve``."""

from __future__ import annotations

import click

from tollspan_rater.cli.door import backend, resolved
from tollspan_rater.cli.frame import example


@click.command(
    help="Receive spans, rate them and answer questions, until SIGTERM or Ctrl-C.\n\n"
    "Prints one ready line with the addresses. Addresses that other machines can reach need keys or client "
    "certificates (auth.required, tls.client_ca_file).\n\n"
    + example("tollspan serve --pricing pricing/ --grpc 127.0.0.1:4317")
)
@click.option("--grpc", metavar="HOST:PORT", help="OTLP over gRPC; default 127.0.0.1:4317.")
@click.option("--http", metavar="HOST:PORT", help="OTLP over HTTP; default 127.0.0.1:4318.")
@click.option("--api", metavar="HOST:PORT", help="Questions and commands over HTTP; default 127.0.0.1:4319.")
@click.option("--pricing", metavar="DIR", help="Rate cards and plans to apply at the start.")
@click.pass_context
def serve(context: click.Context, grpc: str | None, http: str | None, api: str | None, pricing: str | None) -> None:
    """Serve with the configuration in force."""
    settings = resolved(context, listen__grpc=grpc, listen__http=http, listen__api=api, pricing=pricing)
    backend(context).serve(settings)
