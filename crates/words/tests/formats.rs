//! Good files of every format, and what the options change.

mod common;

use std::io::{Cursor, Write};

use common::{Fifu, Files, TEXT, expected, finalfusion, quantized, word2vec_binary};
use finalfusion::prelude::{Embeddings as Reference, ReadEmbeddings, StorageWrap, VocabWrap};
use procrust_words::{Embeddings, Format, OpenOptions};

fn options(change: impl FnOnce(&mut OpenOptions)) -> OpenOptions {
    let mut options = OpenOptions::default();
    change(&mut options);
    options
}

fn values(embeddings: &Embeddings) -> Vec<f32> {
    embeddings.vectors().iter().copied().collect()
}

fn assert_expected(found: &Embeddings) {
    let (words, expected) = expected();
    assert_eq!(found.words(), words);
    assert_eq!(found.dim(), 4);
    assert_eq!(values(found), expected);
    assert_eq!(found.position("été"), Some(2));
    assert_eq!(found.duplicates(), 0);
}

#[test]
fn text_with_and_without_header() {
    let files = Files::new();
    assert_expected(&files.open(TEXT).unwrap());
    assert_expected(&files.open(format!("5 4\n{TEXT}")).unwrap());
    assert_expected(&files.open(format!("5 4\n{TEXT}").replace('\n', " \r\n")).unwrap());
    assert_expected(&files.open(TEXT.trim_end()).unwrap());
}

#[test]
fn word2vec_binary_files() {
    let files = Files::new();
    let bytes = word2vec_binary();
    assert_expected(&files.open(&bytes).unwrap());

    // Without line feeds between the vectors, as gensim writes it.
    let (words, values) = expected();
    let mut bytes = b"5 4\n".to_vec();
    for (word, vector) in words.iter().zip(values.chunks_exact(4)) {
        write!(bytes, "{word} ").unwrap();
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
    }
    assert_expected(&files.open(&bytes).unwrap());
}

#[test]
fn gzip_is_unpacked() {
    let files = Files::new();
    for contents in [TEXT.as_bytes(), &word2vec_binary()] {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(contents).unwrap();
        assert_expected(&files.open(packed.finish().unwrap()).unwrap());
    }
}

/// Unit vectors times norms are the vectors up to the rounding of a division and a product.
#[test]
fn finalfusion_by_finalfusion() {
    let found = Files::new().open(finalfusion()).unwrap();
    let (words, expected) = expected();
    assert_eq!(found.words(), words);
    for (found, expected) in values(&found).iter().zip(&expected) {
        assert!(
            (found - expected).abs() <= 4.0 * f32::EPSILON * expected.abs(),
            "{found} {expected}"
        );
    }
}

#[test]
fn quantised_vectors_are_reconstructed() {
    let file = quantized();
    let found = Files::new().open(&file).unwrap();
    assert_eq!(found.words(), ["a", "b", "c"]);
    // The projection exchanges the first two columns and doubles the last.
    let by_hand = [
        [2., 1., -1., -4.].map(|value| value * 1.0 * 1.0),
        [4., 3., -5., -12.].map(|value| value * 10.0 * 2.0),
        [6., 5., -3., -8.].map(|value| value * 100.0 * 4.0),
    ];
    assert_eq!(values(&found), by_hand.concat());

    let reference: Reference<VocabWrap, StorageWrap> =
        Reference::read_embeddings(&mut Cursor::new(file)).unwrap();
    for word in found.words() {
        let expected = reference.embedding_with_norm(word).unwrap().into_unnormalized();
        assert_eq!(found.vector(word).unwrap().to_vec(), expected.to_vec());
    }
}

