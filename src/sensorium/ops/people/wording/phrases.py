"""Sentences in which people say names: who one is, who somebody else is, whom one talks to.

A sentence is kept as one line with ``{}`` for the name and ``*`` for one or two words in between ("this is my
* {}"). All languages are tried on every text, since people change theirs; a line is therefore written only
where it means the same in every language that could read it so. Own collection; how often it is right on
texts that it was not written from: docs/characters.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

from sensorium.ops.folding import fold
from sensorium.ops.people.wording.role_words import of_people
from sensorium.ops.people.wording.spelling import Word, spelled, unspaced

Kind = Literal["name", "am", "noun", "here", "other", "you", "declined"]
# name: says that something is one's name. am: "I am ...", where only names begin large. noun: "I am ..." of
# languages in which nouns do too, or that have no large letters: known names alone. here: who is on the
# line. other: introduces somebody. you: whom one addresses; declined: where names
# change when called, or nouns begin large ("Hallo Nachbar").
PHRASES: dict[Kind, str] = {
    "name": """
my name is {} | my name's {} | the name is {} | you can call me {} | i am known as {} | it is i, {}
ich heiße {} | ich heisse {} | mein name ist {} | man nennt mich {}
je m'appelle {} | mon nom est {} | moi c'est {} | moi, c'est {} | on m'appelle {}
me llamo {} | mi nombre es {} | me dicen {} | mi chiamo {} | il mio nome è {} | chiamatemi {}
o meu nome é {} | meu nome é {} | eu me chamo {} | chamo-me {} | ik heet {} | mijn naam is {}
nazywam się {} | mam na imię {} | moje imię to {} | jmenuji se {} | jmenuju se {} | volám sa {}
меня зовут {} | моё имя {} | мое имя {} | мене звати {} | мене звуть {} | моє ім'я {} | казвам се {}
jag heter {} | mitt namn är {} | jeg hedder {} | jeg heter {} | mit navn er {} | navnet mitt er {}
nimeni on {} | minun nimeni on {} | a nevem {} | mă numesc {} | numele meu este {} | zovem se {}
ime mi je {}
benim adım {} | adım {} | ismim {} | με λένε {} | το όνομά μου είναι {} | ονομάζομαι {} | nama saya {}
tên tôi là {} | tôi tên là {} | اسمي {} | إسمي {} | أنا اسمي {} | نام من {} است | اسم من {} است
שמי {} | השם שלי {} | השם שלי הוא {} | קוראים לי {} | मेरा नाम {} है | मेरा नाम {} हैं | मुझे {} कहते हैं
আমার নাম {}
私の名前は{}です | 僕の名前は{}です | 俺の名前は{}だ | 名前は{}です | {}と申します | 私は{}と申します
私、{}と申します
我叫{} | 我的名字是{} | 我的名字叫{} | 我名叫{} | 제 이름은 {}입니다 | 제 이름은 {}이에요
제 이름은 {}예요
내 이름은 {}이야 | 내 이름은 {}야 | 저는 {}라고 합니다 | 저는 {}이라고 합니다 | ฉันชื่อ{} | ผมชื่อ{}
ดิฉันชื่อ{} | หนูชื่อ{}
""",
    "am": """
i am {} | i'm {} | je suis {} | soy {} | yo soy {} | sono {} | io sono {} | eu sou {} | sou o {}
sou a {}
jestem {} | jsem {} | já jsem {} | jag är {} | jeg er {} | olen {} | minä olen {} | eu sunt {}
ja sam {} | είμαι ο {}
είμαι η {} | saya {} | я {} | я - {} | я — {} | tôi là {}
""",
    "noun": """
ich bin {} | ich bin's, {} | ik {} vagyok | أنا {} | من {} هستم | אני {} | मैं {} हूँ | मैं {} हूं
私は{}です | 僕は{}です | 俺は{}だ | 我是{} | 저는 {}입니다 | 저는 {}이에요 | 저는 {}예요 | 나는 {}야
ผมคือ{} | ฉันคือ{}
""",
    "here": """
this is {} | this is {} speaking | {} speaking | hier ist {} | hier spricht {} | am apparat ist {}
ici {}
c'est {} à l'appareil | habla {} | parla {} | qui parla {} | aqui fala {} | met {} | u spreekt met {}
говорит {}
""",
    "other": """
