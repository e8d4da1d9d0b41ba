"""What was acted on is there when somebody contests it, months later."""

from datetime import timedelta
from typing import Any

import pytest
from line_scene import Scene, event
from pictures import encoded, picture

from openhaven import intake, records
from openhaven.core import utcnow
from openhaven.intake import MediaFacts


def sent(here: Scene, data: bytes) -> str:
    found = here.haven.hasher.hash(data)
    facts = MediaFacts(id="", sha256=found.sha256, md5=found.md5, type=found.type, size=len(data),
                       pdq=found.pdq, quality=found.quality, unknown=found.unknown)  # fmt: skip
    with here.haven.db.begin(here.actor) as tx:
        return intake.accept_media(tx, here.haven.blobs, here.platform, data, facts).id


def forget(here: Scene, days: float) -> None:
    haven = here.haven
    later = utcnow() + timedelta(days=days)
    records.retain(haven.db, haven.blobs, haven.settings.retention, later)


def test_a_file_that_somebody_else_had_posted_first(here: Scene) -> None:
    media = sent(here, encoded(picture(), "PNG"))
    posted: dict[str, Any] = {"id": "i1", "media": [{"id": media}]}
    here.accept(event(account={"id": "first"}, item=posted))
    here.work()
    shared = {"id": "i2", "text": "zorgblat", "media": [{"id": media}]}
    here.accept(event(account={"id": "second"}, item=shared))
    here.work()
    assert here.rows("SELECT account FROM decisions") == [{"account": "second"}]
    forget(here, 180)
    assert here.haven.blobs.get(media) is not None
    forget(here, 220)
    assert here.haven.blobs.get(media) is None


@pytest.mark.parametrize("outcome", ["warn", "suspend"])
def test_what_was_only_a_ground_for_it(here: Scene, outcome: str) -> None:
    body = event(item={"id": "i1", "type": "post", "text": "flumquist"})
    here.accept(body)
    here.work()
    here.judge(here.reviewer("one"), here.verdict(body["id"])["task"], outcome)
    here.work()
    held = "SELECT count(*) AS n FROM events WHERE body IS NOT NULL"
    forget(here, 180)
    assert here.rows(held) == [{"n": 1}]
    forget(here, 220)
    assert here.rows(held) == [{"n": 0}]
