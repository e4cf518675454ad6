"""data/glove.en.gz: the 20,000 most frequent English words with 50 dimensions (see glove_english_source.py).

Layout: a line `words dimensions`; the words, one to a line; then row by row the values as 16-bit floats
(IEEE 754 binary16, nearest), first the high bytes of all, then the low bytes (gzip does better so).

With an argument, also writes the words to that file, one to a line.
"""

import pathlib
import sys

import numpy as np

import glove_english_source
from common import is_plain, write_gz


def main():
    words, vectors = glove_english_source.read()
    assert len(set(words)) == len(words) and all(map(is_plain, words))
    if len(sys.argv) > 1:
        pathlib.Path(sys.argv[1]).write_text("".join(word + "\n" for word in words), encoding="utf-8")
    half = vectors.astype("<f2")
    error = np.abs(half.astype(np.float64) - vectors)
    cosine = (half * vectors.astype(np.float64)).sum(1) / (
        np.linalg.norm(half.astype(np.float64), axis=1) * np.linalg.norm(vectors.astype(np.float64), axis=1)
    )
    print(f"largest value {np.abs(vectors).max():.5f}, largest error {error.max():.2e}, mean {error.mean():.2e}")
    print(f"largest 1 - cosine to the full row {(1 - cosine).max():.2e}")
    print("first word, first values:", words[0], vectors[0, :4].tolist())
    print("last word, last values:", words[-1], vectors[-1, -4:].tolist())
    planes = half.reshape(-1).view(np.uint8).reshape(-1, 2).T
    head = f"{len(words)} {vectors.shape[1]}\n" + "".join(word + "\n" for word in words)
    write_gz("glove.en.gz", head.encode() + planes[1].tobytes() + planes[0].tobytes())


if __name__ == "__main__":
    main()
