"""Communities in which nobody means harm. Much in them looks like harm to somebody who only counts.

Where the platform knows what brought people together it says so in `relation`; often it does not.
"""

from collections.abc import Callable

from bench.scenarios.town import DAY, Town


def families(town: Town) -> None:
    """Parents, grandparents, aunts and children; half of them the platform knows as family."""
    for _ in range(3):
        relation = "family" if town.chance(0.5) else None
        adults = [town.person("18-plus") for _ in range(town.number(2, 6))]
        children = town.children(town.number(1, 7))
        for adult in adults:
            for child in children:
                at = town.pause(3 * DAY)
                if town.chance(0.5):
                    town.do("contact.request", adult, child, at, relation=relation)
                    if town.chance(0.95):
                        town.do("contact.accept", child, adult, at + town.pause(300))
                town.talk(adult, child, at + 400, town.number(2, 25), 0.8, relation=relation)


def siblings(town: Town) -> None:
    """Brothers and sisters, some of them grown up, who write a lot, quarrel, and block."""
    relation = "family" if town.chance(0.5) else None
    everybody = [town.person("18-plus"), *town.children(town.number(1, 4))]
    for one in everybody:
        for other in everybody:
            if one.id < other.id:
                end = town.talk(one, other, town.pause(DAY), town.number(20, 60), 0.9,
                                relation=relation)  # fmt: skip
                if town.chance(0.2):
                    town.do("contact.block", other, one, end + 5)
                    town.do("contact.request", other, one, end + DAY, relation=relation)


def teachers(town: Town) -> None:
    """Teachers who write to their pupils; of six in ten the platform knows the school."""
    relation = "organisation" if town.chance(0.6) else None
    for _ in range(2):
        teacher = town.person("18-plus", days=town.dice.choice([2.0, 100.0, 400.0]))
        for pupil in town.children(town.number(12, 28), "13-15", "16-17"):
            at = town.pause(DAY)
            town.do("contact.request", teacher, pupil, at, relation=relation)
            if town.chance(0.9):
                at = town.do("contact.accept", pupil, teacher, at + town.pause(400))
                town.talk(teacher, pupil, at, town.number(1, 6), 0.7, relation=relation)


def sports_club(town: Town) -> None:
    """Coaches who write to the team, in the group and alone: who is ill, when the bus leaves."""
    relation = "organisation" if town.chance(0.5) else None
    coach = town.person("18-plus")
    helper = town.person("18-plus", days=town.dice.uniform(0, 40))
    for player in town.children(town.number(12, 22)):
        for one in (coach, helper):
            at = town.do("comment.create", one, player, town.pause(2 * DAY), "group",
                         relation=relation)  # fmt: skip
            if town.chance(0.6):
                town.talk(one, player, at, town.number(1, 10), 0.75, relation=relation)


def school_class(town: Town) -> None:
    """A class that writes all day, and somebody new who asks everybody on the first evening."""
    pupils = town.children(town.number(18, 30), "13-15")
    new = town.person("13-15", days=town.dice.uniform(0, 3))
    inside = True if town.chance(0.5) else None
    at = 60.0
    for pupil in pupils:
        at += town.pause(3)
        town.do("contact.request", new, pupil, at, cluster="school", same_cluster=inside)
        if town.chance(0.8):
            town.do("contact.accept", pupil, new, at + town.pause(120))
            town.talk(new, pupil, at + 150, town.number(0, 6), 0.8)
    for _ in range(60):
        one, other = town.dice.sample(pupils, 2)
        town.talk(one, other, town.pause(3 * DAY), town.number(1, 8), 0.8)
        if town.chance(0.05):
            town.do("contact.block", one, other, 4 * DAY)


def gaming_guild(town: Town) -> None:
    """A guild of all ages that plays in the evening and meets in a voice channel elsewhere."""
    adults = [town.person("18-plus", days=town.dice.uniform(1, 900)) for _ in range(12)]
    children = town.children(10, "13-15", "16-17", "16-17")
    for adult in adults:
        for child in town.dice.sample(children, town.number(0, 5)):
            at = town.do("comment.create", adult, child, town.pause(6 * DAY), "group")
            if town.chance(0.5):
                town.do("contact.request", adult, child, at + town.pause(60))
                if town.chance(0.8):
                    at = town.do("contact.accept", child, adult, at + town.pause(90))
                    elsewhere = True if town.chance(0.15) else None
                    at = town.write(adult, child, at + 5, invites_elsewhere=elsewhere)
                    town.talk(adult, child, at, town.number(1, 12), 0.7)


