"""Makes data/classes.tsv: the 1,000 classes of ImageNet (ILSVRC 2012) in the order of the scores.

    python3 classes.py

A line is a WordNet 3.0 identifier, a tab, and the words of that synset. The list of identifiers, which are
sorted, and the words are in the package timm; the words are WordNet's own.
"""

import hashlib
import pathlib

from checkpoint import fetched

PACKAGE = "timm==1.0.31"
WHEEL_SHA256 = "5bd50f7d0fe6d09bf9285ac2523234a1b7e6bf075c0be3e7aed09139fcb617c7"
DATA = pathlib.Path(__file__).resolve().parent.parent / "data"

wheel = fetched(PACKAGE, "timm-1.0.31-py3-none-any.whl", WHEEL_SHA256)
info = "timm/data/_info/imagenet_"
synsets = wheel.read(info + "synsets.txt").decode().split()
words = dict(line.split("\t") for line in wheel.read(info + "synset_to_lemma.txt").decode().splitlines())
assert len(set(synsets)) == 1000 and synsets == sorted(synsets)
lines = [f"{synset}\t{words[synset]}" for synset in synsets]
assert all(line.isprintable() or "\t" in line for line in lines)
file = ("\n".join(lines) + "\n").encode()
(DATA / "classes.tsv").write_bytes(file)
print(f"{hashlib.sha256(file).hexdigest()}  classes.tsv  {len(file)} bytes")
