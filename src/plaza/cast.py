"""Who lives on Plaza, and what they talk about. All of it is made up, and all of it is mild."""

import random
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from plaza.model import Account, stamp

# id, name, age band, country, language, about
_GENERATED = (
    ("g-ada", "Ada Lindqvist", "18-plus", "SE", "sv", "Bakes bread, walks in the woods."),
    ("g-ben", "Ben Carter", "18-plus", "GB", "en", "Repairs old bicycles."),
    ("g-chloe", "Chloé Martin", "16-17", "FR", "fr", "Plays the cello, reads comics."),
    ("g-dilan", "Dilan Aydın", "18-plus", "TR", "tr", "Cooks for far too many people."),
    ("g-elena", "Elena Rossi", "18-plus", "IT", "it", "Gardener on a small balcony."),
    ("g-farid", "Farid Hassan", "18-plus", "EG", "ar", "Teaches, and collects maps."),
    ("g-hanna", "Hanna Weber", "13-15", "DE", "de", "Climbs, draws, forgets homework."),
    ("g-joao", "João Pereira", "18-plus", "BR", "pt", "Photographs clouds."),
    ("g-kasia", "Kasia Nowak", "18-plus", "PL", "pl", "Knits and listens to radio plays."),
    ("g-mira", "Mira Shah", "16-17", "IN", "hi", "Chess and long train journeys."),
    ("g-oksana", "Oksana Bondar", "18-plus", "UA", "uk", "Sings in a choir."),
    ("g-yuki", "Yuki Tanaka", "18-plus", "JP", "ja", "Tea, tram lines, slow walks."),
)
# For people who look around: they never do anything by themselves.
_VISITORS = (
    ("v-alex", "Alex Morgan", "18-plus", "IE", "en", "A visitor; be whoever you like."),
    ("v-sam", "Sam Okafor", "13-15", "GB", "en", "A young visitor, to see what is different."),
    ("v-kit", "Kit Winter", "unknown", "IE", "en", "A visitor who did not say how old."),
)

SENTENCES = {
    "en": ("The first frost is on the roof this morning.", "I found a bell in the attic.",
           "Does anybody know a good soup with leeks?", "The tram was early, and nobody was ready.",
           "Finished the blue scarf at last.", "Our library now lends tools.",
           "Two herons by the canal today.", "I mended the lamp instead of buying one."),
    "sv": ("I dag luktar hela huset kardemumma.", "Isen ligger redan på sjön.",
           "Någon har lämnat en stege i parken.", "Jag hittade kantareller bakom ladan.",
           "Brödet blev bättre än sist.", "Vi läser högt för varandra på söndagar."),
    "fr": ("Le marché sentait bon les pommes ce matin.", "J’ai appris une nouvelle mélodie.",
           "Il neige un peu sur les toits.", "Quelqu’un connaît un bon livre d’aventures ?",
           "Le chat du voisin est encore entré.", "Nous avons ri tout l’après-midi."),
    "tr": ("Bugün mercimek çorbası yaptım.", "Vapurda martılarla simidimi paylaştım.",
           "Bahçedeki nar ağacı meyve verdi.", "Akşam herkes bize geliyor.",
           "Yağmurdan sonra sokak ne güzel koktu.", "Yeni bir türkü öğrendim."),
    "it": ("Il basilico sul balcone resiste ancora.", "Oggi ho piantato l’aglio.",
           "Che bella luce sul fiume stasera.", "Ho ritrovato le lettere della nonna.",
           "Qualcuno vuole dei semi di zucca?", "La domenica è fatta per la pasta."),
    "ar": ("وجدت اليوم خريطة قديمة للمدينة.", "رائحة الخبز تملأ الشارع هذا الصباح.",
           "قرأنا قصة جميلة في الصف.", "القمر كبير الليلة فوق النهر.",
           "من يعرف مكانا هادئا للقراءة؟", "شربنا الشاي على السطح."),
    "de": ("Heute habe ich die schwere Route geschafft.", "Im Schulgarten wachsen Kürbisse.",
           "Es regnet, also wird gezeichnet.", "Wer kommt am Samstag mit zum See?",
           "Mein Bruder hat Waffeln gemacht.", "Die Katze schläft auf meinen Heften."),
    "pt": ("As nuvens hoje pareciam montanhas.", "O café ficou pronto bem na hora.",
           "Vi três tucanos na estrada.", "A chuva chegou devagarinho.",
           "Alguém tem receita de pão de queijo?", "O mar estava calmo como um lago."),
    "pl": ("Dziś pierwszy raz zrobiłam rękawiczki.", "W radiu leci piękne słuchowisko.",
           "Za oknem mgła jak mleko.", "Kto zna dobry przepis na pierogi?",
           "Znalazłam stary guzik po babci.", "Sąsiad gra na akordeonie."),
    "hi": ("आज रेलगाड़ी से पहाड़ दिखे।", "शतरंज में आखिरकार जीत गई।", "चाय और बारिश, और क्या चाहिए।",
           "दादी ने नई कहानी सुनाई।", "कोई अच्छी किताब बताओ।", "बाज़ार में गेंदे के फूल आ गए।"),
    "uk": ("Сьогодні співали стару колядку.", "Бабуся спекла пиріг з вишнями.",
           "Сонях на городі вищий за мене.", "Хто знає гарну казку про ліс?",
           "Вечір тихий, зорі низько.", "Кіт знову спить у кошику."),
    "ja": ("今朝のお茶は香りがよかった。", "坂の上から海が見えた。", "路面電車の音が好きです。",
           "金木犀が咲きはじめました。", "古い地図で散歩しています。", "雨の日は本を読む。"),
}  # fmt: skip
REPLIES = {
    "en": ("How lovely!", "I should try that.", "Same here today."),
    "sv": ("Så fint!", "Det vill jag också prova."), "fr": ("C’est joli !", "Moi aussi !"),
    "tr": ("Ne güzel!", "Ellerine sağlık."), "it": ("Che bello!", "Anche da noi!"),
    "ar": ("ما أجمل هذا!", "شكرا لك."), "de": ("Wie schön!", "Ich bin dabei."),
    "pt": ("Que lindo!", "Por aqui também."), "pl": ("Jak ładnie!", "U nas podobnie."),
    "hi": ("बहुत सुंदर!", "मुझे भी पसंद है।"), "uk": ("Як гарно!", "І в нас так само."),
    "ja": ("すてきですね。", "私も好きです。"),
}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """Something planted, so that there is something to see; without `who`, anybody does it."""

    kind: Literal["picture", "text", "report", "appeal"]
    text: str = ""
    planted: str = ""
    alt: str = ""
    who: str = ""


