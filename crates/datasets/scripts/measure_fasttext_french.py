"""What quantising the French vectors costs: retrieval precision of orthogonal Procrustes.

English (GloVe, 50 dimensions) and French (fastText, 300) rows are made unit, centred and unit again.
The map is W = UVᵀ of the thin svd(XᵀY), semi-orthogonal, from the pairs of the training words; test words
are a fifth of the lexicon's, none of them in a training pair; candidates are all words of the other
language; any listed translation is right. Every candidate sees the same random splits, so its loss
against the full vectors is a paired difference. English to French maps 50 → 300, French to English 300 → 50.

The lexicon is data/lexicon, training and test words together, each direction united with the other turned
round. Usage: measure_fasttext_french.py [SPLITS [CANDIDATE…]]. A candidate's line: bits a number, size in MB as
shipped (gzip), then the loss in points, mean over both directions, and the worst of all means.
"""

import sys
import time
import zlib

import faiss
import numpy as np

import fasttext_french_source
import glove_english_source
import pq
from common import DATA

AT = (1, 5, 10)
CSLS_K = 10


def prepared(rows):
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows - rows.mean(axis=0)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def lexicon(files, sources, targets):
    found = {}
    for file in files:
        for line in open(file, encoding="utf-8"):
            word, translation = line.rstrip("\n").split("\t")
            if word in sources and translation in targets:
                found.setdefault(word, set()).add(translation)
    return found


def inverted(pairs):
    found = {}
    for word, translations in pairs.items():
        for translation in translations:
            found.setdefault(translation, set()).add(word)
    return found


def united(a, b):
    return {w: a.get(w, set()) | b.get(w, set()) for w in sorted(a.keys() | b.keys())}


def precision(x, y, pairs, x_at, y_at, seed):
    """{criterion@k: share of the test words} for x → y."""
    words = sorted(pairs)
    np.random.default_rng(seed).shuffle(words)
    held = len(words) // 5
    test, training = words[:held], words[held:]
    index = [(x_at[w], y_at[t]) for w in training for t in sorted(pairs[w])]
    a, b = (np.array(side) for side in zip(*index))
    u, _, vt = np.linalg.svd(x[a].astype(np.float64).T @ y[b].astype(np.float64), full_matrices=False)
    if x.shape[1] <= y.shape[1]:  # compare in the smaller space: the same dot products
        query, target = x @ u.astype(np.float32), y @ vt.T.astype(np.float32)
        query /= np.linalg.norm(query, axis=1, keepdims=True)
    else:
        query, target = x @ (u @ vt).astype(np.float32), y
        query /= np.linalg.norm(query, axis=1, keepdims=True)
    near = faiss.IndexFlatIP(query.shape[1])
    near.add(np.ascontiguousarray(query))
    r_target = near.search(np.ascontiguousarray(target), CSLS_K)[0].mean(axis=1)
    scores = query[[x_at[w] for w in test]] @ target.T
    right = [{y_at[t] for t in pairs[w]} for w in test]
    result = {}
    for criterion, matrix in (("cosine", scores), ("csls", 2 * scores - r_target)):
        best = np.argpartition(-matrix, 10, axis=1)[:, :10]
        order = np.take_along_axis(-matrix, best, 1).argsort(1, kind="stable")
        best = np.take_along_axis(best, order, 1)
        for k in AT:
            result[f"{criterion}@{k}"] = np.mean([bool(set(b[:k]) & r) for b, r in zip(best.tolist(), right)])
    return result


def uniform(rows, bits):
    """Every column in 2^bits even steps between its extremes."""
    low, high = rows.min(0), rows.max(0)
    step = (high - low) / ((1 << bits) - 1)
    codes = np.rint((rows - low) / step).astype(np.uint8)
    return codes * step + low, packed(codes, bits)


def packed(codes, bits):
    digits = (codes[:, :, None] >> np.arange(bits, dtype=np.uint8)) & 1
    return np.packbits(digits.reshape(len(codes), -1), axis=1).tobytes()


def product(rows, parts, bits, rotate):
    rotation, books, codes = pq.train(rows, parts, bits, rotate)
    raw = books.tobytes() + packed(codes, bits)
    if rotate:
        raw += rotation.tobytes()
    return pq.decode(rotation, books, codes), raw


def candidates(vectors):
    """(name, bits a number, function that gives the decoded rows and the bytes)."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    half = vectors.astype(np.float16)
    yield "f32", 32, lambda: (vectors, vectors.tobytes())
    yield "f16", 16, lambda: (half.astype(np.float32), half.tobytes())
    for bits in (8, 6, 5, 4, 3):
        yield f"scalar {bits} bit, even steps", bits, lambda bits=bits: uniform(unit, bits)
    for bits in (4, 3, 2):
        for rotate in (False, True):
            name = f"scalar {bits} bit, k-means" + (", rotated" if rotate else "")
            yield name, bits, lambda at=(300, bits, rotate): product(unit, *at)
    for parts in (150, 100, 75, 60, 50, 30, 25, 20):
        for rotate in (False, True):
            name = f"product {parts} × 256" + (", rotated" if rotate else "")
            yield name, 8 * parts / 300, lambda at=(parts, 8, rotate): product(unit, *at)


def main():
    splits = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    chosen = sys.argv[2:]
    en_fr, fr_en = ([DATA / f"lexicon/{part}.{way}.txt" for part in ("train", "test")] for way in ("en-fr", "fr-en"))
    english, x = glove_english_source.read()
    french, vectors, _ = fasttext_french_source.read()
    x = prepared(x)
    x_at, y_at = ({w: i for i, w in enumerate(words)} for words in (english, french))
    forward, backward = lexicon(en_fr, x_at, y_at), lexicon(fr_en, y_at, x_at)
    forward, backward = united(forward, inverted(backward)), united(backward, inverted(forward))
    print(f"{len(forward)} English words, {len(backward)} French words, {splits} splits", flush=True)
    full = None
    for name, bits, quantised in candidates(vectors):
        if chosen and name != "f32" and not any(c in name for c in chosen):
            continue
        start = time.time()
        decoded, raw = quantised()
        y = prepared(decoded)
        error = np.linalg.norm(
            decoded / np.linalg.norm(decoded, axis=1, keepdims=True)
            - vectors / np.linalg.norm(vectors, axis=1, keepdims=True), axis=1).mean()
        values = []
        for seed in range(splits):
            there = precision(x, y, forward, x_at, y_at, seed)
            back = precision(y, x, backward, y_at, x_at, seed)
            values.append([[d[k] for k in d] for d in (there, back)])
        keys = list(there)
        values = 100 * np.array(values)  # splits × directions × criteria
        if full is None:
            full = values
            print(name, *(f"{k} {a:.1f}/{b:.1f}" for k, a, b in zip(keys, *values.mean(0))), flush=True)
        loss = full - values
        both = loss.mean(1)
        half = 2.0 * both.std(0, ddof=1) / np.sqrt(splits)
        size = len(zlib.compress(raw, 9)) / 1e6
        cells = " ".join(f"{k} {m:+.2f}±{h:.2f}" for k, m, h in zip(keys, both.mean(0), half))
        each = loss.mean(0)
        print(f"| {name} | {bits:.2f} | {size:.2f} | err {error:.3f} | {cells} | worst {each.max():+.2f}"
              f" ({('en>fr', 'fr>en')[each.max(1).argmax()]} {keys[each.max(0).argmax()]}) | {time.time() - start:.0f}s", flush=True)


if __name__ == "__main__":
    main()
