# ruff: noqa: SIM905 - a list of a hundred quoted words reads worse
"""Names in many scripts and languages: what is one, what only looks like one, and who is meant by it."""

import pytest

from sensorium.core.people.evidence import Scene, Text
from sensorium.core.speech import Cue
from sensorium.core.time import Span
from sensorium.ops.people.person_names import Names, like_a_name
from sensorium.ops.people.sources import screen
from sensorium.ops.people.wording.credits import credited, credits, with_credited
from sensorium.ops.people.wording.heard import spoken
from sensorium.ops.people.wording.labels import subtitles

NOBODY = Names({})
CAST = Names(["William Smith", "Mary Weaver", "田中太郎", "Анна Петрова", "سعيد حسن"])


def claims(source, scene, names=NOBODY):
    return [(c.identity, c.name, round(c.score, 2)) for c in source(scene, names)]


def said(*turns):
    """A scene of (voice, text), two seconds each."""
    words = [
        (Span(2 * number + 0.05 * place, 2 * number + 0.05 * place + 0.04), token, key)
        for number, (key, text) in enumerate(turns)
        for place, token in enumerate(text.split())
    ]
    return Scene("talk.mp4", words=tuple(words))


@pytest.mark.parametrize(
    "role",
    "MOM|le père|LE PÈRE|Der Arzt|監督|МАМА|Врач|ΓΙΑΤΡΟΣ|الطبيب|שוטר|माँ|엄마|แม่|妈妈|お母さん|"
    "中年男性|LA MADRE|Il padre|O MÉDICO|De moeder|Matka|Läkare|Äiti|BABA|OLD MAN|Dr.|Frau|Señora|"
    "господин|先生|MUSIK|[Música]|拍手|Тишина|MAN 2|女1|DANN|Entonces|Потом".split("|"),
)
def test_roles_kin_sounds_and_small_words_are_no_names(role):
    assert not like_a_name(role)


@pytest.mark.parametrize(
    "name",
    "ANNA|Élodie Martin|Jean-Luc|O’Neil|Łukasz|АННА|Ольга Петровна|Γιώργος|ΓΙΩΡΓΟΣ|أحمد|דוד|राहुल|"
    "김민수|サクラ|"
    "さくら|安娜|田中太郎|สมชาย|Dr. Müller|Frau Müller|田中さん|김민수씨|Anna Koch|"
    "Pieter van den Berg|Նարե|ნინო".split("|"),
)
def test_names_of_every_script_are_names(name):
    assert like_a_name(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hello, my name is Zoe Ray.", "Zoe Ray"),
        ("Ich heiße Jürgen Müller.", "Jürgen Müller"),
        ("Mein Name ist Dr. Anna Koch.", "Anna Koch"),
        ("Je m'appelle Élodie et je suis là.", "Élodie"),
        ("Me llamo José.", "José"),
        ("Mi chiamo Luca.", "Luca"),
        ("O meu nome é João.", "João"),
        ("Ik heet Pieter van den Berg.", "Pieter van den Berg"),
        ("Nazywam się Łukasz Nowak.", "Łukasz Nowak"),
        ("Меня зовут Ольга.", "Ольга"),
        ("Мене звати Олена.", "Олена"),
        ("Jag heter Åsa.", "Åsa"),
        ("Nimeni on Päivi.", "Päivi"),
        ("Benim adım Ayşe.", "Ayşe"),
        ("Με λένε Γιώργος.", "Γιώργος"),
        ("اسمي أحمد وأنا من مصر.", "أحمد"),
        ("קוראים לי רותי.", "רותי"),
        ("मेरा नाम राहुल है।", "राहुल"),
        ("私 の 名前 は 鈴木 一郎 です。", "鈴木一郎"),
        ("我 叫 李 明 。", "李明"),
        ("제 이름은 김민수입니다.", "김민수"),
        ("ฉันชื่อสมชาย", "สมชาย"),
    ],
)
def test_who_says_his_name(text, name):
    assert claims(spoken, said(("S1", text))) == [("S1", name, 0.65)]


