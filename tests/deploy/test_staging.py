"""Production takes the bytes that passed the functional tests on staging, and no others."""
from __future__ import annotations

from tests.deploy.fleet import commands
from tests.deploy.test_failures import unchanged


def test_production_takes_what_passed_on_staging_and_nothing_else(live):
    strict = live.folder / "strict.toml"
    strict.write_text(live.config.read_text().replace("[production]\n", '[production]\ntested_on = "staging"\n'))

    def fab(*command: str) -> tuple[int, str]:
        ended = live.fab(*command, HBNB_DEPLOY=str(strict))
        return ended.returncode, ended.stdout

    live.commit()
    with unchanged(live):
        status, said = fab("production", "deploy")
    assert status == 3, said
    assert "is not tested" in said
    tests = live.checkout / "tests" / "functional" / "test_site.py"
    as_it_is = tests.read_text()
    tests.write_text("def test_the_site():\n    assert False\n")
    status, said = fab("staging", "deploy", "test")
    assert status == 1, said
    assert "did not pass" in said
    assert fab("production", "deploy")[0] == 3
    tests.write_text(as_it_is)
    before = live.current()
    for command in commands("next"):
        with live.guests():
            status, said = fab(*command)
        assert status == 0, said
        if "deploy" in command:
            assert live.current().endswith(live.head())
    assert live.current() == before
