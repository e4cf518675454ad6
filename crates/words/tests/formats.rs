//! Good files of every format, and what the options change.

mod common;

use std::io::{Cursor, Write};
use std::ops::ControlFlow;

use common::{
    Fifu, Files, Model, TEXT, expected, finalfusion, finalfusion_subwords, golden, options,
    quantized, word2vec_binary,
};
use finalfusion::prelude::{Embeddings as Reference, ReadEmbeddings, StorageWrap, VocabWrap};
use procrust_words::{Embeddings, Format, How, Lookup, OpenOptions, WriteOptions, stream};

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

/// finalfusion gives the same vectors to unknown words, at unit length: the mean and the sum, each
/// by its norm, differ by a few roundings.
#[test]
fn finalfusion_makes_vectors_for_unknown_words() {
    let files = Files::new();
    let mut lookup = Lookup::default();
    lookup.subwords = true;
    for file in finalfusion_subwords() {
        let path = files.write("file", &file);
        let found = Embeddings::open(&path, &options(|o| o.subwords = true)).unwrap();
        let reference: Reference<VocabWrap, StorageWrap> =
            Reference::read_embeddings(&mut Cursor::new(file)).unwrap();
        let mut made = 0;
        for word in ["guests", "gut", "t", "été!", "客人", "longer than sixteen bytes", "é"] {
            let expected = reference.embedding(word);
            let vector = found.lookup(word, &lookup);
            assert_eq!(vector.is_some(), expected.is_some(), "{word}");
            let (Some(vector), Some(expected)) = (vector, expected) else { continue };
            assert_eq!(vector.how, How::Subwords);
            let norm = vector.vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            for (found, expected) in vector.vector.iter().zip(expected.iter()) {
                assert!((found / norm - expected).abs() <= 1e-6, "{word}: {found} {expected}");
            }
            made += 1;
        }
        assert!(made >= 3);
        assert_eq!(found.lookup("guests", &Lookup::default()), None);
    }
}

/// What cannot be done with models and tables, and says so.
#[test]
fn models_are_read_as_a_whole() {
    let files = Files::new();
    let model = files.write("model", Model::new(&["guest", "été"]).file());
    let floret = files.write("floret", golden("two.floret"));
    let go_on = |_: &str, _: &[f32]| ControlFlow::Continue(());

    let mut words = Vec::new();
    let report = stream(&model, &OpenOptions::default(), |word, _| {
        words.push(word.to_owned());
        ControlFlow::Continue(())
    });
    assert!(report.unwrap().is_clean());
    assert_eq!(words, ["guest", "été"]);
    let error = stream(&floret, &options(|o| o.subwords = true), go_on).unwrap_err();
    assert_eq!(
        files.message(&error),
        "floret: 0 vectors of 6 dimensions: expected at least one of each"
    );
    let error = stream(&floret, &OpenOptions::default(), go_on).unwrap_err();
    assert!(files.message(&error).starts_with("floret holds no words, only subwords"));

    for (path, format) in [(&model, Format::FastText), (&floret, Format::Floret)] {
        let error = Embeddings::open(path, &options(|o| o.map = true)).unwrap_err();
        assert!(
            files
                .message(&error)
                .contains(&format!("files of the format {format} are read as a whole")),
            "{error}"
        );
        let found = Embeddings::open(path, &options(|o| o.subwords = true)).unwrap();
        found.check().unwrap();
        for name in ["new", "new.gz"] {
            let mut options = WriteOptions::default();
            options.format = Some(format);
            let error = found.write(files.path(name), &options).unwrap_err();
            assert_eq!(
                files.message(&error),
                format!("{name}: expected a format that can be written, found {format}")
            );
        }
        assert!(!format.is_written());
    }
    let found = Embeddings::open(&floret, &options(|o| o.subwords = true)).unwrap();
    let error = found.write(files.path("new.vec"), &WriteOptions::default()).unwrap_err();
    assert_eq!(
        files.message(&error),
        "new.vec: 0 vectors of 6 dimensions: expected at least one of each"
    );

    // Mapped files have no subwords: without them if there are words, and never if they are wanted.
    for (i, file) in finalfusion_subwords().into_iter().enumerate() {
        let path = files.write("fifu", file);
        let error = Embeddings::open(&path, &options(|o| (o.map, o.subwords) = (true, true)));
        assert_eq!(
            files.message(&error.unwrap_err()),
            "cannot map fifu: its subwords are read as a whole; open it without mapping"
        );
        match Embeddings::open(&path, &options(|o| o.map = true)) {
            Ok(found) => assert!(found.subwords().is_none() && found.len() == 2 && i < 3),
            Err(error) => {
                assert!(files.message(&error).starts_with("fifu holds no words") && i == 3);
            }
        }
    }
}

#[test]
fn fasttext_by_hand() {
    let files = Files::new();
    let mut model = Model::new(&["guest", "été"]);
    (model.lengths, model.bucket) = ((3, 6), 1);
    // The words' rows are (0, 1/4) and (1/2, 3/4), all n-grams' (1, 5/4).
    let path = files.write("file", model.file());
    let found = Embeddings::open(&path, &options(|o| o.subwords = true)).unwrap();
    // `<été>`: three of three characters, two of four, one of five.
    let mean = |own: f32, ngram: f32, count: f32| (own + count * ngram) / (count + 1.0);
    let close = |found: &[f32], expected: [f32; 2]| {
        // Sums of quarters are exact; a product with 1/7 is rounded.
        found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= 1e-6)
    };
    let vector = found.vector("été").unwrap().to_vec();
    assert!(close(&vector, [mean(0.5, 1.0, 6.0), mean(0.75, 1.25, 6.0)]), "{vector:?}");
    let subwords = found.subwords().unwrap();
    assert_eq!((subwords.lengths(), subwords.len(), subwords.dim()), ((3, 6), 1, 2));
    assert!(!subwords.is_empty());
    assert!(close(&subwords.vector("x").unwrap().to_vec(), [1.0, 1.25]));
    assert_eq!(subwords.vector(""), None);

    // Without n-grams words keep their rows, and so they did in old classifiers.
    model.lengths = (0, 0);
    assert_eq!(values(&files.open(model.file()).unwrap()), [0.0, 0.25, 0.5, 0.75]);
    (model.version, model.kind, model.lengths) = (11, 3, (3, 6));
    assert_eq!(values(&files.open(model.file()).unwrap()), [0.0, 0.25, 0.5, 0.75]);
    model.kind = 1;
    assert_ne!(values(&files.open(model.file()).unwrap()), [0.0, 0.25, 0.5, 0.75]);

    // Labels stand behind the words and have no rows.
    model.words.push((b"__label__a".to_vec(), 1));
    assert_eq!(files.open(model.file()).unwrap().words(), ["guest", "été"]);
}
