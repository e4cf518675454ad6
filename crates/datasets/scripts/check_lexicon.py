"""Measures how far the project's English-French lexicon agrees with FreeDict's dictionaries.

FreeDict is GPL: it is read here to check with, and none of it is shipped. Debian packages
dict-freedict-eng-fra and dict-freedict-fra-eng; Python 3 alone.

    python3 scripts/check_lexicon.py
"""

import gzip
import pathlib
import re
import unicodedata

HERE = pathlib.Path(__file__).resolve().parent
DICTD = pathlib.Path("/usr/share/dictd")
DIGITS = {c: i for i, c in enumerate(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}


def number(text):
    value = 0
    for c in text:
        value = value * 64 + DIGITS[c]
    return value


def freedict(name):
    body = gzip.open(DICTD / f"{name}.dict.dz").read()
    entries = {}
    for line in (DICTD / f"{name}.index").read_text(encoding="utf-8").splitlines():
        word, start, length = line.split("\t")[:3]
        if word.startswith("00database"):
            continue
        start, length = number(start), number(length)
        text = body[start:start + length].decode("utf-8", "replace")
        lines = text.split("\n")[1:]  # the first line repeats the headword
        text = " ".join(lines)
        text = re.sub(r"<[^>]*>|\[[^]]*\]|\([^)]*\)|/[^/]*/", " ", text)
        entries.setdefault(word.lower(), set()).update(re.findall(r"[\w'’-]+", text.lower()))
    return entries


def stem(word):
    """Inflection is not disagreement: accents off, then common French and English endings."""
    word = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return word[:max(4, len(word) - 3)] if len(word) > 4 else word


def compare(listname, dictionary):
    entries, common, agree, pairs, pairs_agree = freedict(dictionary), 0, 0, 0, 0
    misses = []
    for line in (HERE / "lexicon" / listname).read_text(encoding="utf-8").splitlines():
        word, ours = line.split("\t")
        theirs = entries.get(word)
        if not theirs:
            continue
        ours = ours.split(",")
        stems = {stem(t) for t in theirs}
        common += 1
        hits = [t for t in ours if t in theirs or stem(t) in stems]
        agree += bool(hits)
        pairs += len(ours)
        pairs_agree += len(hits)
        if not hits:
            misses.append(f"{word}: {','.join(ours)}")
    print(f"{listname}: {common} words in {dictionary}; {agree} ({100 * agree / common:.1f} %) share a "
          f"translation with it; {100 * pairs_agree / pairs:.1f} % of our pairs are in it")
    return misses


for arguments in [("english-french.txt", "freedict-eng-fra"), ("french-english.txt", "freedict-fra-eng")]:
    misses = compare(*arguments)
    print("  without a shared one, for example:", "; ".join(misses[::max(1, len(misses) // 8)][:8]))
