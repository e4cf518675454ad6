"""data/similarity/analogies.en.txt: questions from the pairs in similarity/relations.txt.

Within a relation every pair is asked by STEPS others: `a b c d`, where d is to c as b is to a. A line
`: name` starts a relation, as in word2vec's file of questions. Python 3 alone; nothing random.
"""

import pathlib

HERE = pathlib.Path(__file__).resolve().parent
STEPS = (1, 2, 5)


def main():
    relations = {}
    for line in (HERE / "similarity" / "relations.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith(": "):
            pairs = relations.setdefault(line, [])
        else:
            pairs.append(line)
    lines = []
    for name, pairs in relations.items():
        lines.append(name)
        lines += [f"{pairs[(i + s) % len(pairs)]} {pair}" for s in STEPS for i, pair in enumerate(pairs)]
    path = HERE.parent / "data" / "similarity" / "analogies.en.txt"
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