this is my * {} | this is our * {} | meet my * {} | please welcome {} | please welcome our * {}
let me introduce {}
let me introduce my * {} | i'd like to introduce {} | i'd like you to meet {} | i want you to meet {}
give it up for {}
ladies and gentlemen, {}
das ist mein * {} | das ist meine * {} | darf ich vorstellen: {} | darf ich vorstellen, {}
begrüßen sie {}
begrüßen sie mit mir {} | ich möchte ihnen {} vorstellen
je vous présente {} | je te présente {} | voici mon * {} | voici ma * {} | c'est mon * {}
c'est ma * {} | veuillez accueillir {}
este es mi * {} | esta es mi * {} | ésta es mi * {} | te presento a {} | les presento a {}
le presento a {} | demos la bienvenida a {}
ti presento {} | vi presento {} | le presento {} | questo è il mio * {} | questa è la mia * {}
diamo il benvenuto a {}
este é o meu * {} | esta é a minha * {} | esse é o meu * {} | essa é a minha * {} | apresento-vos {}
quero apresentar {}
dit is mijn * {} | mag ik voorstellen: {} | to jest mój * {} | to jest moja * {} | tohle je můj * {}
tohle je moje * {}
это мой * {} | это моя * {} | познакомься, это {} | познакомьтесь, это {} | встречайте: {} | це мій * {}
це моя * {}
det här är min * {} | dette er min * {} | bu benim * {} | αυτός είναι ο φίλος μου ο {}
αυτή είναι η φίλη μου η {}
هذا صديقي {} | هذه صديقتي {} | هذا أخي {} | هذه أختي {} | اقدم لكم {} | أقدم لكم {} | זה חבר שלי {}
זו חברה שלי {}
זאת חברה שלי {} | תכירו את {} | यह मेरा दोस्त {} है | यह मेरी दोस्त {} है | ये मेरे दोस्त {} हैं
こちらは{}さんです | 友達の{}です | ご紹介します、{}さんです | 这是我的朋友{} | 这位是{} | 这是我朋友{}
有请{} | 제 친구 {}입니다
이쪽은 {}입니다 | 이쪽은 {}씨입니다 | 이분은 {}입니다 | นี่คือเพื่อนของฉัน{}
""",
    "you": """
thank you, {} | thank you {} | thank you so much, {} | thank you very much, {} | thanks, {} | thanks {}
hello, {} | hello {} | hi, {}
hi {} | hey, {} | hey {} | good morning, {} | good evening, {} | good afternoon, {} | good night, {}
goodbye, {} | welcome, {}
merci, {} | merci {} | merci beaucoup, {} | bonjour, {} | bonjour {} | bonsoir, {} | salut, {}
salut {} | au revoir, {}
gracias, {} | muchas gracias, {} | hola, {} | hola {} | buenos días, {} | buenas noches, {} | adiós, {}
grazie, {} | grazie {} | ciao, {} | ciao {} | buongiorno, {} | buonasera, {} | arrivederci, {}
obrigado, {} | obrigada, {} | olá, {} | olá {} | oi, {} | bom dia, {} | boa noite, {} | dank je, {}
bedankt, {}
tack, {} | hej, {} | hej {} | tak, {} | takk, {} | kiitos, {} | hei, {} | teşekkürler, {}
teşekkür ederim, {} | merhaba, {} | merhaba {}
köszönöm, {} | szia, {} | terima kasih, {} | halo, {}
спасибо, {} | привет, {} | здравствуйте, {} | здравствуй, {} | доброе утро, {} | добрый день, {}
добрый вечер, {} | пока, {}
ありがとう、{}さん | ありがとうございます、{}さん | こんにちは、{}さん | おはよう、{}さん
おはようございます、{}さん
谢谢你，{} | 谢谢，{} | 你好，{} | 고마워요, {}씨 | 감사합니다, {}씨 | 안녕하세요, {}씨
{}씨, 안녕하세요 | {}씨, 감사합니다
شكرا يا {} | شكراً يا {} | مرحبا يا {} | مرحباً يا {} | أهلا يا {} | תודה, {} | שלום, {} | היי, {}
धन्यवाद, {} | नमस्ते, {} | ขอบคุณ คุณ{} | สวัสดีคุณ{}
""",
    "declined": """
danke, {} | danke {} | vielen dank, {} | hallo, {} | hallo {} | guten morgen, {} | guten tag, {}
guten abend, {} | tschüss, {}
dziękuję, {} | cześć, {} | děkuji, {} | ahoj, {} | дякую, {} | привіт, {} | ευχαριστώ, {} | γεια σου, {}
γεια σου {} | mulțumesc, {} | bună, {}
""",
}  # fmt: skip
# "No me llamo Ana", "Ayşe değil": where it is denied before or behind.
_NOT = """
    not no non não nie ne не nem never nunca jamais nicht inte ikke geen değil नहीं 不 没 לא
"""
_BEFORE = """
    hello hi hey yes and well so but hallo ja und bonjour salut oui et hola sí y ciao sì e
    olá sim cześć hej привет да и а hei tak oh ok okay merhaba halo
