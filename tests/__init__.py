"""The tests. They begin with no settings of HBNB's: importing `models` opens the store that these name."""
import os

for _name in [name for name in os.environ if name.startswith("HBNB_") and not name.startswith("HBNB_TEST_")]:
    del os.environ[_name]
os.environ["HBNB_FILE_PATH"] = "/nonexistent/file.json"
