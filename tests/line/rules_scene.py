"""Small packs in force in a wired house, and what people then do with them."""

from typing import Any

from line_scene import OPERATOR, Scene, post
from policy_scene import FILES, MANIFEST

from openhaven import decisions, policy
from openhaven.policy.load import load_texts

REMOVE = {"outcome": "remove", "harm": "spam"}


def put_in_force(here: Scene, *rules: str, manifest: str = MANIFEST) -> policy.Pack:
    """Put the small pack with these rules in force, without asking a second person."""
    pack = load_texts({**FILES, "pack.toml": manifest, "rules.yaml": "".join(rules)})
    with here.haven.db.begin(OPERATOR) as tx:
        policy.register(tx, pack)
    here.haven.packs.swap(policy.in_force(pack, here.haven.banks))
    return pack


def say(here: Scene, *texts: str, **parts: Any) -> list[dict[str, Any]]:
    """Send posts, let the worker work, and return their verdicts."""
    bodies = [post(text, **parts) for text in texts]
    here.accept(*bodies)
    here.work()
    return [here.verdict(body["id"]) for body in bodies]


def numbers(here: Scene, name: str) -> policy.Standing:
    with here.haven.db.read() as tx:
        return next(one for one in policy.standing(tx, [name]) if one.rule == name)


def appeal(here: Scene, made: str) -> str:
    """Appeal against a decision; return the id of the task."""
    with here.haven.db.begin(OPERATOR) as tx:
        decisions.appeal(tx, decisions.decision(tx, made), "I think that you misread it.")
    sql = """SELECT t.id FROM tasks t JOIN appeals a ON a.id = t.appeal
             WHERE a.decision = %(d)s"""
    return str(here.rows(sql, d=made)[0]["id"])
