"""Makes tests/golden/squad.json: pairs of answers, as SQuAD's evaluation compares them.

Written after the description in Rajpurkar et al. (2016), section 6.1, and the normalisation that the authors published:
small letters, no characters of string.punctuation, no articles at word boundaries, single spaces; F1 over the
multisets of words, and 0 or 1 where one of them is empty (the script of version 2).

python3 tests/golden/squad.py        # Python 3.9 or later, nothing else; seed 5
"""

import collections
import json
import pathlib
import random
import re
import string


def normalize(text):
    text = text.lower()
    text = "".join(c for c in text if c not in set(string.punctuation))
    text = re.sub(r"\b(a|an|the)\b", " ", text)
    return " ".join(text.split())


def exact(found, right):
    return normalize(found) == normalize(right)


def f1(found, right):
    found, right = normalize(found).split(), normalize(right).split()
    if not found or not right:
        return float(found == right)
    same = sum((collections.Counter(found) & collections.Counter(right)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(found), same / len(right)
    return 2 * precision * recall / (precision + recall)


def best(found, answers):
    answers = [answer for answer in answers if normalize(answer)] or [""]
    return max(exact(found, a) for a in answers), max(f1(found, a) for a in answers)


WRITTEN = [
    ("The guest", "guest"),
    ("the Guest.", "A guest!"),
    ("an old bed", "a bed"),
    ("", ""),
    ("the", ""),
    ("a an the", "..."),
    ("bed", ""),
    ("", "bed"),
    ("bed bed bed", "bed"),
    ("bed", "bed bed bed"),
    ("bed bed guest", "guest bed bed"),
    ("U.S.A.", "USA"),
    ("state-of-the-art", "stateoftheart"),
    ("the-art", "art"),
    ("A-ha", "aha"),
    ("Thea", "the a"),
    ("an.", "n"),
    ("another", "other"),
    ("theatre", "atre"),
    ("it's", "its"),
    ("“the” bed", "“the” bed"),
    ("“the” bed", "“” bed"),
    ("the—bed", "—bed"),
    ("l’a", "l’"),
    ("ÉCOLE", "école"),
    ("École", "Ecole"),
    ("STRASSE", "straße"),
    ("İstanbul", "istanbul"),
    ("ΣΟΦΟΣ", "σοφος"),
    ("ǅ", "ǆ"),
    ("naïve  café", "naïve\tcafé"),
    ("one\u00a0two", "one two"),
    ("one\u2003two", "one two"),
    ("one\u200btwo", "one two"),
    ("one\x1ctwo", "one two"),
    ("one\x85two", "one two"),
    ("5 %", "5%"),
    ("$1,000", "1000"),
    ("1,000.50", "100050"),
    ("3.14", "314"),
    ("snake_case", "snakecase"),
    ("the_bed", "thebed"),
    ("中国 the 日本", "中国 日本"),
    ("中国the日本", "中国 日本"),
    ("²the", "²"),
    ("½ a", "½"),
    ("🙂 the 🙂", "🙂 🙂"),
    ("the🙂", "🙂"),
    ("c++", "c"),
    ("e = mc^2", "e mc2"),
    ("  in the   refrigerator ", "refrigerator"),
    ("about twenty-seven days", "twenty-seven days"),
    ("twenty seven days", "twenty-seven days"),
    ("seven to nine hours of sleep", "seven to nine hours"),
    ("Thick lava traps gas and can explode.", "Thick lava traps gas"),
    ("red giant", "it will swell to a red giant"),
    ("THE THE THE", "the"),
    ("a b c d e f", "f e d c b a"),
    ("no", "yes"),
    ("Ⅳ", "ⅳ"),
]

SEVERAL = [
    ("guest", ["the bed", "a guest", "guest house"]),
    ("guest house", ["the bed", "a guest"]),
    ("", []),
    ("guest", []),
    ("the", []),
    ("", ["", "bed"]),
    ("", ["the", "a"]),
    ("bed", ["the", "a", "bed guest"]),
]


def main():
    random.seed(5)
    words = ["the", "a", "an", "bed", "Guest", "guest's", "film,", "it.", "-", "1st", "old", "The"]
    some = lambda: " ".join(random.choices(words, k=random.randint(0, 6)))
    pairs = WRITTEN + [(some(), some()) for _ in range(60)]
    cases = [
        {"found": a, "right": b, "normalized": normalize(a), "exact": exact(a, b), "f1": f1(a, b)}
        for a, b in pairs
    ]
    several = []
    for found, answers in SEVERAL:
        is_exact, value = best(found, answers)
        several.append({"found": found, "right": answers, "exact": is_exact, "f1": value})
    out = {"pairs": cases, "several": several}
    path = pathlib.Path(__file__).parent / "squad.json"
    path.write_text(json.dumps(out, ensure_ascii=True, indent=1) + "\n")
    print(len(cases), "pairs,", len(several), "with several answers")


if __name__ == "__main__":
    main()
