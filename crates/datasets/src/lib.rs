//! The data that Procrust ships, and readers for common data files.
//!
//! Shipped data is compiled into the crate: no network, no paths. A call decodes its data set anew, in
//! well under a second; keep the result. `DATA.md` beside this crate names origin, licence, checksum
//! and the script that made each file.
//!
//! | call | data |
//! |---|---|
//! | [`mnist`], [`optdigits`] | 10,000 digits of 28 × 28 and 1,797 of 8 × 8, with labels |
//! | [`photographs`] | 8 photographs of 240 × 320, to lay things on |
//! | [`fashion_mnist`] | 6,000 pictures of clothes of 28 × 28, 600 of each of ten [classes](FASHION_CLASSES) |
//! | [`glove_english`], [`fasttext_french`] | 20,000 English words × 50, 19,987 French words × 300 |
//! | [`rated_sentences`] | tweets, product reviews, film reviews, news: 23,703 sentences with ratings |
//! | [`vader_english`], [`afinn_french`] | words with their sentiment |
//! | [`english_french`], [`french_english`] | words with their translations, to learn from and to test on |
//! | [`english_ratings`], [`english_analogies`] | 120 rated pairs of words and 288 analogies, to test word vectors with |
//! | [`answer_passages`] | 42 passages with 210 questions, and the sentence that answers each |
//! | [`span_passages`] | the same passages and questions in SQuAD's form: the part of the text that answers |
//! | [`english_french_sentences`] | 160 English sentences with their French translations |
//!
//! A plan names them as [`Dataset`] does. Files on disk (`.mat`, `.npy`, `.npz`, `.csv`, svmlight, idx)
//! are read by [`read_table`], labelled sentences by [`read_labelled_sentences`], SQuAD's JSON by [`read_squad`], tests of word vectors by [`read_ratings`] and [`read_analogies`], boxes in
//! pictures (Pascal VOC, COCO) by [`read_voc`] and [`read_coco`].
//!
//! ```
//! let digits = procrust_datasets::optdigits()?;
//! assert_eq!(digits.pixels.dim(), (1797, 8, 8)); // items are rows: pictures come first
//! assert_eq!(digits.labels[..3], [0, 1, 2]);
//! # Ok::<(), procrust_datasets::DatasetError>(())
//! ```

mod error;
mod readers;
mod shipped;

pub use error::DatasetError;
pub use readers::{
    Analogy, AnnotatedBox, AnnotatedPicture, AnnotatedPictures, BoxOptions, Passage, Question,
    RatedPair, SquadAnswer, SquadPassage, SquadQuestion, Table, TableOptions, read_analogies,
    read_coco, read_labelled_sentences, read_matrix, read_passages, read_ratings,
    read_sentence_pairs, read_squad, read_table, read_voc,
};
pub use shipped::{
    Dataset, FASHION_CLASSES, ImageSet, Images, Lexicon, RatedSentence, SentenceDomain, Sentiment,
    WordSet, WordVectors, afinn_french, answer_passages, english_analogies, english_french,
    english_french_sentences, english_ratings, fashion_mnist, fasttext_french, french_english,
    glove_english, mnist, optdigits, photographs, rated_sentences, span_passages, vader_english,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
