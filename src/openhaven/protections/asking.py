"""What each action asks for. In code and not in the data, so that no data takes a question away."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from openhaven.protections.model import Action

End = Literal["", "from", "to"]


class Asked(msgspec.Struct, frozen=True):
    """Which features an action asks for.

    `own` is a feature of the one who acts, or is shown something; `other` one of the account at the
    other end. With `one`, the action is about one account alone, which usually is at that end.
    `contact`: a stranger reaches somebody. `consent`: even a connection asks first. `voice`: more
    than text. `night` is asked in hours of sleep, `content` for classes of content.
    """

    own: str = ""
    other: str = ""
    one: End = ""
    contact: bool = False
    consent: bool = False
    voice: bool = False
    night: str = ""
    content: dict[str, str] = {}


ASKED: Mapping[Action, Asked] = {
    "message.send": Asked(other="dm.from_non_connections", contact=True),
    "call.start": Asked(other="calls.from_non_connections", contact=True, voice=True),
    "contact.request": Asked(other="contact.requests", contact=True),
    "group.add": Asked(other="group.add_without_consent", contact=True, consent=True),
    "comment.create": Asked(other="comments.on_child_content"),
    "livestream.start": Asked(own="livestream.host", one="from"),
    "livestream.view": Asked(own="livestream.view", other="livestream.audience"),
    "location.share": Asked(own="location.share"),
    "profile.discover": Asked(other="profile.visibility"),
    "recommend.account": Asked(
        own="network.suggest_others_to_child", other="network.suggest_child_to_others"
    ),
    "recommend.content": Asked(
        one="to",
        content={
            "primary_priority": "recommender.primary_priority_content",
            "priority": "recommender.priority_content",
        },
    ),
    "ad.profiled": Asked(own="ads.profiling", one="to"),
    "ad.contextual": Asked(own="ads.contextual", one="to"),
    "media.download": Asked(other="content.download_or_screenshot_by_others"),
    "notification.push": Asked(own="push.notifications", one="to", night="push.in_sleep_hours"),
    "feed.personalised": Asked(own="recommender.profiling", one="to"),
    "autoplay": Asked(own="autoplay", one="to"),
    "purchase.random_item": Asked(own="purchases.random_items", one="from"),
    "content.view": Asked(
        one="from",
        content={"primary_priority": "content.primary_priority", "priority": "content.priority"},
    ),
}
FEATURES = frozenset(
    feature
    for asked in ASKED.values()
    for feature in (asked.own, asked.other, asked.night, *asked.content.values())
    if feature
)
