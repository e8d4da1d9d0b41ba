"""What one may need help with: a name, and the first words, which cannot wait for an answer."""

from typing import NamedTuple

from openhaven.core.words import mark


class Topic(NamedTuple):
    """A topic: its name for people, and short sentences to begin with."""

    name: str
    first: tuple[str, ...]


TOPICS: dict[str, Topic] = {
    "suicide": Topic(
        mark("Thoughts of ending your life"),
        (
            mark("You do not have to get through this alone."),
            mark("Tell one person how bad it is. It can be a helpline, a friend or a parent."),
            mark("If you might hurt yourself now, call the emergency number, or go to somebody."),
        ),
    ),
    "self-harm": Topic(
        mark("Hurting yourself"),
        (
            mark("Many people have been where you are, and it got better."),
            mark("You can talk about it without being judged, and without giving your name."),
        ),
    ),
    "eating-disorder": Topic(
        mark("Food, weight and your body"),
        (mark("You can talk about it at any weight. It is never too early to ask for help."),),
    ),
    "sextortion": Topic(
        mark("Somebody threatens you with pictures"),
        (
            mark("It is not your fault. The person who threatens you does something wrong."),
            mark("Do not pay, and do not send more. Paying does not end it."),
            mark("Do not delete anything: keep the messages and names, then block the person."),
            mark("Tell an adult you trust. You will not be in trouble for asking for help."),
        ),
    ),
    "intimate-images": Topic(
        mark("An intimate picture of you is shared"),
        (
            mark("It is not your fault, whoever took the picture."),
            mark("There are services that get such pictures taken down. You need not send them."),
        ),
    ),
    "child-abuse": Topic(
        mark("Somebody touches, hurts or pressures a child"),
        (
            mark("If this happened to you: it is not your fault, and you are right to ask."),
            mark("You can stop answering, leave and block, whatever you said or did before."),
            mark("Tell an adult you trust, or a helpline. Keep on until somebody helps."),
        ),
    ),
    "bullying": Topic(
        mark("Bullying"),
        (
            mark("Nobody deserves this. It is not weak to ask for help."),
            mark("Keep what was written, do not answer, and show it to somebody you trust."),
        ),
    ),
    "harassment": Topic(
        mark("Harassment and stalking"),
        (mark("Keep what was written and when. In danger, call the emergency number."),),
    ),
    "hate": Topic(
        mark("Hatred against you or people like you"),
        (mark("You are right as you are. You can talk to people who know what this is like."),),
    ),
    "fraud": Topic(
        mark("Fraud"),
        (mark("If you paid or told a password: call your bank, and change the password, today."),),
    ),
    "child": Topic(
        mark("Worries about a child, or as a child"),
        (mark("No worry is too small. You can ask for yourself, or for somebody else."),),
    ),
    "missing": Topic(mark("A child is missing"), (mark("Call the police at once."),)),
    "prevention": Topic(
        mark("Worries about your own thoughts or acts towards children"),
        (mark("There is help that is confidential, before anything happens."),),
    ),
}  # fmt: skip
