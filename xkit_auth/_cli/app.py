"""The commands and their options; what they do is elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version

import click
from rich.console import Console

from .._values import XkitAuthError, to_install
from . import what_is_missing
from .catalog import NotInstalled, about, entry_of, found, installed
from .connectors import NOTHING, print_one, print_table
from .drivers import CLIENTS
from .timeline import Timeline

INTERRUPTED = 130
"""The exit code that shells have for it."""


class Unready(click.ClickException):
    """The command cannot even begin, for a reason that its reader can mend."""

    exit_code = 2


class Commands(click.Group):
    """The commands; Ctrl-C ends them as it ends other programs, and not as a promise that was not kept."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(INTERRUPTED)


@click.group(cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="xkit-auth", message="%(prog)s %(version)s")
@click.pass_context
def app(context: click.Context) -> None:
    """See at work what xkit-auth does: calling an API as your user.

    It puts the token that Xkit keeps for a user on the requests of your HTTP client, and sees to it that the token is
    fresh, fetched once, and sent to nobody else.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@app.command()
@click.argument("slug", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for other programs.")
def connectors(slug: str | None, as_json: bool) -> None:
    """Show the installed connectors, or explain one.

    SLUG is the connector's own, or an alias of it. A connector tells where a provider's credential may go, how it is
    sent, and what the provider's refusals mean. The exit code is 2 if nothing is installed under that slug.
    """
    plugins, complaints = installed()
    for complaint in complaints:
        click.echo(complaint, err=True)
    console = Console(highlight=False)
    if slug is None:
        entries = [entry_of(each) for each in plugins.all()]
        if as_json:
            click.echo(json.dumps(entries, indent=2))
        elif entries:
            print_table(console, entries)
        else:
            click.echo(NOTHING)
        return
    try:
        brought = found(plugins, slug)
    except NotInstalled as error:
        raise Unready(str(error)) from None
    if as_json:
        click.echo(json.dumps(entry_of(brought), indent=2))
    else:
        print_one(console, entry_of(brought), about(plugins, brought))


@app.command()
@click.option(
    "--client",
    "clients",
    type=click.Choice(CLIENTS),
    multiple=True,
    help="Show this HTTP client only. Can be given more than once.  [default: all three]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, for other programs.")
@click.pass_context
def demo(context: click.Context, clients: Sequence[str], as_json: bool) -> None:
    """Show what xkit-auth promises, and check it.

    A sandbox on this machine stands in for Xkit, Slack and GitHub: no account and no network are needed. Each step is
    checked by what arrived there. httpx and httpx2 are shown twice, sync and async.

    The exit code is 0 if every promise was kept, 1 if one was not, 2 if the demo could not begin, and 130 if
    you interrupted it.
    """
    chosen = [name for name in CLIENTS if name in clients or not clients]
    missing = what_is_missing("starlette", "uvicorn", *chosen)
    if missing is not None:
        raise Unready(missing)
    from .demo import outcomes, plugins_to_install

    try:
        lacking = plugins_to_install()
    except XkitAuthError as error:
        raise Unready(str(error)) from None
    if lacking:
        raise Unready(f"The demo calls Slack and GitHub. For their plugins, {to_install(packages=lacking)}.")

    timeline = Timeline(Console(quiet=as_json, highlight=False), version("xkit-auth"))
    timeline.begin()
    for outcome in outcomes(chosen):
        timeline.add(outcome)
    timeline.end()
    if as_json:
        click.echo(json.dumps(timeline.summary(), indent=2))
    context.exit(0 if timeline.all_kept else 1)
