"""Makes tests/golden/readers/*73.mat: small files laid out as MATLAB's version 7.3 is.

Made with Python 3.11.7, numpy 2.4.6, h5py 3.16.0 on HDF5 2.0.0; no randomness. The values are those of
make_readers.py beside this file: x[i, j] = 4·i + j of 5 × 4, less 7 where the type has a sign, and that
over 8 where it has fractions. Run it in this folder:

    python3 make_hdf5.py

As MATLAB does: a block of 512 bytes with the text of the header before the superblock of version 0,
object headers of version 1 and groups by symbol tables (`libver="earliest"`), axes reversed, attributes
MATLAB_class, MATLAB_sparse (rows), MATLAB_empty (axes in place of values), cells as references into
#refs#, text as uint16.
"""

import pathlib

import h5py
import numpy as np

OUT = pathlib.Path(__file__).parent / "readers"
WHOLE = np.arange(20).reshape(5, 4)
SIGNED = WHOLE - 7
REAL = SIGNED / 8
LABELS = np.array([1, 2, 3, 1, 2])
SPARSE = REAL * (WHOLE % 3 != 1)
CLASSES = {
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "int64": "i8", "uint64": "u8", "single": "f4", "double": "f8", "logical": "u1",
}  # fmt: skip


def values(name):
    dtype = CLASSES[name]
    if name == "logical":
        return (WHOLE % 3 == 0).astype(dtype)
    return {"u": WHOLE, "i": SIGNED, "f": REAL}[dtype[0]].astype(dtype)


def is_a(thing, name):
    thing.attrs["MATLAB_class"] = np.bytes_(name)


def full(file, name, x, class_name, **options):
    """x with its axes reversed, as column-major numbers read row by row."""
    is_a(file.create_dataset(name, data=x.T, **options), class_name)
    if class_name == "logical":
        file[name].attrs["MATLAB_int_decode"] = np.int32(1)


def sparse(file, name, x):
    group = file.create_group(name)
    is_a(group, "double")
    group.attrs["MATLAB_sparse"] = np.uint64(x.shape[0])
    columns, rows = np.nonzero(x.T)
    if len(rows):  # MATLAB leaves them out where all is zero
        group["data"], group["ir"] = x.T[columns, rows], rows.astype("u8")
    group["jc"] = np.searchsorted(columns, np.arange(x.shape[1] + 1)).astype("u8")


def write(path, fill):
    with h5py.File(OUT / path, "w", libver="earliest", userblock_size=512) as file:
        fill(file)
    data = bytearray((OUT / path).read_bytes())
    assert data[512:521] == b"\x89HDF\r\n\x1a\n\x00"
    text = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: (by h5py) HDF5 schema 1.00 ."
    data[:128] = text.ljust(116) + bytes(8) + b"\x00\x02IM"
    (OUT / path).write_bytes(data)


def plain(file):
    for name in CLASSES:
        full(file, name, values(name), name)
    sparse(file, "sparse", SPARSE)
    sparse(file, "zeros", np.zeros((5, 3)))
    full(file, "cube", np.arange(24, dtype="u1").reshape(2, 3, 4), "uint8")
    full(file, "labels", LABELS.reshape(5, 1).astype("f8"), "double")
    full(file, "two", np.array([[1.0, 2.0]]), "double")
    full(file, "across", LABELS.reshape(1, 5).astype("i2"), "int16")
    full(file, "big_endian", REAL.astype(">f4"), "single")
    text = np.frombuffer("a few words".encode("utf-16-le"), "u2").reshape(1, -1)
    full(file, "text", text, "char")
    file["text"].attrs["MATLAB_int_decode"] = np.int32(2)
    refs = file.create_group("#refs#")
    for at, word in enumerate(["a", "bb"]):
        full(refs, "ab"[at], np.array([[ord(letter) for letter in word]], "u2"), "char")
    cells = np.array([[refs["a"].ref], [refs["b"].ref]], dtype=h5py.ref_dtype)
    is_a(file.create_dataset("cells", data=cells), "cell")
    is_a(file.create_group("record"), "struct")
    full(file["record"], "field", np.eye(2), "double")
    pair = np.dtype([("real", "f8"), ("imag", "f8")])
    full(file, "complex", np.array([[(0, 1), (0, 0)], [(0, 0), (0, 1)]], pair), "double")
    is_a(file.create_dataset("empty", data=np.array([0, 3], "u8")), "double")
    file["empty"].attrs["MATLAB_empty"] = np.uint8(1)


def packed(file):
    deflate = {"compression": "gzip", "compression_opts": 3}
    full(file, "double", REAL, "double", chunks=(3, 2), **deflate)
    full(file, "shuffled", REAL, "double", chunks=(4, 5), shuffle=True, fletcher32=True, **deflate)
    full(file, "bare", WHOLE.astype("u1"), "uint8", chunks=(1, 2))
    full(file, "cube", np.arange(24, dtype="u1").reshape(2, 3, 4), "uint8", chunks=(3, 2, 1), **deflate)
    # Some hundred chunks: more than one node of the tree.
    full(file, "wide", np.arange(600, dtype="f8").reshape(2, 300), "double", chunks=(1, 2), **deflate)
    full(file, "answers", LABELS.reshape(5, 1).astype("u1"), "uint8", chunks=(1, 5), **deflate)


write("plain73.mat", plain)
write("packed73.mat", packed)
with h5py.File(OUT / "newer73.mat", "w", libver="latest") as file:
    file["x"] = WHOLE
