"""Production accepts only archives that passed the functional tests on staging."""
from __future__ import annotations

from tests.deploy.fleet import commands
from tests.deploy.test_failures import unchanged


def test_production_accepts_only_archives_that_passed_on_staging(live):
    strict = live.folder / "strict.toml"
    strict.write_text(live.config.read_text().replace("[production]\n", '[production]\ntested_on = "staging"\n'))

    def fab(*command: str) -> tuple[int, str]:
        ended = live.fab(*command, HBNB_DEPLOY=str(strict))
        return ended.returncode, ended.stdout

    live.commit()
    with unchanged(live):
        status, output = fab("production", "deploy")
    assert status == 3, output
    assert "is not tested" in output
    tests = live.checkout / "tests" / "functional" / "test_site.py"
    original = tests.read_text()
    tests.write_text("def test_the_site():\n    assert False\n")
    status, output = fab("staging", "deploy", "test")
    assert status == 1, output
    assert "did not pass" in output
    assert fab("production", "deploy")[0] == 3
    tests.write_text(original)
    before = live.current()
    for command in commands("next"):
        with live.visitors():
            status, output = fab(*command)
        assert status == 0, output
        if "deploy" in command:
            assert live.current().endswith(live.head())
    assert live.current() == before
