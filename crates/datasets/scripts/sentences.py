"""data/{tweets,products,movies,news}.tsv.gz: sentences rated by people, four domains.

Package: vaderSentiment 0.5 (pip, source), additional_resources/hutto_ICWSM_2014.tar.gz, the four files
*_GroundTruth.txt (id, mean rating, text), in their order; the ids are left out.

A line: the mean rating from -4 to 4, as written there, a tab, the text. White space in a text is reduced to
single spaces; character references (&amp; …) stay as they are. Nothing else is changed or dropped.
"""

import collections
import io
import tarfile
import zipfile

from common import pip_package, write_gz

SHA256 = "5d97c37f3ef6e24eef331122e055dbedafeb6a56abfce0608b326701116ea49a"
ARCHIVE = "vaderSentiment-0.5/additional_resources/hutto_ICWSM_2014.tar.gz"
DOMAINS = {
    "tweets": "tweets",
    "products": "amazonReviewSnippets",
    "movies": "movieReviewSnippets",
    "news": "nytEditorialSnippets",
}


def main():
    source = zipfile.ZipFile(
        pip_package("vaderSentiment==0.5", "vaderSentiment-0.5.zip", SHA256, "--no-binary=:all:")
    )
    archive = tarfile.open(fileobj=io.BytesIO(source.read(ARCHIVE)))
    for domain, file in DOMAINS.items():
        text = archive.extractfile(f"hutto_ICWSM_2014/{file}_GroundTruth.txt").read().decode("utf-8")
        lines, labels, texts = [], collections.Counter(), collections.Counter()
        for line in text.split("\n"):
            if not line.strip():
                continue
            _, rating, sentence = line.split("\t", 2)
            sentence = " ".join(sentence.split())
            value = float(rating)
            assert -4 <= value <= 4 and sentence and sentence.isprintable(), line
            lines.append(f"{rating}\t{sentence}\n")
            texts[sentence] += 1
            labels["positive" if value >= 0.5 else "negative" if value <= -0.5 else "none"] += 1
        print(domain, len(lines), "sentences,", dict(labels), "repeated:", sum(n - 1 for n in texts.values()))
        write_gz(f"{domain}.tsv.gz", "".join(lines).encode())


if __name__ == "__main__":
    main()
