"""How rules change: draft, check, propose, a second person's word, in force, back again.

What is in force is the last row of `packs_in_force`, to which rows are only added. Each process
looks at it twice a second (`follow`) and is told by the database; it compiles what is new beside
its work and swaps pack and signals as one. Who wrote any of a draft cannot approve it: the verbs
refuse it, and so does the database. Files are tried in a process of their own (`try_out`), so
that no draft can stall the service.
"""

from openhaven.policy.publishing.actions import (
    approve,
    bring_up_to_date,
    edit_draft,
    note_trial,
    reject,
    start_draft,
    withdraw,
)
from openhaven.policy.publishing.archive import unpacked
from openhaven.policy.publishing.force import roll_back
from openhaven.policy.publishing.jobs import follow, start
from openhaven.policy.publishing.model import Draft, Fault, Review, Standing, Trial
from openhaven.policy.publishing.shadow import Record, promote, shadow_record, shadow_rules
from openhaven.policy.publishing.steps import check, propose, propose_files, publish
from openhaven.policy.publishing.store import (
    draft,
    drafts,
    files_of,
    files_of_pack,
    history,
    names,
    others_may_publish,
    review_of,
    standing,
)
from openhaven.policy.publishing.trying import try_out

__all__ = [
    "Draft",
    "Fault",
    "Record",
    "Review",
    "Standing",
    "Trial",
    "approve",
    "bring_up_to_date",
    "check",
    "draft",
    "drafts",
    "edit_draft",
    "files_of",
    "files_of_pack",
    "follow",
    "history",
    "names",
    "note_trial",
    "others_may_publish",
    "promote",
    "propose",
    "propose_files",
    "publish",
    "reject",
    "review_of",
    "roll_back",
    "shadow_record",
    "shadow_rules",
    "standing",
    "start",
    "start_draft",
    "try_out",
    "unpacked",
    "withdraw",
]
