"""The register of interventions: a file that people and programs may both change."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from aggregate.effects.register import DocumentRegister, identifier_of
from core.errors import AlreadyThere, NotFound, StoreError
from core.interventions import Intervention, InterventionKind
from core.shelf_folder import FolderShelf
from core.shelf_memory import MemoryShelf

MAY = datetime(2026, 5, 4, tzinfo=UTC)
NAME = "city.interventions"


def kerb(name="kerb", start=MAY, **more):
    return Intervention(
        id=name, name="Wider pavement", kind=InterventionKind.WIDER_PAVEMENT, zones=("06710:north",), lat=51.5,
        lon=-0.1, start=start, registered_at=MAY, **more,
    )  # fmt: skip


@pytest.fixture(params=["file", "memory"])
def register(request, tmp_path):
    shelf = FolderShelf(tmp_path / "deep") if request.param == "file" else MemoryShelf()
    return DocumentRegister(shelf, NAME)


def in_file(path):
    return DocumentRegister(FolderShelf(path.parent), path.name)


def test_what_is_added_is_there_by_start_and_what_is_removed_is_not(register):
    assert register.all() == ()
    register.add(kerb("late", MAY + timedelta(days=9)))
    register.add(kerb("early"))
    assert [one.id for one in register.all()] == ["early", "late"]
    assert register.get("late").start == MAY + timedelta(days=9)
    assert register.remove("early").id == "early"
    assert [one.id for one in register.all()] == ["late"]


def test_an_id_is_there_once_and_one_that_is_not_is_said_to_be_missing(register):
    register.add(kerb())
    with pytest.raises(AlreadyThere, match="'kerb' already"):
        register.add(kerb(start=MAY + timedelta(days=1)))
    assert register.get("kerb").start == MAY
    for asked in (register.get, register.remove):
        with pytest.raises(NotFound, match="'curb'"):
            asked("curb")


def test_the_file_is_plain_and_another_register_reads_it_at_once(tmp_path):
    path = tmp_path / "city.interventions"
    one, other = in_file(path), in_file(path)
    assert other.all() == ()
    one.add(kerb(note="scheme 117"))
    assert other.all() == (kerb(note="scheme 117"),)
    written = json.loads(path.read_text())
    assert written["interventions"][0]["start"] == "2026-05-04T00:00:00Z"
    assert "end" not in written["interventions"][0]
    written["interventions"][0]["name"] = "mended by hand"
    path.write_text(json.dumps(written))
    assert one.get("kerb").name == "mended by hand"
    path.unlink()
    assert one.all() == ()


def test_many_at_once_lose_nothing(tmp_path):
    """Threads of several registers on one file, as the service and the command are."""
    registers = [in_file(tmp_path / NAME) for _ in range(3)]
    threads = [
        threading.Thread(target=register.add, args=(kerb(f"k{at}-{number}"),))
        for at, register in enumerate(registers)
        for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registers[0].all()) == 18
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "city.interventions"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "line 1: this is no JSON"),
        ('{"interventions": [{"id": "x"}]}', "interventions.0.name: Field required"),
        ('{"interventons": []}', "interventons: Extra inputs"),
        ("[]", "the top"),
    ],
)
def test_a_file_that_is_none_says_where(tmp_path, text, told):
    path = tmp_path / "city.interventions"
    path.write_text(text)
    with pytest.raises(StoreError) as raised:
        in_file(path).all()
    assert told in raised.value.message
    assert str(path) in raised.value.message
    assert raised.value.remedy


def test_an_id_that_stands_twice_in_the_file_is_refused(tmp_path):
    path = tmp_path / "city.interventions"
    row = kerb().model_dump(mode="json")
    path.write_text(json.dumps({"interventions": [row, row]}))
    with pytest.raises(StoreError, match="two interventions 'kerb'"):
        in_file(path).all()


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be"):
        in_file(tmp_path / "file" / NAME).add(kerb())


def test_ids_are_made_of_name_and_date_and_are_free(register):
    assert identifier_of("Tooley St: wider pavement!", MAY, register) == "tooley-st-wider-pavement-2026-05-04"
    assert identifier_of("Länsiväylä", MAY, register) == "lansivayla-2026-05-04"
    assert identifier_of("出口", MAY, register) == "intervention-2026-05-04"
    register.add(kerb("kerb-2026-05-04"))
    register.add(kerb("kerb-2026-05-04-2"))
    assert identifier_of("Kerb", MAY, register) == "kerb-2026-05-04-3"
    assert len(identifier_of("x" * 500, MAY, register)) <= 120


YESTERDAY = """{
  "interventions": [
    {
      "id": "kerb",
      "name": "Wider pavement",
      "kind": "wider_pavement",
      "zones": [
        "06710:north"
      ],
      "spill_zones": [],
      "lat": 51.5,
      "lon": -0.1,
      "start": "2026-05-04T00:00:00Z",
      "registered_at": "2026-05-04T00:00:00Z"
    }
  ]
}
"""


def test_a_file_of_an_older_version_goes_on_as_it_is(tmp_path):
    """To the byte: people keep it under version control."""
    path = tmp_path / NAME
    path.write_text(YESTERDAY)
    register = in_file(path)
    assert register.all() == (kerb(),)
    register.add(kerb("later", MAY + timedelta(days=1)))
    register.remove("later")
    assert path.read_text() == YESTERDAY
