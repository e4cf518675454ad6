//! Data compiled into the crate, decoded when asked for.

mod file;
mod images;
mod levels;
mod lexicon;
mod names;
mod passages;
mod photographs;
mod sentences;
mod sentiment;
mod similarity;
mod vectors;

pub use images::{FASHION_CLASSES, Images, fashion_mnist, mnist, optdigits};
pub use lexicon::{Lexicon, english_french, french_english};
pub use names::{Dataset, ImageSet, SentenceDomain, WordSet};
pub use passages::{answer_passages, english_french_sentences, span_passages};
pub use photographs::photographs;
pub use sentences::{RatedSentence, Sentiment, rated_sentences};
pub use sentiment::{afinn_french, vader_english};
pub use similarity::{english_analogies, english_ratings};
pub use vectors::{WordVectors, fasttext_french, glove_english};
