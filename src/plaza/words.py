"""What Plaza says: standings, categories of reports, and kind words for who may need them."""

from typing import NamedTuple

from plaza.model import Account

AGE_BANDS = {
    "18-plus": "18 or older",
    "16-17": "16 or 17",
    "13-15": "13 to 15",
    "under-13": "under 13",
    "unknown": "not said",
}
COUNTRIES = {
    "BR": "Brazil", "DE": "Germany", "EG": "Egypt", "ES": "Spain", "FR": "France",
    "GB": "United Kingdom", "IE": "Ireland", "IN": "India", "IT": "Italy", "JP": "Japan",
    "NL": "Netherlands", "PL": "Poland", "SE": "Sweden", "TR": "Türkiye", "UA": "Ukraine",
    "US": "United States",
}  # fmt: skip
LANGUAGES = {
    "en": "English", "ar": "العربية", "de": "Deutsch", "es": "Español", "fr": "Français",
    "hi": "हिन्दी", "it": "Italiano", "ja": "日本語", "nl": "Nederlands", "pl": "Polski",
    "pt": "Português", "sv": "Svenska", "tr": "Türkçe", "uk": "Українська",
}  # fmt: skip

CATEGORIES = {
    "bullying": "Bullying",
    "harassment": "Harassment, or somebody's private details",
    "hate": "Hatred against a group of people",
    "self_harm": "Somebody may hurt themselves",
    "violence.threat": "A threat or violence",
    "csam.known": "A child in danger, or sexual pictures of a child",
    "ncii": "An intimate picture shared without consent",
    "scam": "Fraud",
    "spam": "Spam",
    "other": "Something else",
}
REPORT_STATES = {
    "sending": "Kept here; it is on its way.",
    "received": "It has arrived. A person will look at it.",
    "in_review": "A person is looking at it, or will soon.",
    "decided": "It has been decided.",
    "closed": "It is closed.",
    "refused": "It could not be taken. Please report it again in other words.",
}
REPORT_OUTCOMES = {
    "allow": "No rule was broken, so nothing was done.",
    "warn": "The person was warned.",
    "restrict": "It was limited: who sees it, or what can be done with it.",
    "remove": "It was removed.",
    "block": "It was not published.",
    "suspend": "The account was suspended.",
    "undone": "Something was done. It was taken back after another look.",
}

# standing -> how it is marked, the word for it, and what it means for whoever wrote it
STANDINGS = {
    "live": ("quiet", "published", ""),
    "review": ("quiet", "published", "It is published. A person is also going to look at it."),
    "checking": ("quiet", "being checked", "It is published as soon as it has been checked."),
    "unreadable": ("bad", "not published", "It could not be read, so it could not be checked."),
    "blocked": ("bad", "not published", "It goes against a rule, so it was not published."),
    "held": ("warn", "waits for a look", "It could not be checked, so a person looks at it first. "
             "Nothing was found against it. It is published then, or after a day by itself."),
    "removed": ("bad", "removed", "It was removed: nobody but you can see it. It is kept, so that "
                "it can come back."),
    "restricted": ("warn", "behind a notice", "Others see it only after a notice, if they ask."),
    "age_gated": ("warn", "for adults", "Only adults see it."),
    "demoted": ("warn", "shown to fewer", "It is still here, but it does not stand in the stream."),
    "labelled": ("warn", "with a note", "A note stands beside it. Everybody can see it."),
    "closed": ("warn", "closed", "Nobody can answer it any more."),
    "restored": ("good", "restored", "What was done to it has been taken back."),
    "deleted": ("quiet", "deleted", "You deleted it."),
}  # fmt: skip


# What an act asks for, in words.
VERBS = {
    "notify": "tell the person", "warn": "warn the person", "remove": "remove it",
    "restore": "put it back", "restrict": "limit it",
    "unrestrict": "take the limit away",
    "block": "do not publish it", "unblock": "publish it after all",
    "suspend": "suspend the account", "unsuspend": "open the account again",
}  # fmt: skip


class Topic(NamedTuple):
    """A kind of help."""

    code: str
    title: str
    text: str


