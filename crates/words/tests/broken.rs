//! Broken files: an error that says what is wrong and where, never a panic, no memory for promises.

mod common;

use std::io::Write;

use common::{
    Fifu, Files, Model, finalfusion, finalfusion_subwords, golden, quantized, word2vec_binary,
};
use procrust_words::{Dirt, Embeddings, OpenOptions, Policy};

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
    let packed = packed.finish().unwrap();
    assert!(Files::new().error(&packed[..packed.len() - 12]).starts_with("cannot read file: "));
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
        ((1 << 26, u32::MAX - 63, u32::MAX, 2), "multiple of the codes"),
        ((1 << 26, 1 << 31, u32::MAX, 2), "bytes of centroids"),
        // A code for so many columns would make much of a small file.
        ((1, 65, 2, 2), "expected a code for at most 64 columns at byte 70, found 65"),
        ((1, u32::MAX, u32::MAX, 2), "a code for at most 64 columns"),
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

/// With and without n-grams: the same error, up to the option.
fn with_subwords(files: &Files, contents: impl AsRef<[u8]>) -> Result<Embeddings, String> {
    let mut options = OpenOptions::default();
    options.subwords = true;
    Embeddings::open(files.write("file", contents), &options).map_err(|error| files.message(&error))
}

#[test]
fn fasttext_models() {
    let files = Files::new();
    let good = || Model::new(&["guest", "été"]);
    assert_eq!(with_subwords(&files, good().file()).unwrap().len(), 2);
    let check = |change: &dyn Fn(&mut Model), expected: &str| {
        let mut model = good();
        change(&mut model);
        for message in [
            files.error(model.file()),
            with_subwords(&files, model.file()).map(|_| ()).unwrap_err(),
        ] {
            assert!(message.contains(expected), "{model:?}\n{message}");
        }
    };
    let word = |word: &[u8], kind| (word.to_vec(), kind);

    check(&|m| m.version = 10, "file: expected version 11 or 12 of fastText's format at byte 4");
    check(&|m| m.version = 13, "format at byte 4, found 13");
    check(&|m| m.version = -1, "format at byte 4, found -1");
    check(&|m| m.dim = 0, "expected at least one dimension at byte 8, found 0");
    check(&|m| m.dim = -5, "expected at least one dimension at byte 8, found -5");
    check(&|m| m.dim = 3, "a matrix of 5 × 3 at byte 123, found 5 × 2");
    check(&|m| m.dim = i32::MAX, "a matrix of 5 × 2147483647");
    check(&|m| m.bucket = 0, "buckets for n-grams of up to 6 characters at byte 40, found 0");
    check(&|m| m.bucket = -1, "a number of buckets at byte 40, found -1");
    check(&|m| m.bucket = i32::MIN, "a number of buckets at byte 40");
    check(&|m| m.lengths = (-1, 6), "lengths of n-grams from 0 to 255 at byte 44, found -1 to 6");
    check(&|m| m.lengths = (3, i32::MAX), "lengths of n-grams from 0 to 255 at byte 44");
    for sizes in [(0, 0, 0), (2, 0, 2), (2, 1, 0), (3, 2, 0), (-1, -1, 0), (2, 3, -1)] {
        check(&|m| m.sizes = Some(sizes), "a dictionary of at least one word");
    }
    check(&|m| m.words.clear(), "found 0 entries, 0 words, 0 labels");
    check(
        &|m| m.sizes = Some((i32::MAX, i32::MAX, 0)),
        "ends too early: expected 21474836470 bytes of a dictionary at byte 92",
    );
    check(&|m| m.sizes = Some((i32::MAX, 2, i32::MAX - 2)), "bytes of a dictionary");
    check(&|m| m.words[1] = word(b"\xff\xfe", 0), "expected a word in UTF-8 at byte 107");
    check(&|m| m.words[1].1 = 7, "expected a word (0) at byte");
    check(
        &|m| m.words.insert(0, word(b"__label__a", 1)),
        "expected a word (0) at byte 111, found 1",
    );
    check(&|m| m.words[0] = word(&[b'a'; 70_000], 0), "a word of less than 65536 bytes at byte 92");
    check(&|m| m.quantized = 2, "mark of quantisation (0 or 1) at byte 122, found 2");
    for shape in [(0, 2), (-1, 2), (4, 2), (5, 1), (5, 0), (5, -2), (1 << 31, 2), (1 << 60, 2)] {
        check(&|m| m.shape = Some(shape), "expected a matrix of 5 × 2 at byte 123");
    }
    check(&|m| m.bucket = i32::MAX, "bytes of a matrix at byte 139");
    check(
        &|m| m.values = Some(vec![f32::NAN; 10]),
        "expected a finite value at byte 139, found NaN",
    );
    for prune in [-2, i64::MIN] {
        check(&|m| m.prune = prune, "a number of pruned buckets or -1 at byte 84");
    }
    for prune in [1 << 31, 1 << 60] {
        check(&|m| m.prune = prune, "pruned buckets");
    }
    check(&|m| m.prune = 0, "all buckets of a model that is not quantised");
    for pair in [(0, 1), (0, -1), (-1, 0), (0, i32::MAX)] {
        check(
            &|m| (m.prune, m.pruned) = (1, vec![pair]),
            "expected a bucket and a row below 1 at byte 122",
        );
    }
    let twice = vec![(1, 0), (1, 1)];
    check(&|m| (m.prune, m.pruned) = (2, twice.clone()), "2 buckets at byte 84");

    // A word again is no error: it is left out.
    let mut model = good();
    model.words[1] = word(b"guest", 0);
    let found = with_subwords(&files, model.file()).unwrap();
    assert_eq!((found.len(), found.duplicates()), (1, 1));

    // Only where they are used: not with another limit, and not without n-grams.
    let mut model = good();
    let mut values = vec![1.0; 10];
    values[9] = f32::INFINITY;
    model.values = Some(values);
    model.lengths = (0, 0);
    assert!(files.open(model.file()).is_ok());
}

