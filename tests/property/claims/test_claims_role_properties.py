"""However roles are given, keys made and tokens narrowed, nobody comes to more than the first of them had (rule PA2)."""

from dataclasses import replace
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from services.claims.application.people.person_roles import check_within as check_roles_within
from services.claims.cli import NAMED_SCOPES, OPERATOR_SCOPES, SCOPES
from services.claims.domain.register.roles import ELSEWHERE, ROLES, Role, scopes_of
from shared.clock import new_id
from shared.http.auth import Principal, opened_by
from shared.http.key_routes import check_within as check_key_within
from shared.http.problems import Problem

TENANT: Final = new_id()
EVERY_SCOPE: Final = sorted({*SCOPES, *NAMED_SCOPES, *OPERATOR_SCOPES})
Roles = list[Role]

some_roles = st.lists(st.sampled_from(ROLES), max_size=3, unique=True)
some_scopes = st.lists(st.sampled_from(EVERY_SCOPE), min_size=1, max_size=6, unique=True)
people = st.builds(lambda roles: Principal(TENANT, "p", scopes_of(roles), "Mary"), some_roles)
machines = st.builds(lambda scopes: Principal(TENANT, "k", opened_by(scopes)), some_scopes)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("role"), some_roles),
        st.tuples(st.just("key"), some_scopes),
        st.tuples(st.just("narrow"), some_scopes),
    ),
    max_size=12,
)


def after(who: Principal, act: str, what: list[str]) -> Principal | None:
    """Whom the step makes; None: it is refused."""
    try:
        if act == "role":
            roles = [role for role in ROLES if role in what]
            check_roles_within(who, roles)
            return Principal(TENANT, "p", scopes_of(roles), "Joe")
        if act == "key":
            check_key_within(who, what)
            return Principal(TENANT, "k", opened_by(what))
        return replace(who, scopes=who.scopes & frozenset(what))
    except Problem:
        return None


@given(st.one_of(people, machines), steps)
def test_PA2_narrower_never_becomes_wider(first: Principal, ways: list[tuple[str, list[str]]]) -> None:
    """A claims key speaks for the other services only where it names them, so what people get there through it is not counted."""
    who = first
    for act, what in ways:
        made = after(who, act, what)
        if made is not None:
            wider = made.scopes - who.scopes
            assert wider <= (ELSEWHERE if who.person is None and act == "role" else frozenset())
            who = made
    assert who.scopes - ELSEWHERE <= first.scopes


@given(people, some_roles)
def test_PA2_a_person_gives_exactly_the_roles_whose_scopes_they_have(who: Principal, roles: Roles) -> None:
    given_on = after(who, "role", list(roles))
    assert (given_on is not None) == (scopes_of(roles) <= who.scopes)


@given(st.one_of(people, machines), some_scopes)
def test_PA2_a_key_is_made_of_exactly_what_its_maker_may_do(who: Principal, scopes: list[str]) -> None:
    assert (after(who, "key", scopes) is not None) == (opened_by(scopes) <= who.scopes)
