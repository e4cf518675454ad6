//! Broken files: an error that says what is wrong and where, never a panic, no memory for promises.

mod common;

use std::io::Write;

use common::{Fifu, Files, finalfusion, quantized, word2vec_binary};
use procrust_words::{Embeddings, OpenOptions};

const HUGE: u64 = 1 << 60;

#[test]
fn no_file_to_read() {
    let files = Files::new();
    let open = |name: &str| Embeddings::open(files.path(name), &OpenOptions::default());
    assert!(files.message(&open("none").unwrap_err()).starts_with("cannot open none: "));
    std::fs::create_dir(files.path("directory")).unwrap();
    assert!(files.message(&open("directory").unwrap_err()).starts_with("cannot "));
    assert_eq!(files.error(""), "file is empty: expected word vectors");
}

#[test]
fn text() {
    let files = Files::new();
    assert_eq!(files.error("2 2\na 1 2\nb 1\n"), "file:3: expected 2 values, found 1");
    assert_eq!(files.error("a 1 2\nb 1 2 3\n"), "file:2: expected 2 values, found 3");
    assert_eq!(files.error("a 1 2\nb 1 2x\n"), "file:2: value 2 is `2x`: expected a number");
    assert_eq!(
        files.error("a 1 2\nb nan 2\n"),
        "file:2: value 1 is `nan`: expected a finite 32-bit number"
    );
    assert_eq!(
        files.error(b"a 1 2\n\xff\xfe 1 2\n"),
        "file:2: the word is not UTF-8: `\u{fffd}\u{fffd}`"
    );
    assert_eq!(files.error("3 1\na 1\n"), "file: the header promises 3 vectors, found 1");
    assert_eq!(
        files.error("1000000000000 300\n"),
        "file: the header promises 1000000000000 vectors, found 0"
    );
}

#[test]
fn gzip_that_ends_early() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(common::TEXT.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    assert!(Files::new().error(&packed[..packed.len() - 12]).starts_with("cannot read file: "));

    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&finalfusion()).unwrap();
    assert_eq!(
        Files::new().error(packed.finish().unwrap()),
        "file: expected a finalfusion file at byte 0, found a compressed one: unpack it first"
    );
}

