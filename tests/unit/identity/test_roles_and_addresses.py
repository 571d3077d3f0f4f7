"""Roles by title and slug; local addresses."""

from __future__ import annotations

import pytest

from app.identity.addresses import safe_next
from app.identity.errors import UnknownRole
from app.identity.roles import Role, role_from_slug, role_from_title, role_title


def test_every_role_is_found_by_its_title_and_its_slug() -> None:
    assert len({role.title for role in Role}) == len(Role)
    for role in Role:
        assert role_from_title(role.title) is role
        assert role_from_slug(role.value) is role
        assert role_title(role.value) == role.title


def test_a_lanes_name_is_read_whatever_its_capitals_and_spaces() -> None:
    assert role_from_title("  marac   CO-ORDINATOR ") is Role.MARAC_COORDINATOR
    assert role_from_title("Reviewer") is None
    assert role_title("reviewer") == "reviewer"
    with pytest.raises(UnknownRole):
        role_from_slug("reviewer")


def test_roles_of_the_area_are_held_without_an_agency() -> None:
    assert Role.AGENCY_SPOC.of_agency
    assert Role.POLICE_REPRESENTATIVE.of_agency
    assert not Role.MARAC_CHAIR.of_agency
    assert not Role.OPERATOR.of_agency


@pytest.mark.parametrize("address", ["/", "/cases", "/cases/5?tab=people&x=%2F%2Fy", "/signs", "/sign-in-help"])
def test_a_path_of_this_server_is_kept(address: str) -> None:
    assert safe_next(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "cases",
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/ /evil.example",
        "javascript:alert(1)",
        "/sign-in",
        "/sign-in?next=/x",
        "/sign-in/callback?code=1",
        "/sign-out",
        "/sign-out/done",
        "/x\x7f",
        "/" + "x" * 3000,
    ],
)
def test_everything_else_leads_home(address: str | None) -> None:
    assert safe_next(address) == "/"
