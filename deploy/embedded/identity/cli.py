"""`rucor people password`: who may sign in at the embedded stack's own provider."""

from pathlib import Path

import click

from deploy.embedded.errors import StackError
from deploy.embedded.identity import accounts
from shared.running_stack import data_dir_option


@click.command("password")
@click.argument("email")
@click.option("--name", default="", help="The person's name, as the provider tells it.")
@click.option("--generate", is_flag=True, help="Make a password and print it, once.")
@click.option("--remove", is_flag=True, help="Nobody signs in with this e-mail any more.")
@data_dir_option
def password(email: str, *, name: str, generate: bool, remove: bool, data_dir: Path) -> None:
    """Set the password by which EMAIL signs in at the embedded stack's own provider.  It asks for it, unless --generate."""
    folder = accounts.folder_of(data_dir)
    if not data_dir.is_dir():
        raise click.ClickException(
            f"there is no stack in {data_dir}: start it once with `rucor up --data-dir {data_dir}`"
        )
    try:
        if remove:
            if not accounts.remove(folder, email):
                raise click.ClickException(f"{email} has no password here")
            click.echo(f"{email} signs in no more")
            return
        asked = None if generate else click.prompt("Password", hide_input=True, confirmation_prompt=True)
        chosen = accounts.set_password(folder, email, name, asked)
    except (StackError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(chosen if generate else f"{email} signs in with it from now on")
