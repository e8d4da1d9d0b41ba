"""How long looking back takes: media hashes in a real database, streamed past new entries.

Run it as `python -m bench.look_back`; `N=1000000` sets the number of pieces of media. The database
is made for this in a temporary folder and removed at the end.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from openhaven.core import new_id, system, utcnow
from openhaven.exchange import lookback
from openhaven.signals.banks import Banks, create_bank
from openhaven.storage import Database, migrate, postgres

ME = system("bench")
NEW = (10, 1_000, 100_000)
_MEDIA = """INSERT INTO media (id, platform, sha256, md5, pdq, quality, type, bytes, event,
              created_at)
            SELECT 'med_' || lpad(i::text, 26, '0'), 'plt_bench', sha256(('s' || i)::bytea),
              decode(md5(i::text), 'hex'), sha256(('p' || i)::bytea), 90, 'image/jpeg', 1, i,
              %(now)s FROM generate_series(1, %(n)s) AS i"""
_ENTRIES = """INSERT INTO bank_entries (bank, value, quality, provenance, added_by, added_at)
              SELECT %(bank)s, sha256((%(bank)s || i)::bytea), 90, '', 'system:bench', %(now)s
              FROM generate_series(1, %(n)s) AS i"""


def main() -> None:
    """Print one line of JSON for each number of new entries."""
    home, media = Path(tempfile.mkdtemp(prefix="oh-bench-")), int(os.environ.get("N", "1000000"))
    server = postgres.start(home, password=new_id("pw"), say=lambda _: None)
    try:
        migrate(server.url)
        db = Database(server.url, bytes(32))
        with db.begin(ME) as tx:
            tx.run(_MEDIA, n=media, now=utcnow())
        with db.begin(ME) as tx:
            tx.run("ANALYZE media")
        for new in NEW:
            sys.stdout.write(json.dumps(measured(db, media, new)) + "\n")
        db.close()
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


def measured(db: Database, media: int, new: int) -> dict[str, float]:
    """Return what a run over `new` entries costs in seconds, and per ten million media."""
    name = f"bank-{new}"
    with db.begin(ME) as tx:
        bank = create_bank(tx, name, kind="pdq", harm="csam.known", owner="us", purpose="").id
        tx.run(_ENTRIES, bank=bank, n=new, now=utcnow())
    with db.begin(ME) as tx:
        run = lookback.ask(tx, name)
        tx.run("UPDATE look_backs SET created_at = created_at - interval '1 hour'")
    banks = Banks()
    with db.read() as tx:
        banks.refresh(tx)
    clock, processor = time.perf_counter(), time.process_time()
    while lookback.look_back_due(db, banks):
        pass
    seconds, cpu = time.perf_counter() - clock, time.process_time() - processor
    with db.read() as tx:
        done = lookback.look_back(tx, run)
    if done.looked != media or done.state != "done":
        raise SystemExit(f"it did not come to its end: {done}")
    return {"media": media, "new entries": new, "matches": done.matches,
            "seconds": round(seconds, 2), "processor": round(cpu, 2),
            "seconds per 10 M": round(seconds * 10_000_000 / media, 1)}  # fmt: skip


if __name__ == "__main__":
    main()
