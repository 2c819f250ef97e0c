"""`python -m importer` is the console script `importer`."""

from importer.cli import main

if __name__ == "__main__":
    main()
