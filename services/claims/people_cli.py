"""`rucor people add`: the first people of a tenant, put in by who runs the system; the others come in through the API."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import click
from pydantic import ValidationError

from services.claims.api.people.people_schemas import PersonBody
from services.claims.application.people.add_person import add_person
from services.claims.domain.instants import from_ms
from services.claims.domain.register.roles import ROLES
from services.claims.repo import tenants
from services.claims.repo.people import PersonRow
from shared import command_log
from shared.clock import new_id, system_clock
from shared.command_log import login_name
from shared.db.pool import open_pool, tenant_tx
from shared.http.auth import OPERATOR
from shared.http.problems import Problem, words_of
from shared.running_stack import data_dir_option, dsn_of

CONNECTION: Final = "rucor-claims-people-cli"


async def add(worker_dsn: str, tenant: UUID, body: PersonBody, by: str) -> PersonRow:
    """Raises Problem as the API does, LookupError for a tenant that is not there."""
    row = PersonRow(
        id=new_id(), created_at=from_ms(system_clock()), created_by=by, active=True, roles=sorted(set(body.roles)),
        linked=False, **body.model_dump(include={"ref", "name", "email"}),
    )  # fmt: skip
    pool = await open_pool(worker_dsn, name=CONNECTION, size=1)
    try:
        async with tenant_tx(pool, tenant) as conn:
            if await tenants.tenant_name(conn, tenant) is None:
                raise LookupError(f"there is no tenant {tenant}")
            await command_log.note(conn, tenant, "rucor people add", {"person_id": str(row.id)}, by)
            return await add_person(conn, tenant, row, None)
    finally:
        await pool.close()


@click.command("add")
@click.option("--tenant", type=click.UUID, help="The tenant's id.")
@click.option("--operator", is_flag=True, help="One of those who run the system (role ops) instead of a tenant's.")
@click.option("--name", required=True, help="As it stands under what the person does.")
@click.option("--email", required=True, help="By which the person's first sign-in is known.")
@click.option("--role", "roles", type=click.Choice(ROLES), multiple=True, help="Repeatable.")
@click.option("--by", default=login_name, show_default="your login name", help="Who adds the person.")
@data_dir_option
def people_add(
    *, tenant: UUID | None, operator: bool, name: str, email: str, roles: Sequence[str], by: str, data_dir: Path
) -> None:
    """Add a person to a tenant and print their id.  They sign in at the OpenID provider that is set."""
    if operator == (tenant is not None):
        raise click.UsageError("give either --tenant or --operator")
    try:
        body = PersonBody.model_validate({"name": name, "email": email, "roles": list(roles), "actor": by})
        row = asyncio.run(add(dsn_of(data_dir, "claims"), tenant or OPERATOR, body, by))
    except ValidationError as error:
        told = "; ".join(f"{one['loc'][0] if one['loc'] else ''}: {words_of(one)}" for one in error.errors())
        raise click.ClickException(told) from None
    except Problem as problem:
        named = "".join(f" {one['detail']}" for one in problem.extra.get("errors", ()))
        existing = f" It is {problem.extra['existing_id']}." if "existing_id" in problem.extra else ""
        raise click.ClickException(f"{problem.title}. {problem.detail}{named}{existing}") from None
    except LookupError as error:
        raise click.ClickException(str(error)) from None
    click.echo(str(row.id))
    click.echo(f"for the embedded stack's own sign-in: rucor people password {row.email}", err=True)
