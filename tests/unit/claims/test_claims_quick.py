"""Where statements are worked out."""

from threading import get_ident

from services.claims.application.statement.quick import DAYS_MAX, worked_out


async def test_a_statement_of_two_years_is_worked_out_where_it_was_read_and_a_fleets_in_a_thread() -> None:
    here = get_ident()
    assert await worked_out([{"one": range(DAYS_MAX)}], get_ident) == here
    assert await worked_out([{"one": range(DAYS_MAX), "other": range(1)}], get_ident) != here
    assert await worked_out([{"one": range(DAYS_MAX)}, {"one": range(1)}], get_ident) != here, "of one device twice"
    assert await worked_out([{}], max, 3, 7) == 7
