"""Writes the golden Parquet files that `formats.py` does not: by other programs, with other encodings
and column names, with nulls; and proves that pyarrow, pandas and polars read what this crate writes.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 pyarrow==26.0.1 pandas==3.1.1 polars==2.1.0
    venv/bin/python tables.py [FILE]

The vectors are those of `f4.npy`. `arrow-schema.txt` is the schema that this crate stores in a file of
5 dimensions; pyarrow must understand it. FILE is one that this crate has written from `gensim.vec`:
`cargo run -p procrust-words --features parquet --example convert -- gensim.vec FILE.parquet`.
"""

import base64
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
WORDS = (HERE / "f4.words.txt").read_text(encoding="utf-8").splitlines()
VECTORS = np.load(HERE / "f4.npy")
LISTS = VECTORS.tolist()

# Many words, so that the delta encodings have more than one block.
many = [f"word-{i % 7}-{i:04}" for i in range(400)]
table = pa.table({
    "token": many,
    "embedding": pa.array([[i / 4, -1.0] for i in range(400)], pa.list_(pa.float32(), 2)),
})
for name, words, version in [
    ("delta-length", "DELTA_LENGTH_BYTE_ARRAY", "1.0"),
    ("delta-prefix", "DELTA_BYTE_ARRAY", "2.0"),
]:
    pq.write_table(
        table, HERE / f"{name}.parquet", version="2.6", data_page_version=version,
        use_dictionary=False, compression="zstd", write_statistics=False, row_group_size=300,
        column_encoding={"token": words, "embedding.list.element": "BYTE_STREAM_SPLIT"},
    )

pl.DataFrame(
    {"id": range(7), "name": WORDS, "values": LISTS},
    schema={"id": pl.Int64, "name": pl.String, "values": pl.Array(pl.Float32, 5)},
).write_parquet(HERE / "polars.parquet")
pl.DataFrame(
    {"word": WORDS, "vector": LISTS}, schema={"word": pl.String, "vector": pl.List(pl.Float32)},
).write_parquet(HERE / "polars-list.parquet", compression="uncompressed")
pd.DataFrame({"word": WORDS, "vector": list(VECTORS)}).to_parquet(HERE / "pandas.parquet")

# Row 2 has no word, row 3 no vector, row 4 a null in it, row 5 is empty, row 6 too short.
lists = [LISTS[0], LISTS[1], None, [*LISTS[3][:4], None], [], LISTS[5][:4], LISTS[6]]
words = [WORDS[0], None, *WORDS[2:]]
table = pa.table({"word": words, "vector": pa.array(lists, pa.list_(pa.float32()))})
pq.write_table(table, HERE / "nulls.parquet", compression="none")

# What this crate writes.
message = base64.b64decode((HERE / "arrow-schema.txt").read_text())
expected = pa.schema([
    pa.field("word", pa.string(), nullable=False),
    pa.field("vector", pa.list_(pa.field("element", pa.float32(), nullable=False), 5), nullable=False),
])
assert pa.ipc.read_schema(pa.py_buffer(message)) == expected
for path in sys.argv[1:]:
    table = pq.read_table(path)
    assert table.schema.remove_metadata() == expected, table.schema
    assert table["word"].to_pylist() == WORDS
    found = table["vector"].combine_chunks().flatten().to_numpy()
    assert (found.view(np.uint32) == VECTORS.ravel().view(np.uint32)).all()
    assert np.array_equal(np.stack(pd.read_parquet(path)["vector"]), VECTORS)
    assert pl.read_parquet(path).schema["vector"] == pl.Array(pl.Float32, 5)
    print(f"{path}: read by pyarrow {pa.__version__}, pandas {pd.__version__}, polars {pl.__version__}")
