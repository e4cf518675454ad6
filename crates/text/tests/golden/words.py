"""Makes tests/golden/words.json: means of word vectors by NumPy, as Arora et al. (2017) publish them.

/tmp/venv/bin/python tests/golden/words.py       # numpy 2.4.6, seed 3
"""

import collections
import json
import pathlib

import numpy as np

RNG = np.random.default_rng(3)
WORDS = [f"w{i}" for i in range(60)]
VECTORS = (RNG.standard_normal((60, 12)) + 0.7 * RNG.standard_normal(12)).astype(np.float32)
SHARE = 1 / np.arange(1, 81)
SENTENCES = [
    " ".join(f"w{i}" for i in RNG.choice(80, size=RNG.integers(1, 15), p=SHARE / SHARE.sum()))
    for _ in range(50)
]
KNOWN = dict(zip(WORDS, VECTORS.astype(np.float64)))


def means(a):
    count = collections.Counter(w for s in SENTENCES for w in s.split())
    total = sum(count.values())
    rows = []
    for sentence in SENTENCES:
        known = [w for w in sentence.split() if w in KNOWN]
        rows.append(sum((a / (a + count[w] / total) if a else 1) * KNOWN[w] for w in known) / max(len(known), 1)
                    if known else np.zeros(12))
    return np.array(rows)


def without(rows, k):
    # scikit-learn's TruncatedSVD, as the authors' code calls it: the matrix is not centred.
    first = np.linalg.svd(rows, full_matrices=False)[2][:k]
    return rows - rows @ first.T @ first


number = lambda rows: [[float(f"{x:.8g}") for x in row] for row in rows]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({
    "made_by": f"numpy {np.__version__}",
    "words": WORDS,
    "vectors": [[float(x) for x in v] for v in VECTORS],
    "sentences": SENTENCES,
    "plain": number(means(None)),
    "weighted": number(means(1e-2)),
    "sif": number(without(means(1e-2), 1)),
    "sif3": number(without(means(1e-2), 3)),
}) + "\n")