"""
_BEHIND = """
    and from your with but the und aus et de y con e di och og i и а из ve dan
"""
NOT, BEFORE, BEHIND = (frozenset(map(fold, each.split())) for each in (_NOT, _BEFORE, _BEHIND))
_ORDER: dict[Kind, int] = {kind: place for place, kind in enumerate(PHRASES)}
_QUOTE = "['’‘`´]"


class Said(NamedTuple):
    """A name in a sentence: what `kind` of sentence, the name as it was said, and where."""

    kind: Kind
    name: str
    start: int
    end: int


def said_names(text: str) -> Iterator[Said]:
    """All the names that the phrases find in a text; whether it is one is for the caller to judge.

    >>> [(each.kind, each.name) for each in said_names("Ich heiße Anna Koch. Danke, Bo!")]
    [('name', 'Anna Koch'), ('declined', 'Bo')]
    >>> [each.name for each in said_names("我叫李明。 I'm fine. No me llamo Ana.")]
    ['李明']
    """
    found: dict[int, Said] = {}
    small = text.casefold()
    for kind, sign, before, after in _lines():
        for match in before.finditer(text) if sign in small else ():
            name = _follows(text, match.end(), after) if _counts(kind, text, match) else None
            if name is None or (kind == "am" and not _ends(text, name.end)):
                continue
            said = Said(kind, name.text, match.start(), name.end)
            if name.start not in found or _rank(said) < _rank(found[name.start]):
                found[name.start] = said
    yield from sorted(found.values(), key=lambda each: each.start)


def _rank(said: Said) -> tuple[int, int]:
    """The kind that says most first; of two ways to read one kind, the one with more behind the name."""
    return _ORDER[said.kind], said.end


def _counts(kind: Kind, text: str, match: re.Match[str]) -> bool:
    """Whether the words before a name say what they seem to: not denied, and of people."""
    ahead = text[: match.start()].split()
    if ahead and fold(ahead[-1]) in NOT:
        return False
    if kind == "am" and ahead and ahead[-1][-1].isalpha() and fold(ahead[-1]) not in BEFORE:
        return False  # "ci sono Anna e Marco"; a sentence begins with it
    between = match.groupdict().get("between")
    return between is None or any(map(of_people, between.split()))


def _ends(text: str, end: int) -> bool:
    """Whether a sentence ends with the name, or goes on to something else: "Я Анну видел" is of Anna."""
    rest = text[end:].lstrip()
    if rest[:1] in ("?", "？", "؟"):
        return False
    return not rest or not rest[0].isalpha() or fold(rest.split()[0]) in BEHIND


def _follows(text: str, start: int, after: re.Pattern[str] | None) -> Word | None:
    """The name at a place, as far as it goes; None where something else stands there."""
    if after is None:
        name = spelled(text, start)
        rest = text[name.end :].split() if name else []
        return None if rest and fold(rest[0]) in NOT else name
    match = after.search(text, start)
    if match is None or match.start() - start > 40:
        return None
    name = spelled(text[: match.start()], start)
    return name if name and name.end == match.start() else None


@cache
def _lines() -> list[tuple[Kind, str, re.Pattern[str], re.Pattern[str] | None]]:
    """(kind, letters without which the line is not there, what stands before the name, what behind)."""
    done = []
    for kind, text in PHRASES.items():
        for line in filter(str.strip, re.split(r"[|\n]", text)):
            before, _, after = line.strip().partition("{}")
            sign = max(re.split(r"[\s'*,，、:]|{}", line.casefold()), key=len)
            behind = _pattern(after, False) if after.strip() else None
            done.append((kind, sign, _pattern(before, True), behind))
    return done


def _pattern(part: str, first: bool) -> re.Pattern[str]:
    """What stands before a name (`first`) or behind it, with any blanks and quotes."""
    if not part.strip():  # the name comes first: it begins a sentence
        return re.compile(r"(?:(?<=[.!?。！？、,，])|^)\s*")
    text = re.escape(part.strip()).replace(r"\ ", r"\s+").replace("'", _QUOTE)
    for comma, pattern in ((",", r"\s*,"), ("，", r"\s*[，,]"), ("、", r"\s*[、,]")):
        text = text.replace(comma, pattern)
    text = text.replace(r"\*", r"(?P<between>(?:[^\W\d_]+\s+)?[^\W\d_]+)")
    edge = part.strip()[-1 if first else 0]
    spaced = not unspaced(edge) and edge not in "、，"
    if first:
        blank = r"[,:]?\s+" if spaced else r"\s*"
        return re.compile((r"(?<!\w)" if spaced else "") + text + blank, re.IGNORECASE)
    return re.compile(r"\s*" + text + (r"(?!\w)" if spaced else ""), re.IGNORECASE)
