"""People of a tenant and their roles (rule PA2)."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.context import Context, Ctx, Reader, command, query
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.api.people.people_schemas import (
    ActBody,
    CorrectBody,
    DeactivateBody,
    PersonAnswer,
    PersonBody,
    PersonHistoryAnswer,
    RoleBody,
)
from services.claims.api.standing import still_holds
from services.claims.application.people.add_person import add_person
from services.claims.application.people.correct_person import correct_person
from services.claims.application.people.person_leave import activate, deactivate, unlink
from services.claims.application.people.person_roles import (
    LOCK,
    check_roles,
    check_within,
    end_role,
    give_role,
    the_person,
)
from services.claims.application.refusals import not_found
from services.claims.domain.instants import from_ms
from services.claims.domain.register.roles import Role
from services.claims.repo import people
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.people import PersonRow
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.auth import Principal
from shared.http.guards import require

SCOPE = "people:write"
Manager = Annotated[Principal, Depends(require(SCOPE))]

router = APIRouter(prefix="/people", tags=["people"])


async def _manages(conn: Connection, context: Context, who: Principal) -> None:
    """Who changes people holds still, and nobody else does until the transaction ends.  Raises Problem 401."""
    await one_at_a_time(conn, who.tenant_id, LOCK)
    await still_holds(conn, context, who)


async def create_person(conn: Connection, who: Principal, context: Context, body: PersonBody) -> PersonRow:
    """For the single POST and for a line of an import.  Raises Problem 401, 403 for roles wider than the caller's scopes."""
    check_roles(who.tenant_id, body.roles)
    check_within(who, body.roles)
    await _manages(conn, context, who)
    row = PersonRow(
        id=new_id(), created_at=from_ms(context.clock()), created_by=actor_of(who, body.actor), active=True,
        roles=sorted(set(body.roles)), linked=body.issuer is not None, **body.model_dump(include={"ref", "name", "email"}),
    )  # fmt: skip
    identity = None if body.issuer is None or body.subject is None else (body.issuer, body.subject)
    return await add_person(conn, who.tenant_id, row, identity)


@router.post("", status_code=201, response_model=PersonAnswer)
async def post_person(request: Request, who: Manager, context: Ctx, body: PersonBody) -> Response:
    async def effect(conn: Connection) -> PersonAnswer:
        return PersonAnswer.model_validate(await create_person(conn, who, context, body))

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("")
async def get_people(
    who: Reader, context: Ctx, page: Paged, email: Annotated[str | None, Query(max_length=254)] = None
) -> ListAnswer[PersonAnswer]:
    rows = await query(context, who.tenant_id, lambda conn: people.people(conn, who.tenant_id, page, email))
    return listed(page, rows, PersonAnswer.model_validate)


@router.get("/{person_id}")
async def get_person(who: Reader, context: Ctx, person_id: UUID) -> PersonHistoryAnswer:
    """With who gave and ended each role, and when."""

    async def read(conn: Connection) -> PersonHistoryAnswer:
        row = await people.person(conn, who.tenant_id, person_id)
        if row is None:
            raise not_found("person", person_id)
        roles = await people.role_history(conn, who.tenant_id, person_id)
        leaves = await people.leaves(conn, who.tenant_id, person_id)
        corrected = await people.corrections(conn, who.tenant_id, person_id)
        told = {**vars(row), "role_history": roles, "deactivations": leaves, "corrections": corrected}
        return PersonHistoryAnswer.model_validate(told)

    return await query(context, who.tenant_id, read)


async def _act(
    request: Request, who: Principal, context: Context, body: ActBody | RoleBody,
    act: Callable[[Connection, datetime, str], Awaitable[PersonRow]],
) -> Response:  # fmt: skip
    """`act` is told when and by whom."""

    async def effect(conn: Connection) -> PersonAnswer:
        await _manages(conn, context, who)
        return PersonAnswer.model_validate(await act(conn, from_ms(context.clock()), actor_of(who, body.actor)))

    return await command(request, context, who.tenant_id, 200, effect)


@router.post("/{person_id}/roles", response_model=PersonAnswer)
async def post_role(request: Request, who: Manager, context: Ctx, person_id: UUID, body: RoleBody) -> Response:
    """One that opens no more than the caller may do."""
    check_roles(who.tenant_id, [body.role])
    check_within(who, [body.role])
    return await _act(
        request, who, context, body, lambda conn, at, by: give_role(conn, who.tenant_id, person_id, body.role, at, by)
    )


@router.post("/{person_id}/roles/{role}/end", response_model=PersonAnswer)
async def post_role_end(
    request: Request, who: Manager, context: Ctx, person_id: UUID, role: Role, body: ActBody
) -> Response:
    """The role stays in the person's history."""
    return await _act(
        request, who, context, body, lambda conn, at, by: end_role(conn, who.tenant_id, person_id, role, at, by)
    )


@router.post("/{person_id}/correct", response_model=PersonAnswer)
async def post_correction(request: Request, who: Manager, context: Ctx, person_id: UUID, body: CorrectBody) -> Response:
    """Put a name or e-mail right.

    How it read before stays in the person's history, and what they did keeps the name under which they did it."""

    async def act(conn: Connection, at: datetime, by: str) -> PersonRow:
        await _within(conn, who, person_id)
        return await correct_person(conn, who.tenant_id, person_id, body.name, body.email, body.reason, at, by)

    return await _act(request, who, context, body, act)


@router.post("/{person_id}/deactivate", response_model=PersonAnswer)
async def post_deactivation(
    request: Request, who: Manager, context: Ctx, person_id: UUID, body: DeactivateBody
) -> Response:
    """The person signs in no more and has no roles; tokens given before stop within 30 seconds."""
    return await _act(
        request,
        who,
        context,
        body,
        lambda conn, at, by: deactivate(conn, who.tenant_id, person_id, body.reason, at, by),
    )


@router.post("/{person_id}/activate", response_model=PersonAnswer)
async def post_activation(request: Request, who: Manager, context: Ctx, person_id: UUID, body: ActBody) -> Response:
    """Back again, without roles until they are given."""
    return await _act(
        request, who, context, body, lambda conn, at, by: activate(conn, who.tenant_id, person_id, at, by)
    )


@router.post("/{person_id}/unlink", response_model=PersonAnswer)
async def post_unlinking(request: Request, who: Manager, context: Ctx, person_id: UUID, body: ActBody) -> Response:
    """For a person with a new account at the provider: the next sign-in by their e-mail links that one."""

    async def act(conn: Connection, at: datetime, by: str) -> PersonRow:
        await _within(conn, who, person_id)
        return await unlink(conn, who.tenant_id, person_id, at, by)

    return await _act(request, who, context, body, act)


async def _within(conn: Connection, who: Principal, person_id: UUID) -> None:
    """Whoever changes by what a person is known could sign in as them.  Raises Problem 403, 404."""
    check_within(who, (await the_person(conn, who.tenant_id, person_id)).roles)
