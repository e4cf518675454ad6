"""Makes the broken files of `broken_files.rs`: python3 make.py

Every file is small and always comes out the same. A good file of each format is the start; each
broken one has one thing wrong with it, which its name tells.
"""

import gzip
import pathlib
import shutil
import struct

FILES = pathlib.Path(__file__).parent / "files"
NAN, INF = float("nan"), float("inf")
ROWS = [("the", [0.5, -1.0, 2.0]), ("of", [1.5, 0.25, -3.0]), ("été", [0.0, 4.0, 0.125])]
HUGE = 1 << 60


def save(name, contents):
    if isinstance(contents, str):
        contents = contents.encode()
    (FILES / name).write_bytes(contents)


def line(word, values):
    return word + "".join(f" {value}" for value in values) + "\n"


def text(rows=ROWS, header=None):
    return (f"{header}\n" if header else "") + "".join(line(*row) for row in rows)


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def binary(rows=ROWS, header="3 3", feed=b"\n"):
    parts = [f"{header}\n".encode()]
    for word, values in rows:
        word = word if isinstance(word, bytes) else word.encode()
        parts.append(word + b" " + floats(values) + feed)
    return b"".join(parts)


def packed(contents):
    return gzip.compress(contents if isinstance(contents, bytes) else contents.encode(), 9, mtime=0)


def u32(*numbers):
    return struct.pack(f"<{len(numbers)}I", *numbers)


def u64(*numbers):
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def start(*chunks, magic=b"FiFu", version=0):
    return magic + u32(version, len(chunks), *chunks)


def chunk(kind, contents, length=None):
    return u32(kind) + u64(len(contents) if length is None else length) + contents


def strings(words):
    words = [word if isinstance(word, bytes) else word.encode() for word in words]
    return b"".join(u32(len(word)) + word for word in words)


def vocab(words=("a", "b"), count=None):
    return chunk(1, u64(len(words) if count is None else count) + strings(words))


def padding(at):
    return bytes(4 - at % 4)