/// Words and their own values may be dirty; the vectors of n-grams may not.
#[test]
fn dirty_fasttext_models() {
    let files = Files::new();
    let open = |model: &Model, policy| {
        let options = common::options(|o| (o.policy, o.subwords) = (policy, true));
        Embeddings::open(files.write("file", model.file()), &options)
            .map_err(|error| files.message(&error))
    };
    // Bytes that continue a character: with the mark before them they are one, too short to be cut.
    let mut model = Model::new(&["guest", "été", "guest", "bett"]);
    model.words[1].0 = b"\x80\x80".to_vec();
    assert_eq!(
        open(&model, Policy::Error).unwrap_err(),
        "file: expected a word in UTF-8 at byte 107, found `\u{fffd}\u{fffd}`"
    );
    let found = open(&model, Policy::Skip).unwrap();
    assert_eq!(found.words(), ["guest", "bett"]);
    assert_eq!(
        found.report().to_string(),
        "word is not UTF-8  1  row 2 `\u{fffd}\u{fffd}`\nword again         1  row 3 `guest`\n"
    );
    assert_eq!(found.report().left_out(), 2);
    let found = open(&model, Policy::Lossy).unwrap();
    assert_eq!(found.words(), ["guest", "\u{fffd}\u{fffd}", "bett"]);
    assert_eq!(found.vector("\u{fffd}\u{fffd}").unwrap().to_vec(), [0.5, 0.75]);
    assert_eq!(found.report().count(Dirt::Utf8), 1);
    assert_eq!(found.report().left_out(), 1);

    let mut model = Model::new(&["guest", "été"]);
    let mut values = vec![1.0; 10];
    values[3] = f32::NAN;
    model.values = Some(values.clone());
    assert_eq!(
        open(&model, Policy::Error).unwrap_err(),
        "file: expected a finite value at byte 151, found NaN"
    );
    for policy in [Policy::Skip, Policy::Lossy] {
        let found = open(&model, policy).unwrap();
        assert_eq!(found.words(), ["guest"]);
        assert_eq!(found.report().count(Dirt::NonFinite), 1);
        found.check().unwrap();
    }
    values[9] = f32::NAN;
    model.values = Some(values);
    for policy in [Policy::Skip, Policy::Lossy] {
        assert!(open(&model, policy).unwrap_err().contains("a finite value at byte 175"));
    }
}

