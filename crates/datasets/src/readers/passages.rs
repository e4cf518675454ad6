//! Passages with questions, and sentences with their translations.

use std::path::Path;

use super::similarity::read_text;
use crate::DatasetError;

/// A text, sentence by sentence, and questions that it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Passage {
    /// What it is about.
    pub title: String,
    /// Its sentences, in order.
    pub sentences: Vec<String>,
    /// The questions.
    pub questions: Vec<Question>,
}

/// A question and where its answer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// The question.
    pub text: String,
    /// The sentence of the passage that answers it, from 0.
    pub answer: usize,
}

/// Reads passages with questions, in plain text.
///
/// A line `# title` begins a passage; a line `? 2 question` is a question that the passage's second
/// sentence answers; every other line is a sentence. Empty lines are passed over.
///
/// ```text
/// # Bread
/// Bread is made of flour, water and salt.
/// Yeast makes it rise.
/// ? 2 What makes bread rise?
/// ```
///
/// # Errors
///
/// [`DatasetError`] names file and line: a file that is missing, empty or not UTF-8, a question without
/// the number of a sentence of its passage, a sentence before the first title.
pub fn read_passages(path: impl AsRef<Path>) -> Result<Vec<Passage>, DatasetError> {
    let path = path.as_ref();
    parse_passages(path, &read_text(path)?)
}

pub(crate) fn parse_passages(path: &Path, text: &str) -> Result<Vec<Passage>, DatasetError> {
    let broken = |line: usize, problem: String| DatasetError::Malformed {
        path: path.to_owned(),
        format: "passages",
        problem: format!("line {line}: {problem}"),
    };
    let mut passages: Vec<Passage> = Vec::new();
    // Questions may stand before the sentence they ask for: they are checked at the end.
    let mut asked: Vec<(usize, usize, usize)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let (number, line) = (at + 1, line.trim());
        if line.is_empty() {
            continue;
        }
        if let Some(title) = line.strip_prefix('#') {
            let title = title.trim().to_owned();
            passages.push(Passage { title, sentences: Vec::new(), questions: Vec::new() });
            continue;
        }
        let of = passages.len();
        let Some(passage) = passages.last_mut() else {
            return Err(broken(number, "expected `# title`, found a sentence".into()));
        };
        let Some(question) = line.strip_prefix('?') else {
            passage.sentences.push(line.to_owned());
            continue;
        };
        let (answer, text) = question.trim_start().split_once(' ').unwrap_or_default();
        let text = text.trim();
        match answer.parse::<usize>() {
            Ok(answer) if answer > 0 && !text.is_empty() => {
                asked.push((number, of - 1, answer));
                passage.questions.push(Question { text: text.to_owned(), answer: answer - 1 });
            }
            _ => {
                let problem = "expected `? number question`, the number that of a sentence from 1";
                return Err(broken(number, format!("{problem}, found {line:?}")));
            }
        }
    }
    for (number, passage, answer) in asked {
        let sentences = passages[passage].sentences.len();
        if answer > sentences {
            let problem = format!("expected one of {sentences} sentences, found {answer}");
            return Err(broken(number, problem));
        }
    }
    if passages.iter().all(|passage| passage.questions.is_empty()) {
        return Err(DatasetError::Empty { path: path.to_owned(), what: "no questions".into() });
    }
    Ok(passages)
}

/// Reads sentences with their translations: a line a pair, a tab between them. Empty lines and those
/// that begin with `#` are passed over.
///
/// # Errors
///
/// [`DatasetError`] names file and line: a file that is missing, empty or not UTF-8, a line that is
/// not two columns.
pub fn read_sentence_pairs(path: impl AsRef<Path>) -> Result<Vec<[String; 2]>, DatasetError> {
    let path = path.as_ref();
    parse_sentence_pairs(path, &read_text(path)?)
}

pub(crate) fn parse_sentence_pairs(
    path: &Path,
    text: &str,
) -> Result<Vec<[String; 2]>, DatasetError> {
    let mut pairs = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
        match columns.as_slice() {
            [first, second] if !first.is_empty() && !second.is_empty() => {
                pairs.push([(*first).to_owned(), (*second).to_owned()]);
            }
            other => {
                return Err(DatasetError::Malformed {
                    path: path.to_owned(),
                    format: "sentence pairs",
                    problem: format!(
                        "line {}: expected two sentences with a tab between them, found {} columns",
                        at + 1,
                        other.len()
                    ),
                });
            }
        }
    }
    if pairs.is_empty() {
        return Err(DatasetError::Empty { path: path.to_owned(), what: "no sentences".into() });
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passages(text: &str) -> Result<Vec<Passage>, String> {
        parse_passages(Path::new("x.txt"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn passages_are_read() {
        let read = passages("# Bread\nFlour.\n\nYeast.\n? 2 What rises?\n# Tea\n? 1 Hot?\nHot.\n");
        let read = read.unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].sentences, ["Flour.", "Yeast."]);
        assert_eq!(read[0].questions, [Question { text: "What rises?".into(), answer: 1 }]);
        assert_eq!(read[1].questions[0].answer, 0);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let told = |text: &str| passages(text).unwrap_err();
        assert!(told("A.\n").contains("line 1: expected `# title`, found a sentence"));
        assert!(told("# a\nA.\n? 2 b?\n").contains("line 3: expected one of 1 sentences, found 2"));
        for line in ["?", "? x y", "? 0 b", "? 1", "? -1 b"] {
            let told = told(&format!("# a\nA.\n{line}\n"));
            assert!(told.contains("line 3: expected `? number question`"), "{told}");
        }
        assert!(told("# a\nA.\n").contains("no questions"));
        assert!(told("").contains("no questions"));
    }

    #[test]
    fn pairs_are_two_columns() {
        let read = |text| parse_sentence_pairs(Path::new("x"), text);
        assert_eq!(read("# en\tfr\nA b.\tC d.\n\n").unwrap(), [["A b.".to_owned(), "C d.".into()]]);
        for broken in ["a", "a\tb\tc", "a\t", "\tb"] {
            let told = read(broken).unwrap_err().to_string();
            assert!(told.contains("line 1: expected two sentences"), "{told}");
        }
        assert!(read("").is_err());
    }
}