_LIGHTHOUSE = "A lighthouse and a sailing boat (drawn by a program)"

# By step of the generator's round; everything between is daily life. The made-up words, and the
# picture, are those that the starter pack's clause `demo` looks for.
SCENES = {
    2: Scene("picture", "Look what I found!",
             "a smaller, blurrier copy of a picture that the demo bank knows", _LIGHTHOUSE),
    5: Scene("text", "Not sure about this one: flumquist.", "a word that a person has to judge"),
    8: Scene("text", "Big news today: zorgblat!", "a word that is removed"),
    11: Scene("text", "Psst: g r i m z 0 r b l e", "a word that is never published, in disguise"),
    14: Scene("report", "I have seen this three times now."),
    17: Scene("text", "Friends, guaranteed profit with no risk!",
              "bait from an account that is two days old", who="g-dilan"),
    20: Scene("appeal"),
    40: Scene("text", "Once more: flumquist.", "a word that a person has to judge"),
    44: Scene("report", "This looks like advertising to me."),
    60: Scene("appeal"),
    70: Scene("picture", "My favourite place", "a copy of a picture that the demo bank knows",
              _LIGHTHOUSE),
}  # fmt: skip


TRIES = (
    ("flumquist", "a made-up word that a person has to judge"),
    ("zorgblat", "a made-up word that is removed"),
    ("grimzorble", "a made-up word that is not published at all"),
    ("g r i m z 0 r b l e", "the same, though it tries to hide"),
    ("I want to disappear forever", "you are offered help, and a person looks"),
)


PLACEHOLDER = (
    "A placeholder for trying out reports to authorities. It is synthetic, and the picture shows "
    "nothing and nobody."
)


def people() -> list[Account]:
    """Return everybody, as they are when Plaza starts for the first time."""
    rows = [(*row, 1) for row in _GENERATED] + [(*row, 0) for row in _VISITORS]
    return [
        Account(
            id=id_,
            name=name,
            age_band=band,
            country=country,
            language=language,
            about=about,
            generated=generated,
            created_at=_joined(id_),
        )
        for id_, name, band, country, language, about, generated in rows
    ]


def placeholder() -> Account:
    """Return the account that the synthetic case for specialists is about; nobody speaks for it."""
    return Account(id="d-placeholder", name="Placeholder (synthetic)", age_band="18-plus",
                   country="GB", language="en", about="Made for the demo's case; it is nobody.",
                   generated=1, created_at=_joined("d-placeholder"))  # fmt: skip


def _joined(id_: str) -> str:
    """Return when somebody joined: long ago, but Dilan two days ago, so that one is new."""
    days = 2 if id_ == "g-dilan" else 40 + zlib.crc32(id_.encode()) % 900
    return stamp(datetime.now(UTC) - timedelta(days=days))


def generated() -> list[str]:
    """Return the ids of the personas that the generator speaks for."""
    return [row[0] for row in _GENERATED]


def small_talk(language: str, chance: random.Random) -> str:
    """Return one or two mild sentences in this language."""
    return " ".join(chance.sample(SENTENCES[language], chance.choice((1, 1, 2))))


def reply(language: str, chance: random.Random) -> str:
    """Return a friendly comment in this language."""
    return chance.choice(REPLIES[language])