#[test]
fn word2vec_binary_files() {
    let files = Files::new();
    let good = word2vec_binary();
    assert_eq!(
        files.error(&good[..good.len() - 3]),
        "file ends too early: expected 16 bytes of a vector at byte 90, found 14"
    );
    assert_eq!(
        files.error(&good[..good.len() - 20]),
        "file ends too early: expected 2 bytes of a word at byte 86, found 1"
    );
    let more = [b"4".as_slice(), &good[1..]].concat();
    assert!(files.error(more).starts_with("file: expected the end after 4 vectors at byte 8"));
    let promise = [b"1000000000000".as_slice(), &good[1..]].concat();
    assert_eq!(
        files.error(promise),
        "file ends too early: expected 2 bytes of a word at byte 118, found 1"
    );
    let wide = [b"5 1000000000000".as_slice(), &good[3..]].concat();
    assert_eq!(
        files.error(wide),
        "file ends too early: expected 4000000000000 bytes of a vector at byte 20, found 99"
    );
    let mut nan = good.clone();
    nan[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
    assert_eq!(
        files.error(nan),
        "file: the vector of `the` (row 0) holds NaN at column 0: expected finite values"
    );
    let mut word = good;
    word[4] = 0xff;
    assert_eq!(files.error(word), "file: expected a word in UTF-8 at byte 4, found `\u{fffd}he`");
}

#[test]
fn finalfusion_headers() {
    let files = Files::new();
    let words = ["a", "b"];
    let start = || Fifu::new(&[1, 2]).simple_vocab(&words);
    assert!(start().matrix(1, &[1., 2.]).0.len() > 50);
    files.open(start().matrix(1, &[1., 2.]).0).unwrap();

    let ends = |file: Fifu| {
        let message = files.error(&file.0);
        assert!(message.starts_with("file ends too early: expected "), "{message}");
    };
    let damaged = |file: Fifu, expected: &str| {
        let message = files.error(&file.0);
        assert!(message.starts_with("file: expected "), "{message}");
        assert!(message.contains(expected), "{message}");
    };

    // Lengths beyond the file.
    ends(Fifu(b"FiFu".to_vec()));
    ends(Fifu::new(&[5, 1, 2]).u32(5).u64(HUGE));
    ends(Fifu::new(&[1, 2]).u32(1).u64(u64::MAX));
    ends(Fifu::new(&[1, 2]).chunk(1, |file| file.u64(HUGE)));
    ends(Fifu::new(&[1, 2]).chunk(1, |file| file.u64(1).u32(u32::MAX)));
    ends(Fifu::new(&[8, 2]).chunk(8, |file| file.u64(1).u64(HUGE).u32(3).u32(6).strings(&["a"])));
    ends(start().chunk(2, |file| file.u64(HUGE).u32(300).u32(10).padding()));
    ends(start().chunk(2, |file| file.u64(2).u32(u32::MAX).u32(10).padding()));
    ends(start().chunk(2, |file| file.u64(u64::MAX).u32(u32::MAX).u32(10).padding()));
    let norms = Fifu::new(&[1, 2, 6]).simple_vocab(&words).matrix(1, &[1., 2.]);
    ends(norms.chunk(6, |file| file.u64(2).u32(10).padding().floats(&[1.])));

    // Numbers that cannot be.
    damaged(Fifu(b"FiFu".to_vec()).u32(1), "format version 0 at byte 4, found 1");
    damaged(Fifu(b"FiFu".to_vec()).u32(0).u32(u32::MAX), "2 to 4 chunks at byte 8");
    damaged(Fifu::new(&[2, 1]), "a vocabulary (1, 3, 7, 8 or 9)");
    damaged(Fifu::new(&[1, 1]).simple_vocab(&words), "a matrix (2 or 4)");
    damaged(Fifu::new(&[1, 2]).u32(3), "chunk identifier 1 at byte 20, found 3");
    let floret = Fifu::new(&[9, 2]).chunk(9, |file| file.u64(1));
    assert!(files.error(floret.0).starts_with("file holds no words, only subwords"));
    damaged(Fifu::new(&[1, 2]).simple_vocab(&[]), "at least one word");
    damaged(Fifu::new(&[1, 2]).simple_vocab(&["a", "a"]), "different words");
    damaged(
        Fifu::new(&[1, 2]).chunk(1, |file| file.u64(1).u32(1).bytes(b"\xff")),
        "words in UTF-8",
    );
    for (kind, buckets) in [(3, 33), (3, 65), (7, u32::MAX)] {
        let vocab = |file: Fifu| file.u64(1).u32(3).u32(6).u32(buckets).strings(&["a"]);
        damaged(Fifu::new(&[kind, 2]).chunk(kind, vocab), "buckets");
    }
    damaged(start().matrix(1, &[1.]), "rows for 2 words");
    damaged(start().chunk(2, |file| file.u64(2).u32(0)), "at least one column");
    damaged(start().chunk(2, |file| file.u64(2).u32(1).u32(7)), "type 10");
    damaged(start().matrix(1, &[1., 2.]).bytes(b"more"), "the end");
    let norms = || Fifu::new(&[1, 2, 6]).simple_vocab(&words).matrix(1, &[1., 2.]);
    damaged(norms().norms(&[1.]), "norms of 2 words");
    let other = Fifu::new(&[1, 2, 5]).simple_vocab(&words).matrix(1, &[1., 2.]);
    damaged(other, "at most norms (6) after the matrix");

    // What only finalfusion finds, and what only the values show.
    let metadata = Fifu::new(&[5, 1, 2]).chunk(5, |file| file.bytes(b"= no TOML"));
    let message = files.error(metadata.simple_vocab(&words).matrix(1, &[1., 2.]).0);
    assert!(message.starts_with("cannot read file as finalfusion: "), "{message}");
    assert_eq!(
        files.error(norms().norms(&[1., f32::INFINITY]).0),
        "file: the vector of `b` (row 1) holds inf at column 0: expected finite values"
    );
}

#[test]
fn quantised_headers() {
    let files = Files::new();
    type Numbers = (u32, u32, u32, u64); // codes, columns, centroids, rows
    let file = |(codes, columns, centroids, rows): Numbers, last: &[u8]| {
        let start = Fifu::new(&[1, 4]).simple_vocab(&["a", "b"]);
        start.chunk(4, |file| {
            let file = file.u32(0).u32(0).u32(codes).u32(columns).u32(centroids).u64(rows);
            file.u32(1).u32(10).padding().floats(&[1., 2.]).bytes(last)
        })
    };
    files.open(file((1, 1, 2, 2), &[0, 1]).0).unwrap();
    for (numbers, expected) in [
        ((0, 1, 2, 2), "multiple of the codes"),
        ((1, 0, 2, 2), "multiple of the codes"),
        ((2, 3, 2, 2), "multiple of the codes"),
        ((1, 1, 0, 2), "at least one centroid"),
        ((1, 1, 2, 1), "rows for 2 words"),
        ((1, 1, 2, HUGE), "bytes of codes"),
        ((1, 1, 2, u64::MAX), "bytes of codes"),
        ((1, 1, u32::MAX, 2), "bytes of centroids"),
        ((1, u32::MAX, u32::MAX, 2), "bytes of centroids"),
    ] {
        let message = files.error(file(numbers, &[0, 1]).0);
        assert!(message.contains(expected), "{numbers:?}: {message}");
    }
    let bad = file((1, 1, 2, 2), &[0, 2]).0;
    assert!(files.error(&bad).contains("expected a code below 2 at byte"));
    // Codes behind the limit are not used.
    let mut options = OpenOptions::default();
    options.limit = Some(1);
    Embeddings::open(files.path("file"), &options).unwrap();
}

#[test]
fn every_beginning_of_a_file_is_an_error() {
    let files = Files::new();
    for good in [finalfusion(), quantized()] {
        files.open(&good).unwrap();
        for len in 1..good.len() {
            assert!(files.open(&good[..len]).is_err(), "{len} bytes");
        }
    }
    let good = word2vec_binary();
    for len in 1..good.len() - 1 {
        assert!(files.open(&good[..len]).is_err(), "{len} bytes");
    }
}