def lgbtq_youth(town: Town) -> None:
    """A support group for queer youth: long private talks with mentors, and others who attack it.

    Those who attack make new accounts and report the mentors; some of them say to be children.
    """
    relation = "organisation" if town.chance(0.5) else None
    mentors = [town.person("18-plus") for _ in range(3)]
    for teen in town.children(town.number(10, 18), "13-15", "16-17"):
        mentor = town.dice.choice(mentors)
        at = town.do("comment.create", teen, mentor, town.pause(5 * DAY), "group")
        if town.chance(0.7):
            at = town.write(teen, mentor, at + town.pause(120), relation=relation)
            town.talk(mentor, teen, at, town.number(5, 45), 0.85, relation=relation)
    for _ in range(town.number(0, 6)):
        attacker = town.person("18-plus", shown=town.dice.choice(["unknown", "13-15", "18-plus"]))
        town.do("report.create", attacker, town.dice.choice(mentors), town.pause(6 * DAY))


def newcomers(town: Town) -> None:
    """People who have just come: grown-ups and teenagers who look for friends in their language."""
    for _ in range(6):
        new = town.person(town.dice.choice(["18-plus", "18-plus", "16-17", "13-15"]),
                          days=town.dice.uniform(0, 5))  # fmt: skip
        at = town.pause(DAY)
        for _ in range(town.number(8, 25)):
            grown_up = town.chance(0.85) if new.band == "18-plus" else town.chance(0.1)
            other = town.person("18-plus") if grown_up else town.children(1, new.band)[0]
            at = town.do("contact.request", new, other, at + town.pause(8))
            if town.chance(0.55):
                town.do("contact.accept", other, new, at + town.pause(300))
                town.talk(new, other, at + 310, town.number(0, 8), 0.7)


def adult_dating(town: Town) -> None:
    """Grown-ups who look for company: many are asked, few answer, some block."""
    town.ages = 0.3
    for _ in range(8):
        one = town.person("18-plus", days=town.dice.uniform(0, 300))
        at = town.pause(DAY)
        for _ in range(town.number(10, 30)):
            other = town.person("18-plus")
            at = town.do("contact.request", one, other, at + town.pause(60))
            if town.chance(0.2):
                town.do("contact.accept", other, one, at + town.pause(300))
                elsewhere = True if town.chance(0.3) else None
                town.write(one, other, at + 400, invites_elsewhere=elsewhere)
            elif town.chance(0.08):
                town.do("contact.block", other, one, at + town.pause(300))


def recovery_group(town: Town) -> None:
    """Grown-ups and older teenagers who get better together: long talks at night."""
    members = [town.person("18-plus") for _ in range(8)] + town.children(
        5, "16-17", "16-17", "13-15"
    )
    for _ in range(40):
        one, other = town.dice.sample(members, 2)
        at = town.do("comment.create", one, other, town.pause(8 * DAY), "group")
        if town.chance(0.5):
            town.talk(one, other, at + town.pause(600), town.number(2, 30), 0.8)


def creator(town: Town) -> None:
    """Somebody whose films are liked: hundreds of fans write, and are answered in short."""
    star = town.person("18-plus")
    for fan in [*town.children(town.number(20, 50)), *(town.person("18-plus") for _ in range(20))]:
        at = town.do("comment.create", fan, star, town.pause(6 * DAY), "public")
        if town.chance(0.5):
            at = town.write(fan, star, at + town.pause(200))
        if town.chance(0.5):
            town.do("comment.create", star, fan, at + town.pause(200), "public")
        if town.chance(0.15):
            town.write(star, fan, at + town.pause(300))


def quarrels(town: Town) -> None:
    """Teenagers who fall out: they block each other, ask again, and make up."""
    teens = town.children(14, "13-15", "16-17")
    for _ in range(30):
        one, other = town.dice.sample(teens, 2)
        at = town.talk(one, other, town.pause(4 * DAY), town.number(1, 6), 0.8)
        if town.chance(0.4):
            town.do("contact.block", one, other, at + 10)
            town.do("contact.request", other, one, at + town.pause(DAY))
            if town.chance(0.6):
                town.do("contact.accept", one, other, at + 2 * DAY)


BENIGN: dict[str, Callable[[Town], None]] = {
    one.__name__: one
    for one in (
        families, siblings, teachers, sports_club, school_class, gaming_guild, lgbtq_youth,
        newcomers, adult_dating, recovery_group, creator, quarrels,
    )
}  # fmt: skip
