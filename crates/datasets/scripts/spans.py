"""Makes data/sentences/spans.en.json of data/sentences/passages.en.txt and spans.txt: the passages and their questions
in SQuAD's form, the answer to each a part of the sentence that answers it.

python3 scripts/spans.py          # Python 3.9 or later, nothing else; no randomness
"""

import json
import pathlib

HERE = pathlib.Path(__file__).parent
DATA = HERE.parent / "data" / "sentences"


def passages():
    found = []
    for line in (DATA / "passages.en.txt").read_text("utf-8").splitlines():
        line = line.strip()
        if line.startswith("#"):
            found.append((line[1:].strip(), [], []))
        elif line.startswith("?"):
            number, question = line[1:].strip().split(" ", 1)
            found[-1][2].append((int(number) - 1, question))
        elif line:
            found[-1][1].append(line)
    return found


def answers():
    found = {}
    for line in (HERE / "spans.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            title = line[1:].strip()
            found[title] = []
        elif line.strip():
            found[title].append(line.strip())
    return found


def main():
    given, data = answers(), []
    for title, sentences, questions in passages():
        assert len(given[title]) == len(questions), title
        context = " ".join(sentences)
        qas = []
        for at, ((sentence, question), answer) in enumerate(zip(questions, given[title])):
            assert sentences[sentence].count(answer) == 1, (title, answer)
            before = sum(len(s) + 1 for s in sentences[:sentence])
            start = before + sentences[sentence].index(answer)
            assert context[start : start + len(answer)] == answer
            id = f"{title.lower().replace(' ', '-')}-{at + 1}"
            qas.append(
                {"id": id, "question": question, "answers": [{"text": answer, "answer_start": start}]}
            )
        data.append({"title": title, "paragraphs": [{"context": context, "qas": qas}]})
    text = json.dumps({"version": "1.1", "data": data}, ensure_ascii=False, indent=1)
    (DATA / "spans.en.json").write_text(text + "\n", "utf-8")
    print(sum(len(p["qas"]) for a in data for p in a["paragraphs"]), "questions")


if __name__ == "__main__":
    main()
