"""`python -m amongo.cli`: the same as the `amongo` script."""

from amongo.cli import main

if __name__ == "__main__":
    main()