def matrix(before, values=(1.0, 2.0), rows=None, columns=1, kind=10, more=b""):
    head = u64(len(values) // max(columns, 1) if rows is None else rows) + u32(columns, kind)
    pad = padding(len(before) + 12 + len(head))
    return before + chunk(2, head + pad + floats(values) + more)


def norms(before, values):
    head = u64(len(values)) + u32(10)
    return before + chunk(6, head + padding(len(before) + 12 + len(head)) + floats(values))


def quantized(before, codes=1, columns=1, centroids=2, rows=2, last=b"\0\1"):
    head = u32(0, 0, codes, columns, centroids) + u64(rows) + u32(1, 10)
    pad = padding(len(before) + 12 + len(head))
    return before + chunk(4, head + pad + floats([1.0, 2.0]) + last)


def word2vec_text():
    good = text(header="3 3")
    save("text-few-values.vec", good.replace(" -3.0", ""))
    save("text-many-values.vec", good.replace("-3.0", "-3.0 x"))
    save("text-no-values.vec", good.replace("of 1.5 0.25 -3.0", "of"))
    save("text-no-number.vec", good.replace("0.25", "0,25"))
    save("text-hexadecimal.vec", good.replace("0.25", "0x1p-2"))
    save("text-nan.vec", good.replace("0.25", "nan"))
    save("text-infinity.vec", good.replace("0.25", "-inf"))
    save("text-overflow.vec", good.replace("0.25", "1e39"))
    save("text-not-utf8.vec", text([ROWS[0], ROWS[1]], "3 3").encode() + line("été", ROWS[2][1]).encode("latin-1"))
    save("text-all-not-utf8.vec", b"2 1\n\xff 1\n\xfe 2\n")
    save("text-space-in-word.vec", good.replace("of", "New York"))
    save("text-space-and-not-utf8.vec", good.replace("of", "caf? au lait").encode().replace(b"?", b"\xe9"))
    save("text-duplicate.vec", text([*ROWS[:2], ("the", [9.0, 9.0, 9.0])], "3 3"))
    save("text-fewer-rows.vec", text(header="5 3"))
    save("text-more-rows.vec", text(header="2 3"))
    save("text-many-rows-promised.vec", text(header="1000000000000 3"))
    save("text-many-columns-promised.vec", text(header="3 1000000000000"))
    save("text-wrong-columns.vec", text(header="3 4"))
    save("text-no-rows-header.vec", text(header="0 3"))
    save("text-no-columns-header.vec", text(header="3 0"))
    save("text-header-overflow.vec", text(header="3 99999999999999999999"))
    save("text-header-only.vec", "3 3\n")
    save("text-header-without-end.vec", "3 3")
    save("text-crlf.vec", good.replace("\n", "\r\n"))
    save("text-crlf-few-values.vec", good.replace(" -3.0", "").replace("\n", "\r\n"))
    save("text-cut-in-row.vec", good[:-11])
    save("text-cut-in-word.vec", "3 3\n" + text(ROWS[:2]) + "ét")
    save("text-nul-bytes.vec", good.encode() + bytes(50))
    save("text-many-kinds.vec", "12 2\r\na 1 2\nb 1\nc x 2\nd nan 2\na 3 4\ne f 5 6\n\n"
         + "".join(f"g{i} 1\n" for i in range(7)) + "h 7 8")


def glove():
    good = text()
    save("glove-few-values.txt", good.replace(" -3.0", ""))
    save("glove-bad-first-line.txt", "# vectors of three words\n" + good)
    save("glove-short-first-line.txt", good.replace(" 2.0", ""))
    save("glove-blank-first-line.txt", "\n" + good)
    save("glove-space-in-words.txt", good + ". . . 1 2 3\nat name@domain.com 4 5 6\n")
    save("glove-space-and-nan.txt", good + ". . . 1 nan 3\n")
    save("glove-unknown-not-utf8.txt", good.encode() + b"\xc3 1 2 3\n\xe2\x82 4 5 6\n")
    save("glove-empty.txt", "")
    save("glove-white-space.txt", " \n\t\n")
    save("glove-words-only.txt", "the\nof\nand\n")
    save("glove-no-good-row.txt", "the 1 nan\nof x 2\n")
    save("glove-csv.txt", good.replace(" ", ","))
    save("glove-html.txt", "<!DOCTYPE html>\n<html><body>\n<p>404 not found</p>\n</body></html>\n")
    save("glove-all-duplicates.txt", "a 1\n" * 9)


def word2vec_binary():
    good = binary()
    save("binary-no-header.bin", good[4:])
    save("binary-cut-in-vector.bin", good[:-5])
    save("binary-cut-in-word.bin", good[:-15])
    save("binary-cut-after-row.bin", binary(ROWS[:2]))
    save("binary-cut-without-feed.bin", binary(ROWS[:2], feed=b""))
    save("binary-header-only.bin", b"3 3\n")
    save("binary-not-utf8.bin", binary([ROWS[0], (b"\xff\xfe", [1.0, 2.0, 3.0]), ROWS[1]]))
    save("binary-nan.bin", binary([ROWS[0], ("not", [1.0, NAN, 3.0]), ROWS[1]]))
    save("binary-infinity.bin", binary([ROWS[0], ("not", [1.0, 2.0, -INF]), ROWS[1]]))
    save("binary-nan-and-not-utf8.bin", binary([ROWS[0], (b"\xff", [1.0, NAN, 3.0]), ROWS[1]]))
    save("binary-duplicate.bin", binary([ROWS[0], ROWS[1], ("the", [9.0, 9.0, 9.0])]))
    save("binary-fewer-promised.bin", binary(header="2 3"))
    save("binary-many-rows-promised.bin", binary(header="1000000000000 3"))
    save("binary-many-columns-promised.bin", binary(header="3 1000000000000"))
    save("binary-columns-overflow.bin", binary(header="3 9223372036854775807"))
    save("binary-no-rows-header.bin", binary(header="0 3"))
    save("binary-rest.bin", good + b"more")
    save("binary-zeros-behind.bin", good + bytes(20))
    save("binary-wrong-columns.bin", binary(header="3 2"))


def compressed():
    good = packed(text(header="3 3"))
    save("gzip-cut.vec.gz", good[:-12])
    save("gzip-cut-in-header.vec.gz", good[:6])
    save("gzip-cut-checksum.vec.gz", good[:-4])
    save("gzip-wrong-checksum.vec.gz", good[:-8] + b"\0\0\0\0" + good[-4:])
    save("gzip-damaged.vec.gz", good[:12] + b"\xff\xff\xff\xff" + good[16:])
    save("gzip-empty.vec.gz", packed(""))
    save("gzip-rest.vec.gz", good + b"more")
    save("gzip-few-values.vec.gz", packed(text(header="3 3").replace(" -3.0", "")))
    save("gzip-zeros.gz", packed(bytes(100_000)))
    save("gzip-binary-cut.bin.gz", packed(binary()[:-5]))
    save("gzip-cut-binary.bin.gz", packed(binary())[:-12])
    save("gzip-finalfusion.fifu.gz", packed(matrix(start(1, 2) + vocab())))


def finalfusion():
    words = start(1, 2) + vocab()
    good = matrix(words)
    save("fifu-cut.fifu", good[:-3])
    save("fifu-magic-only.fifu", b"FiFu")
    save("fifu-version.fifu", matrix(start(1, 2, version=7) + vocab()))
    save("fifu-many-chunks.fifu", b"FiFu" + u32(0, 0xFFFFFFFF))
    save("fifu-chunks-in-wrong-order.fifu", start(2, 1) + vocab())
    save("fifu-no-words.fifu", matrix(start(1, 2) + vocab([])))
    save("fifu-many-words-promised.fifu", matrix(start(1, 2) + vocab(count=HUGE)))
    save("fifu-duplicate.fifu", matrix(start(1, 2) + vocab(["a", "a"])))
    save("fifu-not-utf8.fifu", matrix(start(1, 2) + vocab([b"\xff", "b"])))
    save("fifu-few-rows.fifu", matrix(words, [1.0]))
    save("fifu-many-rows-promised.fifu", matrix(words, rows=HUGE))
    save("fifu-no-columns.fifu", matrix(words, rows=2, columns=0))
    save("fifu-wrong-type.fifu", matrix(words, kind=7))
    save("fifu-nan.fifu", matrix(words, [1.0, NAN]))
    save("fifu-all-nan.fifu", matrix(words, [NAN, INF]))
    save("fifu-rest.fifu", good + b"more")
    save("fifu-norms-of-one.fifu", norms(matrix(start(1, 2, 6) + vocab()), [1.0]))
    save("fifu-code-too-large.fifu", quantized(start(1, 4) + vocab(), last=b"\0\2"))
    save("fifu-no-codes.fifu", quantized(start(1, 4) + vocab(), codes=0))
    save("fifu-many-centroids.fifu", quantized(start(1, 4) + vocab(), centroids=0xFFFFFFFF))


if __name__ == "__main__":
    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir()
    word2vec_text()
    glove()
    word2vec_binary()
    compressed()
    finalfusion()
    names = sorted(FILES.iterdir())
    print(len(names), "files,", sum(name.stat().st_size for name in names), "bytes")
