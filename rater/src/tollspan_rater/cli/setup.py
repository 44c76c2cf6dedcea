"""Commands that set up: ``init``, ``config``, ``customers``, ``keys``."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from tollspan_rater.cli.door import resolved, running
from tollspan_rater.cli.formats import show
from tollspan_rater.cli.frame import Group, example
from tollspan_rater.cli.questions import asking
from tollspan_rater.cli.sending import execute, send, show_receipt
from tollspan_rater.query.commands import ScopeName


@click.command(
    help="Write a commented tollspan.yaml, its JSON Schema and example pricing; never overwrites.\n\n"
    + example("tollspan init billing")
)
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write the files that are not there yet and say what became of each."""
    from tollspan_rater.cli.starting import starting_files

    for name, text in starting_files().items():
        path = folder / name
        if path.exists():
            click.echo(f"kept    {path}")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        click.echo(f"written {path}")


@click.group(cls=Group)
def config() -> None:
    """Look at the configuration."""


@config.command("show", help="Each configuration value and where it came from.\n\n" + example("tollspan config show"))
@click.pass_context
def config_show(context: click.Context) -> None:
    """Ask the server on the folder, whose values are in force; without one resolve them here."""
    from tollspan_rater.query.settings import config_answer

    settings = resolved(context)
    server = running(settings.config.data)
    if server is None:
        show(context, config_answer(settings))
        return
    with server:
        show(context, server.ask("config.show", {}, tenant=settings.config.tenant))


@click.group(cls=Group)
def customers() -> None:
    """Set, list and import customers."""


customers.add_command(asking("customers.list"))


@customers.command(
    "set",
    help="Set what is known of a customer; what is not given keeps its value.\n\n"
    + example("tollspan customers set acme --plan pro --from 2026-11-01 --currency EUR --zone Europe/Berlin"),
)
@click.argument("customer")
@click.option("--name", help="Name for people; lives apart from the facts and can be forgotten.")
@click.option("--plan", help="The plan that holds.")
@click.option("--addon", multiple=True, metavar="ADDON=N", help="So many of an add-on, 0 to end it; may be repeated.")
@click.option(
    "--from", "from_", metavar="DAY", help="First day of plan and add-ons in the customer's zone; default ever since."
)
@click.option("--anchor", metavar="DAY", help="A day on which one of the customer's periods begins; '' for none.")
@click.option("--segment", help="Market segment, for reports.")
@click.option("--phase", help="Account phase, for example trial or internal; plans decide by it.")
@click.option("--currency", help="ISO 4217 code, for example EUR.")
@click.option("--zone", help="Time zone of the customer's days and periods, for example Europe/Berlin.")
@click.option("--external-id", multiple=True, metavar="SYSTEM=ID", help="Id in another system; may be repeated.")
@click.pass_context
def customers_set(
    context: click.Context,
    /,
    external_id: tuple[str, ...],
    addon: tuple[str, ...],
    from_: str | None,
    **fields: str | None,
) -> None:
    """Send ``customer.set`` with what was given."""
    body: dict[str, object] = {name: value for name, value in fields.items() if value is not None}
    since = {} if from_ is None else {"from": from_}
    if addon:
        pairs = (_pair(entry, "ADDON=N, for example seats=3") for entry in addon)
        body["addons"] = [{"addon": name, "quantity": quantity, **since} for name, quantity in pairs]
    if "plan" in body or not addon:
        body |= since
    if external_id:
        body["external_ids"] = dict(_pair(entry, "SYSTEM=ID, for example stripe=cus_123") for entry in external_id)
    send(context, "customer.set", body)


def _pair(entry: str, form: str) -> tuple[str, str]:
    name, equals, value = entry.partition("=")
    if not (name and equals and value):
        raise click.BadParameter(f"{entry!r} is not of the form {form}")
    return name, value


@customers.command(
    "import",
    help="Set many customers from a CSV or JSON lines file, all or none.\n\nCSV columns: customer, name, plan, from, "
    "segment, phase, currency, zone, anchor, external_ids.SYSTEM and addons.ADDON. Empty cells keep what is known.\n\n"
    + example("tollspan customers import customers.csv"),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def customers_import(context: click.Context, file: Path) -> None:
    """Send ``customer.import`` with the file's rows."""
    from tollspan_rater.cli.customer_file import read_customers

    send(context, "customer.import", {"customers": read_customers(file)})


@click.group(cls=Group)
def keys() -> None:
    """Create, list and revoke API keys."""


keys.add_command(asking("keys.list"))


@keys.command(
    "create",
    help="Make a key and show it once; only its hash is kept.\n\n"
    + example("tollspan keys create --scope ingest --label collector-eu"),
)
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(get_args(ScopeName)),
    help="What the key may do; may be repeated.",
)  # fmt: skip
@click.option("--label", default="", help="What the key is for.")
@click.option("--customer", help="The one customer that a customer-query key sees.")
@click.pass_context
def keys_create(context: click.Context, scopes: tuple[str, ...], label: str, customer: str | None) -> None:
    """Make the secret here, send its hash, print the key when the hash is durable."""
    import secrets

    from tollspan_rater.api.keys import new_key

    made = new_key(secrets.token_bytes, scopes=scopes, label=label, customer=customer)
    receipt = execute(context, "key.create", made.body)
    show_receipt(context, "Key, shown this once", receipt, key_id=made.key_id, key=made.token)


@keys.command("revoke", help="Stop a key from working, at once.\n\n" + example("tollspan keys revoke 4be1c92d0a77f3e5"))
@click.argument("key_id")
@click.pass_context
def keys_revoke(context: click.Context, key_id: str) -> None:
    """Send ``key.revoke``."""
    send(context, "key.revoke", {"key_id": key_id})
