"""`rucor claims new-bank-key | bank-keys | rotate-bank-key`: another key for what claims seals (docs/runbooks/keys.md)."""

import asyncio
import base64
from collections import Counter
from pathlib import Path
from typing import Final

import click

from deploy.embedded import credentials
from deploy.embedded.errors import StackError
from deploy.embedded.info import FILE, StackInfo
from services.claims.adapters.cipher import AesGcmSealer, key_id
from services.claims.application.privacy.rotate_keys import KeysUsed, keys_used, rotate
from shared.db.pool import open_pool
from shared.errors import Fatal, Retryable
from shared.running_stack import data_dir_option

CONNECTION: Final = "rucor-bank-key-cli"


@click.command("new-bank-key")
@data_dir_option
def new_bank_key(data_dir: Path) -> None:
    """Make a new key for bank accounts, forms and files; the stack seals with it from its next start on."""
    try:
        made = credentials.new_bank_key(data_dir)
    except StackError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"new key {_name(made.bank_key)}; {len(made.bank_keys_old)} older one(s) kept to open what they sealed")
    click.echo("Back up secrets.json, restart the stack, then run `rucor claims rotate-bank-key`.")


@click.command("bank-keys")
@data_dir_option
def bank_keys(data_dir: Path) -> None:
    """Which keys are known, and what is sealed with each."""
    info = _running(data_dir)
    used = asyncio.run(_used(info))
    for i, key in enumerate(_keys(info)):
        tables = [name for name, ids in used.by_table.items() if key_id(base64.b64decode(key)) in ids]
        click.echo(f"{_name(key)}  {'seals' if i == 0 else 'opens'}  used in: {', '.join(tables) or 'nothing'}")


@click.command("rotate-bank-key")
@data_dir_option
def rotate_bank_key(data_dir: Path) -> None:
    """Seal with the present key whatever an older one sealed, while the service runs; then forget the older ones.

    It may be broken off and begun again at any moment."""
    info = _running(data_dir)
    try:
        present = credentials.load(data_dir).bank_key
        if present != info.keys["bank"]:
            raise click.ClickException("the running stack does not know the newest key yet: restart it, then come back")
        moved = asyncio.run(_rotate(info))
        if old := _keys(info)[1:]:
            credentials.forget_old_bank_keys(data_dir, old)
    except (StackError, Fatal, Retryable) as error:
        raise click.ClickException(str(error)) from None
    for name, count in sorted(moved.items()):
        click.echo(f"{name}: {count:,}")
    click.echo(
        f"{moved.total():,} value(s) sealed again; everything is sealed with {_name(present)}, older keys are forgotten"
    )


async def _rotate(info: StackInfo) -> Counter[str]:
    moved: Counter[str] = Counter()
    pool = await open_pool(info.dsns["claims"]["worker"], name=CONNECTION, size=1)
    try:
        await rotate(pool, sealer_of(info), lambda name, count: moved.update({name: count}))
    finally:
        await pool.close()
    return moved


async def _used(info: StackInfo) -> KeysUsed:
    pool = await open_pool(info.dsns["claims"]["worker"], name=CONNECTION, size=1)
    try:
        return await keys_used(pool)
    finally:
        await pool.close()


def _running(data_dir: Path) -> StackInfo:
    try:
        return StackInfo.read(data_dir / FILE)
    except StackError as error:
        raise click.ClickException(str(error)) from None


def _keys(info: StackInfo) -> list[str]:
    """As the running stack has them, the present one first."""
    return [info.keys["bank"], *filter(None, info.keys.get("bank_old", "").split(","))]


def sealer_of(info: StackInfo) -> AesGcmSealer:
    return AesGcmSealer([base64.b64decode(key) for key in _keys(info)])


def _name(key: str) -> str:
    """What a key is called: sealed values say it too."""
    return key_id(base64.b64decode(key)).hex()
