from __future__ import annotations

import pytest

from tollspan_rater.config.model import Config, Export

OURS, THEIRS = Export(target="csv"), Export(target="csv", tenant="other")


@pytest.mark.parametrize(
    ("tenant", "names"), [("default", ["ours", "named"]), ("other", ["theirs"]), ("third", []), ("", [])]
)
def test_a_tenant_has_the_exports_that_name_it_and_the_files_tenant_those_that_name_none(
    tenant: str, names: list[str]
) -> None:
    config = Config(exports={"ours": OURS, "theirs": THEIRS, "named": Export(target="csv", tenant="default")})
    assert list(config.exports_of(tenant)) == names


def test_an_export_without_a_tenant_is_the_files() -> None:
    assert (Config(tenant="t").tenant_of(OURS), Config(tenant="t").tenant_of(THEIRS)) == ("t", "other")
