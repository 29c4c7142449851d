"""Fill an empty store: `python -m sample`."""
from __future__ import annotations

import models
from config import Settings
from errors import HBNBError
from sample import Sample
from sample.fill import fill_with_people
from sample.people import PEOPLE


def main() -> None:
    if (env := Settings.from_environ().env) != "dev":
        print(f"HBNB_ENV is {env}: sample data is added in dev only. Nothing was added.")
        return
    if models.storage.count():
        print("The store holds objects already. Nothing was added.")
        return
    report = fill_with_people(Sample())
    counts = ", ".join(f"{count} {models.classes[name].__tablename__}" for name, count in report.new.items())
    print(f"The store was empty. Sample data was added: {counts}.")
    for person in PEOPLE:
        print(f"To try HBNB as {'an' if person.role == 'admin' else 'a'} {person.role}, log in as {person.email} with "
              f"the password {person.password}.")


if __name__ == "__main__":
    try:
        main()
    except HBNBError as error:
        raise SystemExit(f"hbnb: {error}") from None
