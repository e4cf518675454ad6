"""Writes the golden files: word vectors as the reference programs write them.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 safetensors==0.8.0 pyarrow==26.0.1 gensim==4.4.0
    venv/bin/python formats.py

The vectors come from numpy's PCG64 with seed 20, 7 words in 5 dimensions; `expected.txt` has the
words and the bits of the values in hexadecimal.
"""

from pathlib import Path

import gensim
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors
from gensim.models import KeyedVectors
from safetensors.numpy import save_file

SEED = 20
HERE = Path(__file__).parent
WORDS = ["the", ",", "été", "日本", "don't", '"', "\\n"]

rng = np.random.default_rng(SEED)
vectors = rng.standard_normal((len(WORDS), 5)).astype(np.float32)
vectors[0] = [0.0, -0.0, 1.0, 1e-40, 3.4028235e38]
half = vectors.copy()
half[0] = [0.0, -0.0, 1.0, 6e-8, 65504.0]
half = half.astype(np.float16)


def expected(name, matrix):
    with open(HERE / name, "w", encoding="utf-8") as file:
        for word, row in zip(WORDS, matrix.astype(np.float32)):
            bits = " ".join(f"{value:08x}" for value in row.view(np.uint32))
            file.write(f"{word} {bits}\n")


def words(name):
    (HERE / name).write_text("".join(word + "\n" for word in WORDS), encoding="utf-8")


expected("expected.txt", vectors)
expected("expected-half.txt", half)

for name, matrix in {
    "f4": vectors,
    "f4-fortran": np.asfortranarray(vectors),
    "f4-big": vectors.astype(">f4"),
    "f8": vectors.astype(np.float64),
    "f8-big-fortran": np.asfortranarray(vectors.astype(">f8")),
    "f2": half,
    "f2-big": half.astype(">f2"),
}.items():
    np.save(HERE / f"{name}.npy", matrix)
    words(f"{name}.words.txt")
with open(HERE / "version3.npy", "wb") as file:
    np.lib.format.write_array(file, vectors, version=(3, 0))
words("version3.vocab")

metadata = {"words": "\n".join(WORDS), "more": "text"}
save_file({"any": vectors}, HERE / "words.safetensors", metadata=metadata)
tensor = np.frombuffer("".join(word + "\n" for word in WORDS).encode(), np.uint8)
save_file({"embeddings": vectors, "words": tensor}, HERE / "tensor.safetensors")
others = {"weight": vectors, "bias": np.zeros(3, np.float32), "other": np.zeros((2, 2), np.float32)}
save_file(others, HERE / "named.safetensors", metadata=metadata)
save_file({"embeddings": half}, HERE / "half.safetensors")
words("half.words.txt")

fixed = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 5)
plain = pa.array(vectors.astype(np.float64).tolist())
pq.write_table(pa.table({"word": WORDS, "vector": fixed}), HERE / "fixed.parquet")
pq.write_table(
    pa.table({"id": range(len(WORDS)), "word": WORDS, "embedding": plain}),
    HERE / "double.parquet",
    compression="zstd",
    row_group_size=3,
)
pq.write_table(
    pa.table({"word": WORDS, "vector": fixed}),
    HERE / "plain.parquet",
    compression="none",
    use_dictionary=False,
    data_page_version="2.0",
)

keyed = KeyedVectors(vector_size=5)
keyed.add_vectors(WORDS, vectors)
keyed.save_word2vec_format(HERE / "gensim.vec", binary=False, write_header=True)
keyed.save_word2vec_format(HERE / "gensim-glove.txt", binary=False, write_header=False)
keyed.save_word2vec_format(HERE / "gensim.bin", binary=True)

for module in [np, safetensors, pa, gensim]:
    print(module.__name__, module.__version__)