TOPICS = {
    "suicide": ("If you think about ending your life",
                "You are not alone with this, and it can pass. Talk to somebody now: a friend, a "
                "doctor, or a helpline. If you are in danger, call your emergency number."),
    "self-harm": ("If you hurt yourself, or think about it",
                  "You do not have to explain it well, or be ready to stop. Somebody who listens "
                  "without judging can help you through the next hour."),
    "eating-disorder": ("If food or your body takes over your thoughts",
                        "Many people have been there and found a way out. You deserve help, "
                        "whatever you weigh."),
    "bullying": ("If somebody is mean to you",
                 "It is not your fault. Keep what they wrote, block them, and tell somebody you "
                 "trust."),
    "harassment": ("If somebody does not leave you alone",
                   "Keep what they wrote, block and report them. If you feel in danger, call the "
                   "police."),
    "hate": ("If you are attacked for who you are",
             "You are welcome here. There are groups that support and advise you."),
    "child-abuse": ("If a child is in danger, or you are",
                    "What was done to you is never your fault. A children's helpline listens, "
                    "keeps it to itself, and helps."),
    "sextortion": ("If somebody threatens you with pictures",
                   "Do not pay and do not send more. Keep the messages, block them, and tell "
                   "somebody. You have done nothing that cannot be helped."),
    "intimate-images": ("If intimate pictures of you are shared",
                        "You can have them found and taken down. You do not need to show them to "
                        "anybody for it."),
    "fraud": ("If you may have been tricked",
              "Stop paying, tell your bank now, and change your passwords. It happens to careful "
              "people."),
    "child": ("If you are young and something feels wrong",
              "Tell an adult you trust, or a children's helpline. You can always stop answering."),
}  # fmt: skip

# The values of Openhaven's protections, in Plaza's own words.
VALUES = {
    "nobody": "nobody", "connections": "people I know", "peers": "people of about my age",
    "ask": "ask me first", "everyone": "everybody", "off": "off", "on": "on",
}  # fmt: skip
# What Openhaven calls its protections, in Plaza's own words.
FEATURES = {
    "dm.from_non_connections": "Messages from people I do not know",
    "calls.from_non_connections": "Calls from people I do not know",
    "contact.requests": "Who may ask me for contact",
    "group.add_without_consent": "Who may add me to a group",
    "comments.on_child_content": "Comments on what I post",
    "livestream.audience": "Who may watch my live stream",
    "profile.visibility": "Who may find my profile",
    "network.suggest_child_to_others": "Being suggested to others",
    "network.suggest_others_to_child": "Others suggested to me",
    "connections.list_visibility": "Who sees whom I know",
    "content.download_or_screenshot_by_others": "Who may save my pictures",
    "location.share": "Who sees where I am",
    "livestream.host": "Going live",
    "livestream.view": "Watching live streams",
    "camera_microphone_contacts_access": "Camera, microphone and address book",
    "beauty_filters": "Filters that change my face",
    "read_receipts_and_typing": "Others see that I have read, or write",
    "purchases.random_items": "Surprise boxes",
    "account.creation": "Having an account",
    "ads.profiling": "Ads chosen from what I do",
    "ads.contextual": "Ads that fit the page",
    "recommender.profiling": "A stream sorted for me",
    "recommender.primary_priority_content": "Being shown what is for adults only",
    "recommender.priority_content": "Being shown what can upset",
    "content.primary_priority": "Looking at what is for adults only",
    "content.priority": "Looking at what can upset",
    "autoplay": "Films that start by themselves",
    "streaks_and_persuasive_counters": "Counters that want me to come back",
    "push.notifications": "Notifications",
    "push.in_sleep_hours": "Notifications at night",
    "data.sharing_third_party": "Passing my data on",
    "nudges_to_weaken_settings": "Nudges to open settings",
    "rights.report": "Reporting", "rights.block_and_mute": "Blocking and muting",
    "rights.help": "Getting help", "rights.appeal": "Appealing",
    "rights.health_information": "Reading about health",
    "rights.identity_information": "Reading about who I am",
    "rights.know_of_carers": "Knowing that somebody cares for my account",
    "rights.explanation_of_changes": "Being told when something changes",
}  # fmt: skip


def topics(codes: list[str]) -> list[Topic]:
    """Return the kinds of help with these codes; a code that Plaza does not know is left out."""
    return [Topic(code, *TOPICS[code]) for code in codes if code in TOPICS]


def young(viewer: Account | None) -> bool:
    """Say whether kinder words are in place: for who said to be under eighteen."""
    return viewer is not None and viewer.age_band in ("under-13", "13-15", "16-17")


def may_reveal(viewer: Account | None) -> bool:
    """Say whether somebody may look behind a notice: only who said to be an adult."""
    return viewer is not None and viewer.age_band == "18-plus"
