"""Splits the project's own English-French word list into training and test pairs.

Reads  scripts/lexicon/english-french.txt   english<TAB>french,french,...
       scripts/lexicon/french-english.txt   french<TAB>english,english,...
Writes data/lexicon/{train,test}.{en-fr,fr-en}.txt, one pair a line, tab separated.

Both lists are written for this project. Frequency-balanced: English words by their rank in GloVe's
vocabulary, French words by theirs in fastText's, in five bands with the same number of words each.
The training pairs of the two directions are the same, turned round; no word that one of the directions
tests stands in them. Python 3 alone; seed 20261124.

    python3 scripts/split_lexicon.py glove-words.txt french-words.txt

The two arguments list the vocabularies, one word a line, most frequent first (glove_english.py and
fasttext_french.py write them).
"""

import pathlib
import random
import sys

SEED = 20261124
BANDS = [(0, 1000), (1000, 3000), (3000, 6000), (6000, 12000), (12000, 20000)]
HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "data" / "lexicon"


def read(name):
    entries = {}
    for line in (HERE / "lexicon" / name).read_text(encoding="utf-8").splitlines():
        word, translations = line.split("\t")
        assert word not in entries, word
        entries[word] = translations.split(",")
    return entries


def bands(entries, vocabulary):
    rank = {}
    for place, word in enumerate(vocabulary):
        rank.setdefault(word, place)
    rng = random.Random(SEED)
    for low, high in BANDS:
        words = sorted((w for w in entries if low <= rank[w] < high), key=rank.get)
        rng.shuffle(words)
        yield words


def write(name, pairs):
    OUT.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{a}\t{b}\n" for a, b in pairs)
    (OUT / name).write_text(text, encoding="utf-8")
    print(name, len({a for a, _ in pairs}), "words", len(pairs), "pairs")


def pairs(entries, words):
    return [(word, translation) for word in words for translation in entries[word]]


def main():
    english, french = (pathlib.Path(p).read_text(encoding="utf-8").splitlines() for p in sys.argv[1:])
    forward, backward = read("english-french.txt"), read("french-english.txt")

    asked = []
    for words in bands(backward, french):
        asked += words[:140]
    train, test = [], []
    for words in bands(forward, english):
        test += words[:160]
        train += words[160:800]
    # What is learned is the same in both directions, and no word that either direction tests is in it.
    tested = set(asked)
    learned = [(e, f) for e, f in pairs(forward, train) if f not in tested]
    write("train.en-fr.txt", learned)
    write("test.en-fr.txt", pairs(forward, test))
    write("train.fr-en.txt", [(f, e) for e, f in learned])
    write("test.fr-en.txt", pairs(backward, asked))


main()