@pytest.mark.parametrize(
    "text",
    "I'm fine.|This is great.|I am German.|I'm Sorry.|ich bin müde.|Ich bin Arzt.|"
    "Ich bin Berliner.|je suis là.|Je suis Français.|No me llamo Ana.|Soy médico.|Soy Doctor.|"
    "Sono stanco.|Ci sono Anna e Marco.|Я Анну видел.|Я люблю Москву.|Как меня зовут?|"
    "What is my name?|My name isn't Anna.|I'm Anna's brother.|मेरा नाम क्या है?|मैं ठीक हूँ।|"
    "أنا جديد.|אני עייף.|我是医生。|我叫你来。|我叫什么？|私は学生です。|저는 학생입니다.|"
    "제 이름은 뭐예요?|ฉันชื่ออะไร|Thank you God.|Hello World!|Good morning, America.|"
    "Thank you, Ladies and Gentlemen.|This is my dog Rex.|Merci Monsieur.|Ben Affleck.|"
    "Adım Ayşe değil.|I am not Anna.|I am The Law|I'm OK.|Je suis Charlie?|Thanks Mom.|"
    "Hello, Doctor.|Bonjour, Docteur.|Спасибо, доктор.|谢谢，老师。|Jestem zmęczony.|Olen kotona.|"
    "Jag är Svensk läkare.|Danke Gott.|Hola, Señora.".split("|"),
)
def test_what_names_nobody(text):
    assert claims(spoken, said(("S1", text), ("S2", "mhm"))) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("This is my friend Anna.", "Anna"),
        ("Please welcome Dr. Carl Sagan!", "Carl Sagan"),
        ("Das ist meine Freundin Anna.", "Anna"),
        ("Je vous présente Hélène.", "Hélène"),
        ("Esta es mi hermana Lucía.", "Lucía"),
        ("Это моя сестра Ольга.", "Ольга"),
    ],
)
def test_who_is_introduced_speaks_next_and_is_not_who_says_it(text, name):
    scene = said(("S0", "so"), ("S1", text), ("S2", "good evening"))
    assert claims(spoken, scene) == [("S1", name, 0.1), ("S2", name, 0.55)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Bill, come here!", "William Smith"),
        ("Come here, Mary.", "Mary Weaver"),
        ("Спасибо, Анна.", "Анна Петрова"),
        ("ありがとう、田中さん。", "田中太郎"),
        ("行こう、田中さん。", "田中太郎"),
    ],
)
def test_whoever_is_called_answers(text, name):
    found = claims(spoken, said(("S1", text), ("S2", "mhm")), CAST)
    assert found == [("S1", name, 0.1), ("S2", name, 0.65)]


@pytest.mark.parametrize(
    "text", ["I saw my sister, Mary.", "Mary, Bill, and others went.", "We saw Mary there."]
)
def test_whoever_is_only_told_of_is_not_called(text):
    assert claims(spoken, said(("S1", text), ("S2", "mhm")), CAST) == []


def test_a_happy_man_is_hardly_a_namesake():
    """سعيد is a name of the cast, and means happy."""
    assert claims(spoken, said(("S1", "أنا سعيد")), CAST) == [("S1", "سعيد حسن", 0.55)]


def cues(*texts):
    spans = [Span(2 * n, 2 * n + 2) for n in range(len(texts))]
    turns = tuple((span, f"S{n + 1}") for n, span in enumerate(spans))
    return Scene("a.mp4", turns=turns, cues=tuple(map(Cue, spans, texts)))


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("АННА: Иди сюда.", "Анна"),
        ("- ANNA: Komm her.", "Anna"),
        ("ANNA (off): Komm her.", "Anna"),
        ("ΓΙΩΡΓΟΣ: Έλα.", "Γιωργοσ"),
        ("アンナ「おいで」", "アンナ"),
    ],
)
def test_labels_that_are_written_as_such(label, name):
    ((key, found, score),) = claims(subtitles, cues(label))
    assert (key, found.casefold(), score) == ("S1", name.casefold(), 0.8)


