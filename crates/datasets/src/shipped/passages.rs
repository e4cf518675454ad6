//! Passages with questions, and sentences in two languages, written for this project.

use std::path::Path;

use crate::readers::passages::{parse_passages, parse_sentence_pairs};
use crate::readers::squad::parse_squad;
use crate::{DatasetError, Passage, SquadPassage};

/// 42 passages of five English sentences with 210 questions, each answered by one sentence.
///
/// Written for this project. Questions use other words than the answer where that is natural, and the
/// sentences of a passage are about one thing, so that words alone do not tell the right one.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn answer_passages() -> Result<Vec<Passage>, DatasetError> {
    const NAME: &str = "sentences/passages.en.txt";
    let text = include_str!("../../data/sentences/passages.en.txt");
    parse_passages(Path::new(NAME), text)
        .map_err(|error| DatasetError::Shipped { name: NAME, reason: error.to_string() })
}

/// The passages and questions of [`answer_passages`] in SQuAD's form: a passage is one text, and the answer a part of
/// it, in the sentence that answers.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn span_passages() -> Result<Vec<SquadPassage>, DatasetError> {
    const NAME: &str = "sentences/spans.en.json";
    let text = include_str!("../../data/sentences/spans.en.json");
    parse_squad(Path::new(NAME), text)
        .map_err(|error| DatasetError::Shipped { name: NAME, reason: error.to_string() })
}

/// 160 English sentences of everyday matters and their French translations.
///
/// Written for this project. Several speak of like things, so that a single word does not tell them
/// apart.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn english_french_sentences() -> Result<Vec<[String; 2]>, DatasetError> {
    const NAME: &str = "sentences/pairs.en-fr.tsv";
    let text = include_str!("../../data/sentences/pairs.en-fr.tsv");
    parse_sentence_pairs(Path::new(NAME), text)
        .map_err(|error| DatasetError::Shipped { name: NAME, reason: error.to_string() })
}
