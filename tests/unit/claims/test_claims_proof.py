"""Salted leaves: every field can be shown alone, and no other can be guessed from them (rule RE2)."""

import hashlib
import hmac
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.domain.claim.proof import OPEN, Leaf, faults, field_salt, fields_of, leaf_hash, leaves_of, root_of
from shared.contracts.claim import FormSnapshot, LicenceReport

SALT = bytes(range(32))
FORM: dict[str, Any] = {
    "claim_number": "RUCOR-000001",
    "applicant_name": "Hill Farms Limited",
    "bank_account": "0102420100194000",
    "lines": [{"plate": "ABC123", "distance_km": 512}, {"plate": "ABC123", "distance_km": 7}],
    "notes": [],
}


def test_RE2_the_published_scheme_in_so_many_words() -> None:
    salt = hmac.digest(SALT, b"claim_number", "sha256")
    leaf = hashlib.sha256(b"\0" + salt + b'claim_number\0"RUCOR-000001"').digest()
    assert leaf_hash(field_salt(SALT, "claim_number"), "claim_number", "RUCOR-000001") == leaf
    one, two, three = (Leaf(path, hashlib.sha256(path.encode()).hexdigest()) for path in "abc")
    a, b, c = (bytes.fromhex(each.hash) for each in (one, two, three))
    pair = hashlib.sha256(b"\1" + a + b).digest()
    assert root_of([one]) == a
    assert root_of([one, two, three]) == hashlib.sha256(b"\1" + pair + c).digest()


def test_RE2_open_fields_have_their_salt_and_personal_ones_their_hash_alone() -> None:
    leaves = {leaf.path: leaf for leaf in leaves_of("form", FORM, SALT)}
    assert list(leaves) == [
        "applicant_name",
        "bank_account",
        "claim_number",
        "lines#",
        "lines/00000",
        "lines/00001",
        "notes",
    ]
    shown = {path for path, leaf in leaves.items() if leaf.salt is not None}
    assert shown == {"claim_number", "lines#", "lines/00000", "lines/00001"}
    assert leaves["lines/00001"].value == {"plate": "ABC123", "distance_km": 7}
    assert leaves["lines#"].value == 2
    assert all(leaf.value is None for path, leaf in leaves.items() if path not in shown)


def test_RE2_a_field_is_shown_with_its_salt_and_a_changed_one_is_found() -> None:
    leaves = leaves_of("form", FORM, SALT)
    root = root_of(leaves).hex()
    assert faults(root, leaves) == []
    at = [leaf.path for leaf in leaves].index("bank_account")
    salt = field_salt(SALT, "bank_account").hex()
    leaves[at] = replace(leaves[at], salt=salt, value=FORM["bank_account"])
    assert faults(root, leaves) == [], "one personal field, without the others"
    wrong = [*leaves[:at], replace(leaves[at], value="0102420100194001"), *leaves[at + 1 :]]
    assert faults(root, wrong) == ["bank_account: is not what was lodged"]
    assert faults(root, leaves[:-1]) == ["the leaves do not make the root"]
    assert faults(root, [*leaves, leaves[-1]]) == ["the leaves are not in order, or one is there twice"]
    assert faults(root, []) == ["the leaves do not make the root"]


def test_RE2_equal_values_have_different_leaves() -> None:
    leaves = leaves_of("report", {"a": "x", "b": "x"}, SALT)
    assert len({leaf.hash for leaf in leaves}) == 2
    assert leaves_of("report", {"a": "x"}, SALT)[0].hash != leaves_of("report", {"a": "x"}, bytes(32))[0].hash


@pytest.mark.parametrize(("kind", "contract"), [("form", FormSnapshot), ("report", LicenceReport)])
def test_RE2_what_is_open_is_a_field_of_the_document_and_nothing_of_a_person(kind: str, contract: type) -> None:
    fields = set(contract.__struct_fields__)  # type: ignore[attr-defined]
    assert OPEN[kind] <= fields
    personal = {"applicant_name", "claimant_name", "email", "phone", "address", "bank_account", "bank_account_name", "person_completing",
                "customer_number", "travel_description", "notes", "vehicle", "plate", "days", "tracks", "roads", "findings"}  # fmt: skip
    assert not OPEN[kind] & personal


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(alphabet="abcdef_", min_size=1), json_values, min_size=1))
def test_RE2_every_document_has_each_field_once_and_its_root_checks(document: dict[str, Any]) -> None:
    leaves = leaves_of("form", document, SALT)
    assert faults(root_of(leaves).hex(), leaves) == []
    assert len(leaves) == len(list(fields_of(document)))