#[test]
fn quantised_fasttext_models() {
    let files = Files::new();
    let codes = |rows: i64, size: i32, quantizer: [i32; 4]| {
        let mut bytes = vec![0];
        bytes.extend(rows.to_le_bytes());
        bytes.extend(2_i64.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(vec![1; size.clamp(0, 100) as usize]);
        bytes.extend(quantizer.iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend((0..512).flat_map(|at| (at as f32).to_le_bytes()));
        bytes
    };
    let file = |codes: Vec<u8>| {
        let mut model = Model::new(&["guest", "été"]);
        (model.quantized, model.codes) = (1, codes);
        model.file()
    };
    for good in [codes(5, 5, [2, 1, 2, 2]), codes(5, 10, [2, 2, 1, 1])] {
        assert_eq!(with_subwords(&files, file(good)).unwrap().subwords().unwrap().len(), 3);
    }
    for (bad, expected) in [
        (codes(6, 6, [2, 1, 2, 2]), "a matrix of 5 × 2"),
        (codes(-1, 5, [2, 1, 2, 2]), "a matrix of 5 × 2"),
        (codes(5, 6, [2, 1, 2, 2]), "codes for 5 rows"),
        (codes(5, 0, [2, 1, 2, 2]), "codes for 5 rows"),
        (codes(5, -5, [2, 1, 2, 2]), "codes for 5 rows"),
        (codes(5, i32::MAX - 2, [2, 1, 2, 2]), "bytes of codes"),
        (codes(5, 10, [2, 1, 2, 2]), "a quantiser of 2 columns in 2 parts"),
        (codes(5, 5, [2, 1, 0, 2]), "a quantiser of 2 columns in 1 parts"),
        (codes(5, 5, [2, 1, -2, 2]), "a quantiser of 2 columns in 1 parts"),
        (codes(5, 5, [2, 1, 2, 1]), "a quantiser of 2 columns in 1 parts"),
        (codes(5, 5, [i32::MAX, 1, 2, 2]), "a quantiser of 2 columns in 1 parts"),
    ] {
        let message = files.error(file(bad));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn floret_tables() {
    let files = Files::new();
    let good = "2 2 3 5 2 7 < >\n0 1 2\n1 -1 0.5\n";
    assert_eq!(with_subwords(&files, good).unwrap().dim(), 2);
    let message = |text: &str| with_subwords(&files, text).map(|_| ()).unwrap_err();
    assert_eq!(message(&good.replace("\n1", "\n2")), "file:3: bucket `2`: expected 1");
    assert_eq!(message(&good.replace("0.5", "")), "file:3: expected 2 values, found 1");
    assert_eq!(message(&good.replace("0.5", "x")), "file:3: value 2 is `x`: expected a number");
    assert_eq!(
        message(&good.replace("0.5", "nan")),
        "file:3: value 2 is `nan`: expected a finite 32-bit number"
    );
    assert_eq!(message(&good[..22]), "file: the header promises 2 vectors, found 1");
    assert_eq!(message(&format!("{good}2 1 1\n")), "file: the header promises 2 vectors, found 3");
    for (from, to) in [("2 2 3", "1000000000000 2 3"), ("2 2 3", "18446744073709551615 2 3")] {
        assert!(message(&good.replace(from, to)).contains("vectors, found 2"));
    }
    assert!(message(&good.replace("2 2 3", "2 1000000000000 3")).contains("values, found 2"));

    let mut options = OpenOptions::default();
    (options.subwords, options.format) = (true, Some(procrust_words::Format::Floret));
    for header in
        ["", "0 2 3 5 2 7 < >", "2 0 3 5 2 7 < >", "2 2 3 999 2 7 < >", "2 2 3 5 0 7 < >", "2 2"]
    {
        let path = files.write("file", format!("{header}\n0 1 2\n1 -1 0.5\n"));
        let error = Embeddings::open(path, &options).unwrap_err();
        assert!(files.message(&error).starts_with(&format!("file:1: header `{header}`")));
    }
}

#[test]
fn finalfusion_with_subwords() {
    let files = Files::new();
    for good in finalfusion_subwords() {
        assert!(with_subwords(&files, &good).unwrap().subwords().is_some());
        for len in 1..good.len() {
            assert!(with_subwords(&files, &good[..len]).is_err(), "{len} bytes");
        }
    }
    let message = |file: Fifu| with_subwords(&files, file.0).map(|_| ()).unwrap_err();
    let bucket = |longest, exponent| {
        Fifu::new(&[3, 2])
            .chunk(3, |file| file.u64(1).u32(3).u32(longest).u32(exponent).strings(&["a"]))
            .matrix(1, &[1., 2., 3.])
    };
    with_subwords(&files, bucket(6, 1).0).unwrap();
    assert!(message(bucket(6, 2)).contains("rows for 1 words and 4 n-grams at byte"));
    assert!(message(bucket(6, 32)).contains("rows for 1 words and 4294967296 n-grams"));
    assert!(message(bucket(256, 1)).contains("lengths of n-grams from 0 to 255"));
    let floret = |buckets, hashes, values: &[f32]| {
        Fifu::new(&[9, 2])
            .chunk(9, |file| {
                file.u32(3).u32(6).u64(buckets).u32(hashes).u32(7).strings(&["<", ">"])
            })
            .matrix(1, values)
    };
    with_subwords(&files, floret(2, 1, &[1., 2.]).0).unwrap();
    assert!(message(floret(0, 1, &[1., 2.])).contains("at least one bucket"));
    assert!(message(floret(3, 1, &[1., 2.])).contains("rows for 0 words and 3 n-grams"));
    assert!(message(floret(u64::MAX, 1, &[1., 2.])).contains("rows for 0 words and"));
    assert!(message(floret(2, 0, &[1., 2.])).contains("one to four hashes"));
    assert!(message(floret(2, 5, &[1., 2.])).contains("one to four hashes"));
    assert_eq!(
        message(floret(2, 1, &[1., f32::NAN])),
        "file: row 1 of the n-grams' vectors holds NaN at column 0: expected finite values"
    );
}

#[test]
fn every_beginning_of_a_model_is_an_error() {
    let files = Files::new();
    let good = Model::new(&["guest", "été"]).file();
    for len in 1..good.len() {
        assert!(files.open(&good[..len]).is_err(), "{len} bytes");
    }
    for (name, step) in
        [("two.bin", 5), ("labels.bin", 11), ("none.bin", 11), ("quantized.ftz", 31)]
    {
        let good = golden(name);
        files.open(&good).unwrap();
        for len in (1..good.len()).step_by(step) {
            assert!(files.open(&good[..len]).is_err(), "{len} bytes of {name}");
        }
    }
    // What is left of the first line may be a word and its values.
    let good = golden("two.floret");
    for len in (26..good.len() - 14).step_by(5) {
        assert!(with_subwords(&files, &good[..len]).is_err(), "{len} bytes");
    }
}

/// Compressed models have no length to compare with: what is not there is missed nevertheless.
#[test]
fn compressed_models_that_end_early() {
    let files = Files::new();
    let packed = |contents: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(contents).unwrap();
        packed.finish().unwrap()
    };
    let good = golden("two.bin");
    let expected = files.open(&good).unwrap();
    assert_eq!(files.open(packed(&good)).unwrap().vectors(), expected.vectors());
    for len in [5, 100, 1000, 2000] {
        assert!(files.error(packed(&good[..len])).starts_with("file ends too early: "));
    }
    let mut model = Model::new(&["guest", "été"]);
    model.bucket = i32::MAX;
    assert!(files.error(packed(&model.file())).starts_with("file ends too early: "));
}