@pytest.mark.parametrize("label", ["安娜：过来", "אנה: בואי", "Anna: Komm her.", "안나: 이리 와"])
def test_a_label_that_may_be_any_word_has_to_come_again(label):
    assert claims(subtitles, cues(label)) == []
    assert [score for *_, score in claims(subtitles, cues(label, label))] == [0.8, 0.8]


@pytest.mark.parametrize("label", ["[安娜] 过来", "(Anna) Komm her.", "[Gewitter] Komm her."])
def test_what_stands_in_brackets_may_be_a_noise_and_never_names_alone(label):
    from sensorium.core.people.evidence import Claim
    from sensorium.ops.people.belief import decided, probabilities

    found = list(subtitles(cues(*[label] * 40), NOBODY))
    assert found
    assert decided(probabilities([Claim("S", c.name, c.score, c.source) for c in found])) is None


@pytest.mark.parametrize(
    "label", ["注意：危险", "WARNUNG 2: halt", "Er sagte: komm.", "MUTTER: Komm.", "MÈRE: Viens."]
)
def test_labels_that_name_nobody(label):
    assert claims(subtitles, cues(label, label)) == []


def test_two_in_one_cue_are_told_apart_where_two_are_heard():
    text = "- ANNA: Hi there.\n- BORIS: Hi there."
    turns = ((Span(0, 2), "S1"), (Span(2, 4), "S2"))
    scene = Scene("a.mp4", turns=turns, cues=(Cue(Span(0, 4), text),))
    assert claims(subtitles, scene) == [("S1", "Anna", 0.8), ("S2", "Boris", 0.8)]


def line(at, text, box=(10, 300, 200, 320)):
    return Text(Span(at, at), text, 0.95, box)


def test_a_label_in_the_picture_names_the_voice_and_not_the_face():
    scene = Scene(
        "a.mp4", ((Span(0, 4), "S1"),), (), ((Span(0, 4), "P1"),), (), (line(1, "MARY: Come in."),)
    )
    assert claims(subtitles, scene, CAST) == [("S1", "Mary Weaver", 0.75)]
    assert claims(screen, scene, CAST) == []


def test_credits_bring_names_into_play_and_support_them():
    texts = (
        line(90, "Zoe Ray .......... Ann Lee"),
        line(95, "Kim Bo as Captain Nemo"),
        line(97, "Sold as Seen"),
    )
    assert [(c.character, c.actor) for c in credited(texts)] == [
        ("Zoe Ray", "Ann Lee"),
        ("Nemo", "Kim Bo"),
    ]
    scene = Scene(
        "a.mp4", turns=((Span(0, 3), "S1"),), cues=(Cue(Span(0, 3), "ZOE: Hi."),), texts=texts
    )
    names = with_credited(scene, NOBODY)
    assert claims(subtitles, scene, names) == [("S1", "Zoe Ray", 0.8)]
    (claim,) = credits(scene, names)
    assert (claim.identity, claim.name, claim.source) == ("S1", "Zoe Ray", "credits")
    assert claim.span == Span(90, 90)
    assert "Ann Lee" in claim.quote


def test_two_columns_are_a_cast_list_from_three_rows_on():
    def rows(number):
        names = [("Zoe", "Ann Lee"), ("Max", "Kim Bo"), ("Иван", "Олег Петров")][:number]
        return tuple(
            line(90, text, (x, 20 * n, x + 80, 20 * n + 15))
            for n, pair in enumerate(names)
            for text, x in zip(pair, (10, 200), strict=True)
        )

    assert [c.character for c in credited(rows(3))] == ["Zoe", "Max", "Иван"]
    assert credited(rows(2)) == []


def test_short_names_mean_the_one_whom_they_fit():
    assert CAST.meant("Bill") == "William Smith"
    assert Names(["William Smith", "William Jones"]).meant("Bill") is None
    assert Names(["William Smith", "William Jones"]).unclear("Bill")
    assert Names(["William Smith", "Bill Jones"]).meant("Bill") == "Bill Jones"
    assert CAST.meant("田中") == "田中太郎"
    assert Names(["Jürgen Müller"]).meant("HERR MULLER") == "Jürgen Müller"
    assert Names(["Агент 47", "Агент 12"]).meant("АГЕНТ 47") == "Агент 47"
