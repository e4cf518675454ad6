"""Makes the inputs that fuzzing starts from: python3 seeds.py

Into `seeds/TARGET/` go the broken files of `../tests/broken`, the files of reference programs of
`../tests/golden`, and a good file of each kind of finalfusion. They always come out the same.
"""

import gzip
import pathlib
import shutil
import struct
import sys

HERE = pathlib.Path(__file__).parent
TESTS = HERE.parent / "tests"
sys.path.insert(0, str(TESTS / "broken"))
import make  # noqa: E402

# Ends and beginnings of names, and the target.
KINDS = [
    (".npy", "npy"),
    (".safetensors", "safetensors"),
    (".parquet", "parquet"),
    (".fifu", "finalfusion"),
    (".floret", "floret"),
    (".ftz", "fasttext"),
    (".vec", "text"),
    (".txt", "text"),
]
WORD2VEC = ("binary-", "gensim")


def kind(name):
    if name.endswith(".bin"):
        return "word2vec" if name.startswith(WORD2VEC) else "fasttext"
    return next((kind for ending, kind in KINDS if name.endswith(ending)), None)


def save(target, name, contents):
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(contents)


def zstd(contents):
    """A frame with one block that is not compressed (RFC 8878)."""
    start = b"\x28\xb5\x2f\xfd\x60" + struct.pack("<H", len(contents) - 256)
    return start + struct.pack("<I", len(contents) << 3 | 1)[:3] + contents


def finalfusion():
    words = make.strings(["a", "b"])
    ngrams = [make.strings([ngram]) + make.u64(i) for i, ngram in enumerate(["<a", "a>"])]
    vocabularies = {
        "simple": (1, make.u64(2) + words),
        "bucket": (3, make.u64(2) + make.u32(2, 3, 1) + words),
        "fasttext": (7, make.u64(2) + make.u32(2, 3, 2) + words),
        "explicit": (8, make.u64(2, 2) + make.u32(2, 3) + words + b"".join(ngrams)),
        "floret": (9, make.u32(2, 3) + make.u64(4) + make.u32(2, 7) + make.strings(["<", ">"])),
    }
    values = [0.6, 0.8, 1.0, 0.0, 0.5, -1.0, 0.25, 2.0]
    for name, (number, vocabulary) in vocabularies.items():
        chunk = make.chunk(number, vocabulary)
        plain = make.matrix(make.start(number, 2) + chunk, values, columns=2)
        save("finalfusion", f"{name}.fifu", plain)
        codes = make.quantized(make.start(number, 4) + chunk, rows=4, last=b"\0\1\1\0")
        save("finalfusion", f"{name}-quantized.fifu", codes)
    metadata = make.chunk(5, b"source = 'by hand'\n")
    with_all = make.start(5, 1, 2, 6) + metadata + make.vocab()
    with_all = make.norms(make.matrix(with_all, values[:4], columns=2), [2.0, 3.0])
    save("finalfusion", "norms.fifu", with_all)


if __name__ == "__main__":
    shutil.rmtree(HERE / "seeds", ignore_errors=True)
    for path in sorted([*(TESTS / "broken" / "files").iterdir(), *(TESTS / "golden").iterdir()]):
        contents = path.read_bytes()
        target = kind(path.name)
        if path.suffix == ".gz":
            save("packed", path.name, contents)
        elif target:
            save(target, path.name, contents)
            save("packed", f"{path.name}.gz", gzip.compress(contents, 6, mtime=0))
            if 256 <= len(contents) < 65_536:
                save("packed", f"{path.name}.zst", zstd(contents))
    finalfusion()
    for folder in sorted((HERE / "seeds").iterdir()):
        print(f"{folder.name}: {len(list(folder.iterdir()))} files")
