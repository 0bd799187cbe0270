"""`rucor`: joins the command groups of the services, the embedded stack and the demo.

Imports are lazy, command by command: `rucor classify` must not pay for the web stack, nor `rucor --help` for anything."""

import importlib
from typing import Any, Final

import click

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    # command: (module, attribute of the click command in it)
    "up": ("deploy.embedded.cli", "up"),
    "fetch-kafka": ("deploy.embedded.cli", "fetch_kafka"),
    "demo": ("deploy.demo.cli", "demo"),
    "sample": ("deploy.demo.sample.cli", "sample"),
    "roads": ("services.classifier.cli", "roads"),
    "login": ("deploy.embedded.identity.login", "login"),
    "status": ("deploy.embedded.cli", "status"),
    "classify": ("services.classifier.cli", "classify"),
    "explain": ("services.classifier.cli", "explain"),
    "evidence": ("services.classifier.evidence_cli", "evidence"),
    "replay": ("services.ingest.cli", "replay_command"),
    "quarantine": ("services.ingest.cli", "quarantine"),
    "providers": ("services.ingest.providers_cli", "providers"),
    "import": ("services.claims.import_cli", "import_"),
    "policy": ("services.claims.policy_cli", "policy"),
    "reprocess": ("services.claims.reprocess_cli", "reprocess"),
}


KEYS: Final[dict[str, tuple[str, str]]] = {
    "classifier": ("services.classifier.keys_cli", "keys"),
    "ingest": ("services.ingest.cli", "keys"),
    "claims": ("services.claims.cli", "keys"),
}

PEOPLE: Final[dict[str, tuple[str, str]]] = {
    "add": ("services.claims.people_cli", "people_add"),
    "password": ("deploy.embedded.identity.cli", "password"),
}


TENANTS: Final[dict[str, tuple[str, str]]] = {
    "create": ("services.claims.cli", "tenants_create"),
    "export": ("deploy.privacy.cli", "export_tenant"),
    "offboard": ("deploy.privacy.cli", "offboard"),
}
PRIVACY: Final[dict[str, tuple[str, str]]] = {
    "export": ("deploy.privacy.cli", "export_subject"),
    "check": ("deploy.privacy.cli", "check"),
}
CLAIMS: Final[dict[str, tuple[str, str]]] = {
    "new-bank-key": ("deploy.embedded.bank_key", "new_bank_key"),
    "bank-keys": ("deploy.embedded.bank_key", "bank_keys"),
    "rotate-bank-key": ("deploy.embedded.bank_key", "rotate_bank_key"),
    "purge": ("deploy.embedded.purge", "purge"),
}


class LazyGroup(click.Group):
    """Loads a command's module when it is called or when its help is asked for."""

    def __init__(self, *arguments: Any, where: dict[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._where = where

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*self._where, *super().list_commands(ctx)])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._where:
            return super().get_command(ctx, cmd_name)
        module, attribute = self._where[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, where=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rucor")
def main() -> None:
    """Off-road RUC refunds: from a fleet's GPS pings to a claim that proves itself."""


@main.group(cls=LazyGroup, where=KEYS)
def keys() -> None:
    """API keys, service by service: a key of ingest sends pings, a key of claims asks for statements and lodges."""


@main.group(cls=LazyGroup, where=PEOPLE)
def people() -> None:
    """People who sign in: their place in a tenant and, in the embedded stack, their passwords."""


@main.group(cls=LazyGroup, where=TENANTS)
def tenants() -> None:
    """Tenants: made, given out, erased."""


@main.group(cls=LazyGroup, where=PRIVACY)
def privacy() -> None:
    """What people may ask of what is held about them (Privacy Act 2020)."""


@main.group(cls=LazyGroup, where=CLAIMS)
def claims() -> None:
    """What the claims service keeps: its keys, and what may go."""


if __name__ == "__main__":
    main()