/// Rows of subwords follow those of the words and are left out.
#[test]
fn subword_vocabularies() {
    let files = Files::new();
    let words = ["a", "b"];
    let bucket = Fifu::new(&[5, 3, 2])
        .chunk(5, |file| file.bytes(b"title = \"test\"\n"))
        .chunk(3, |file| file.u64(2).u32(3).u32(6).u32(1).strings(&words))
        .matrix(1, &[1., 2., 3., 4.]);
    let fasttext = Fifu::new(&[7, 2])
        .chunk(7, |file| file.u64(2).u32(3).u32(6).u32(3).strings(&words))
        .matrix(1, &[1., 2., 3., 4., 5.]);
    let explicit = Fifu::new(&[8, 2])
        .chunk(8, |file| {
            let file = file.u64(2).u64(1).u32(3).u32(6).strings(&words);
            file.strings(&["<a>"]).u64(0)
        })
        .matrix(1, &[1., 2., 3.]);
    for file in [bucket, fasttext, explicit] {
        let found = files.open(&file.0).unwrap();
        assert_eq!(found.words(), words);
        assert_eq!(values(&found), [1., 2.]);
    }
}

#[test]
fn limits() {
    let files = Files::new();
    let text = format!("5 4\n{TEXT}");
    for contents in [text.as_bytes(), &word2vec_binary(), &finalfusion()] {
        let path = files.write("file", contents);
        let all = Embeddings::open(&path, &OpenOptions::default()).unwrap();
        for limit in [1, 4, 5, 6, usize::MAX] {
            let found = Embeddings::open(&path, &options(|o| o.limit = Some(limit))).unwrap();
            let len = limit.min(5);
            assert_eq!(found.words(), &all.words().to_vec()[..len]);
            assert_eq!(values(&found), values(&all)[..4 * len]);
        }
        let error = Embeddings::open(&path, &options(|o| o.limit = Some(0))).unwrap_err();
        assert_eq!(error.to_string(), "a limit of 0 words: expected at least 1");
    }
}

/// A limit is one of words that are kept.
#[test]
fn duplicates_keep_the_first() {
    let files = Files::new();
    let path = files.write("file", "4 1\na 1\na 2\nb 3\nc 4\n");
    let found = Embeddings::open(&path, &options(|o| o.limit = Some(2))).unwrap();
    assert_eq!((found.words().to_vec().concat(), values(&found)), ("ab".to_owned(), vec![1., 3.]));
    assert_eq!(found.duplicates(), 1);
}

#[test]
fn formats_are_detected_or_given() {
    let files = Files::new();
    let text = files.write("text", TEXT);
    let binary = files.write("binary", word2vec_binary());
    let fifu = files.write("fifu", finalfusion());
    for (path, format) in
        [(&text, Format::Text), (&binary, Format::Word2VecBinary), (&fifu, Format::Finalfusion)]
    {
        assert_eq!(Format::detect(path).unwrap(), format);
        Embeddings::open(path, &options(|o| o.format = Some(format))).unwrap();
    }
    for (path, format, message) in [
        (&text, Format::Finalfusion, "text: expected `FiFu` at byte 0, found `the `"),
        (
            &text,
            Format::Word2VecBinary,
            "text:1: header `the 0.418 0.24968 -0.41242 0.1217`: expected the number of vectors \
             and their dimensions, both at least 1",
        ),
        (&fifu, Format::Text, "fifu:1: expected 1 values, found 0"),
    ] {
        let error = Embeddings::open(path, &options(|o| o.format = Some(format))).unwrap_err();
        assert_eq!(files.message(&error), message);
    }
    let error = Embeddings::open(&binary, &options(|o| o.format = Some(Format::Text)));
    assert!(files.message(&error.unwrap_err()).starts_with("binary:2: "));
}

#[test]
fn words_with_spaces_on_request() {
    let files = Files::new();
    let path = files.write("file", "a 1 2\n. . . 3 4\n");
    let error = Embeddings::open(&path, &OpenOptions::default()).unwrap_err();
    assert_eq!(files.message(&error), "file:2: expected 2 values, found 4");
    let found = Embeddings::open(&path, &options(|o| o.spaces_in_words = true)).unwrap();
    assert_eq!(found.words(), ["a", ". . ."]);
}
