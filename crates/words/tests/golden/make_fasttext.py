"""Makes the models and values that tests/golden_subwords.rs compares with.

Tiny models are trained on a few sentences by the reference implementations, fastText and floret,
and asked for the vectors of words that they know and words that they do not know.

    python3.11 -m venv venv
    venv/bin/pip install fasttext-wheel==0.9.2 floret==0.10.5 'numpy<2'
    venv/bin/python make_fasttext.py

Python 3.11, fasttext-wheel 0.9.2, floret 0.10.5, numpy 1.26.4; one thread and the seed that both have
built in, which give the same files each time. A vector is
printed as the shortest decimal that reads back as the same 32-bit float.
"""

import json
import tempfile
from pathlib import Path

import fasttext
import floret
import numpy

HERE = Path(__file__).parent
SEED = 7  # of the values given to floret; training has a seed of its own

SENTENCES = """\
der gast schläft im bett und das bett ist zu kurz
l'hôte mesure le lit et l'invité trop grand dort là-bas
the guest sleeps in the bed and the bed is too short
гость спит в кровати 客人 睡 在 床 上 🛏 a ä
"""

KNOWN = ["bett", "schläft", "là-bas", "гость", "客人", "🛏", "a", "ä", "</s>", "the"]
UNKNOWN = ["bettes", "schlaf", "гостья", "客", "🛏🛏", "z", "é", "Bett", "longer-than-any-of-them", "<", ">"]

NGRAMS = {"dim": 6, "bucket": 50, "minn": 2, "maxn": 4}


def unsupervised(library, path, **settings):
    return library.train_unsupervised(
        str(path), **{"minCount": 1, "epoch": 20, "lr": 0.1, "thread": 1, "verbose": 0, **settings}
    )


def values(vector):
    return [float(str(numpy.float32(value))) for value in vector]


def vectors(model, words):
    return {word: values(model.get_word_vector(word)) for word in words}


def main():
    golden = {}
    with tempfile.TemporaryDirectory() as directory:
        text = Path(directory) / "text"
        text.write_text(SENTENCES * 3, encoding="utf-8")

        def keep(name, model):
            golden[name] = {
                "words": model.get_words(),
                "known": vectors(model, KNOWN),
                "unknown": vectors(model, UNKNOWN),
            }

        for name, settings in {
            "two.bin": {"model": "skipgram", **NGRAMS},
            "one.bin": {"model": "skipgram", **NGRAMS, "minn": 1, "maxn": 3, "bucket": 20},
            "none.bin": {"model": "cbow", **NGRAMS, "minn": 0, "maxn": 0},
        }.items():
            model = unsupervised(fasttext, text, **settings)
            model.save_model(str(HERE / name))
            keep(name, model)

        labels = Path(directory) / "labels"
        lines = SENTENCES.splitlines()
        labels.write_text(
            "".join(f"__label__{i % 2} {line}\n" for i, line in enumerate(lines * 3)),
            encoding="utf-8",
        )
        settings = {"minCount": 1, "epoch": 20, "lr": 0.1, "thread": 1, "verbose": 0, **NGRAMS}
        model = fasttext.train_supervised(str(labels), **settings)
        model.save_model(str(HERE / "labels.bin"))
        keep("labels.bin", model)
        for name, cutoff in {"quantized.ftz": 0, "pruned.ftz": 300}.items():
            model = fasttext.train_supervised(str(labels), **{**settings, "bucket": 400})
            model.quantize(qnorm=cutoff > 0, cutoff=cutoff, dsub=4)
            model.save_model(str(HERE / name))
            keep(name, model)

        for name, settings in {
            "two.floret": {**NGRAMS, "hashCount": 2},
            "four.floret": {**NGRAMS, "minn": 1, "maxn": 3, "bucket": 20, "hashCount": 4},
            "none.floret": {**NGRAMS, "minn": 0, "maxn": 0, "bucket": 20, "hashCount": 1},
        }.items():
            model = unsupervised(floret, text, model="skipgram", mode="floret", **settings)
            # So few words teach floret nearly the same vector for all buckets; and these values
            # are exact in its files, which have five digits.
            shape = model.get_input_matrix().shape
            rows = numpy.random.default_rng(SEED).integers(-999, 1000, shape) / 1000
            model.set_matrices(rows.astype("f4"), model.get_output_matrix())
            model.save_floret_vectors(str(HERE / name))
            keep(name, model)

    with open(HERE / "fasttext.json", "w", encoding="utf-8") as file:
        json.dump(golden, file, ensure_ascii=False, indent=0, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
