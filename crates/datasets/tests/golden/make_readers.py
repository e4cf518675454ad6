"""Makes tests/golden/readers/: small files as other programs write them.

Made with Python 3.11.7, numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1; no randomness. The matrix
is 5 × 4 with x[i, j] = 4·i + j, less 7 where the type has a sign, and that over 8 where it has
fractions; what each test expects follows from this formula. Run it in this folder:

    python3 make_readers.py

Files that these libraries do not write (big-endian .mat, doubles stored as bytes as MATLAB does,
idx) are put together here; the .mat ones are read back by scipy as a check.
"""

import gzip
import pathlib
import struct
import zlib

import numpy as np
import scipy.io
import scipy.sparse
import sklearn.datasets

OUT = pathlib.Path(__file__).parent / "readers"
OUT.mkdir(exist_ok=True)

WHOLE = np.arange(20).reshape(5, 4)
SIGNED = WHOLE - 7
REAL = SIGNED / 8
LABELS = np.array([1, 2, 3, 1, 2])
TEXTS = np.array(["cat", "dog", "Öl ", "1.0", "cat"])


def values(dtype):
    kind = np.dtype(dtype).kind
    x = {"u": WHOLE, "i": SIGNED, "f": REAL, "b": WHOLE % 3 == 0}[kind]
    return x.astype(dtype)


# --- NumPy

TYPES = ["b1", "u1", "i1"] + [
    order + kind for order in "<>" for kind in ["u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]
]


def name(dtype):
    return dtype.replace("<", "little_").replace(">", "big_")


arrays = {}
for dtype in TYPES:
    arrays[name(dtype) + "_c"] = np.ascontiguousarray(values(dtype))
    arrays[name(dtype) + "_f"] = np.asfortranarray(values(dtype))
arrays["labels"] = TEXTS
arrays["numbers"] = LABELS.astype(float)
arrays["column"] = LABELS.reshape(5, 1).astype(np.uint8)
arrays["bytes"] = np.array([b"cat", b"dog", b"x", b"1.0", b"cat"])
arrays["big_text"] = TEXTS.astype(">U4")
arrays["records"] = np.zeros(5, dtype=[("a", "f4"), ("b", "i2")])
np.savez(OUT / "stored.npz", **arrays)
np.savez_compressed(OUT / "deflated.npz", **arrays)
np.savez(OUT / "one.npz", data=values("f4"), y=LABELS)

np.save(OUT / "real.npy", values("<f8"))
np.save(OUT / "fortran.npy", np.asfortranarray(values(">i2")))
np.save(OUT / "pictures.npy", np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4))
np.save(OUT / "labels.npy", TEXTS)
np.save(OUT / "list.npy", np.arange(5, dtype=np.float32))
with open(OUT / "version2.npy", "wb") as file:
    np.lib.format.write_array(file, values("<f4"), version=(2, 0))

# --- svmlight

sparse = REAL * (WHOLE % 3 != 1)
for zero_based in [True, False]:
    sklearn.datasets.dump_svmlight_file(
        scipy.sparse.csr_matrix(sparse),
        LABELS,
        str(OUT / f"{'zero' if zero_based else 'one'}_based.svmlight"),
        zero_based=zero_based,
        comment="made for a test" if zero_based else None,
        query_id=[1, 1, 2, 2, 2] if zero_based else None,
    )

# --- MATLAB

variables = {
    name: values(dtype)
    for name, dtype in {
        "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
        "int64": "i8", "uint64": "u8", "single": "f4", "double": "f8", "logical": "b1",
    }.items()
}  # fmt: skip
variables |= {
    "sparse": scipy.sparse.csc_matrix(sparse),
    "cube": np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4),
    "labels": LABELS.reshape(5, 1).astype(float),
    "two": np.array([[1, 2]]),
    "across": LABELS.reshape(1, 5).astype(np.int16),
    "text": "a few words",
    "cells": np.array(["a", "bb"], dtype=object),
    "record": {"field": np.eye(2)},
    "complex": np.eye(2) * 1j,
}


def save(path, variables, **options):
    """Saves by scipy, without the date in the header: the same bytes every time."""
    scipy.io.savemat(OUT / path, variables, **options)
    data = (OUT / path).read_bytes()
    (OUT / path).write_bytes(b"MATLAB 5.0 MAT-file, written by scipy".ljust(116) + data[116:])


save("plain.mat", variables)
save("packed.mat", variables, do_compression=True)
save("default.mat", {"x": values("f4"), "y": LABELS.astype(np.uint8)})
scipy.io.savemat(OUT / "version4.mat", {"x": values("f8")}, format="4")


def matlab(path, order, packed):
    """A file as MATLAB writes it: doubles in the smallest type that holds them."""

    def element(kind, data):
        if len(data) <= 4:
            tag = struct.pack(order + "I", len(data) << 16 | kind)
            return tag + data.ljust(4, b"\0")
        return struct.pack(order + "II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    def matrix(name, x, kind, code):
        axes = struct.pack(order + f"{x.ndim}i", *x.shape)
        data = x.astype(np.dtype(code).newbyteorder(order)).tobytes(order="F")
        body = element(6, struct.pack(order + "II", 6, 0)) + element(5, axes)
        body += element(1, name.encode()) + element(kind, data)
        whole = struct.pack(order + "II", 14, len(body)) + body
        if packed:
            data = zlib.compress(whole)
            return struct.pack(order + "II", 15, len(data)) + data
        return whole

    text = b"MATLAB 5.0 MAT-file, as MATLAB would write it".ljust(116)
    header = text + bytes(8) + struct.pack(order + "H", 0x0100) + (b"IM" if order == "<" else b"MI")
    parts = matrix("fts", WHOLE, 2, "u1") + matrix("wide", SIGNED, 3, "i2")
    parts += matrix("labels", LABELS.reshape(5, 1), 2, "u1")
    parts += matrix("few", np.array([[3], [4]]), 2, "u1")  # in the tag itself
    (OUT / path).write_bytes(header + parts)
    back = scipy.io.loadmat(OUT / path, mat_dtype=True)
    assert back["fts"].dtype.kind == "f" and (back["fts"] == WHOLE).all()
    assert (back["wide"] == SIGNED).all() and (back["few"] == [[3], [4]]).all()


matlab("little.mat", "<", packed=False)
matlab("big.mat", ">", packed=False)
matlab("big_packed.mat", ">", packed=True)

# --- idx


def idx(path, kind, x):
    data = bytes([0, 0, kind, x.ndim]) + struct.pack(f">{x.ndim}I", *x.shape) + x.tobytes()
    (OUT / path).write_bytes(gzip.compress(data, mtime=0) if path.endswith(".gz") else data)


idx("t-images-idx3-ubyte", 0x08, np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
idx("t-labels-idx1-ubyte", 0x08, np.array([7, 0], dtype=np.uint8))
idx("t-images-idx3-ubyte.gz", 0x08, np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
for kind, dtype in {0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}.items():
    idx(f"type{kind:02x}.idx", kind, values(dtype))
