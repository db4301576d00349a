"""What an $out leaves when the process ends in its midst is gone after the next opening."""

from pathlib import Path

from amongo.commands.instance import Instance


def test_temporary_collections_do_not_outlive_an_opening(tmp_path: Path) -> None:
    path = str(tmp_path / "store")
    instance = Instance.open(path)
    instance.store.create("db.tmp.agg_out.left", {"temp": True})
    instance.store.create("db.stays", {})
    instance.close()
    instance = Instance.open(path)
    assert [each.namespace for each in instance.store.catalog.collections("db")] == ["db.stays"]
    instance.close()
