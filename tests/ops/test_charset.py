"""Which encoding a short text is in: the letters must come out right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorium.ops.charset import guessed

KNOWN = {
    "cp1252": "Beyoncé|Sécurité|Müller – Lied ohne Worte|naïveté œuvre|¿Qué?|Ænima|LÉGENDE|Größe|Ça ira|É|"
    "© 2003 Émile|25° à l’ombre|x²+y² Größe|Sigur Rós - Ágætis byrjun",
    "cp1250": "Łódź nocą|Žluťoučký kůň",
    "cp1251": "Кино - Группа крови|Любэ|КИНО|ОДИН дома 2|Привет мир",
    "koi8-r": "Пикник",
    "cp1253": "Ελλάδα|Θάνος",
    "cp932": "宇多田ヒカル|東京|さくら|千と千尋の神隠し",
    "cp949": "한국어 노래|소녀시대",
    "gb18030": "周杰伦|北京欢迎你",
    "big5": "周杰倫",
}


@pytest.mark.parametrize("charset", KNOWN)
def test_titles_are_told_by_their_letters(charset):
    """Real titles, each in the encoding that old programs wrote it in."""
    titles = KNOWN[charset].split("|")
    assert [guessed(title.encode(charset)) for title in titles] == titles


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_any_bytes_become_text(data, beside):
    """A tag is never a reason to refuse a file."""
    assert isinstance(guessed(data, beside), str)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_utf8_is_never_guessed_at(text):
    """What is valid stays."""
    assert guessed(text.encode()) == text
