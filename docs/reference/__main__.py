"""`python -m docs.reference`: write the pages of this folder anew from the registries and the docstrings."""

from pathlib import Path

from docs.reference.pages import pages

FOLDER = Path(__file__).parent


def main() -> None:
    """Write every page, and remove those that are none any more."""
    fresh = pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in fresh:
            old.unlink()
    for name, text in fresh.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(fresh)} pages in {FOLDER}")


if __name__ == "__main__":
    main()
