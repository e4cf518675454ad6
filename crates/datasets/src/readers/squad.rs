//! Questions whose answers are parts of passages, in SQuAD's JSON.

use std::path::Path;

use serde_json::Value;

use super::similarity::read_text;
use crate::DatasetError;

/// A passage with questions in SQuAD's form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SquadPassage {
    /// The article that it is of, counted from 0.
    pub article: usize,
    /// The article's title; empty where the file has none.
    pub title: String,
    /// The text.
    pub text: String,
    /// The questions.
    pub questions: Vec<SquadQuestion>,
}

/// A question in SQuAD's form.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SquadQuestion {
    /// What it is called; empty where the file does not say.
    pub id: String,
    /// The question.
    pub text: String,
    /// Parts of the passage, any of which is right; none where the passage does not answer it.
    pub answers: Vec<SquadAnswer>,
}

/// A part of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SquadAnswer {
    /// Its text.
    pub text: String,
    /// Where it starts in the passage, in bytes.
    pub start: usize,
}

/// Reads passages and questions in SQuAD's JSON, of version 1.1 or 2: `data[].paragraphs[]` with `context` and `qas[]`,
/// these with `question` and `answers[]`, these with `text` and `answer_start`, counted in characters. `title`, `id` and
/// `is_impossible` may be left out; other keys are passed over.
///
/// Rajpurkar, Zhang, Lopyrev and Liang (2016), "SQuAD", EMNLP, arXiv:1606.05250; Rajpurkar, Jia and Liang (2018),
/// "Know what you don't know", ACL, arXiv:1806.03822.
///
/// # Errors
///
/// [`DatasetError::Malformed`] with the path in the document, such as `data[0].paragraphs[3].qas[1].answers[0].text`:
/// what is missing or of another type, an empty text, an answer that does not stand where it should, answers of
/// a question that has none. [`DatasetError::Read`]; [`DatasetError::Empty`] for a file without questions.
pub fn read_squad(path: impl AsRef<Path>) -> Result<Vec<SquadPassage>, DatasetError> {
    let path = path.as_ref();
    parse_squad(path, &read_text(path)?)
}

pub(crate) fn parse_squad(path: &Path, text: &str) -> Result<Vec<SquadPassage>, DatasetError> {
    let broken =
        |problem| DatasetError::Malformed { path: path.to_owned(), format: "SQuAD", problem };
    let json: Value = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
    let passages = passages(&json).map_err(broken)?;
    if passages.iter().all(|passage| passage.questions.is_empty()) {
        return Err(DatasetError::Empty { path: path.to_owned(), what: "no questions".into() });
    }
    Ok(passages)
}

fn passages(json: &Value) -> Result<Vec<SquadPassage>, String> {
    let mut found = Vec::new();
    for (article, (at, value)) in list(json, "", "data")?.enumerate() {
        let title = optional_text(value, &at, "title")?;
        for (at, value) in list(value, &at, "paragraphs")? {
            let text = text(value, &at, "context")?;
            let mut questions = Vec::new();
            for (at, value) in list(value, &at, "qas")? {
                questions.push(question(value, &at, text)?);
            }
            let (title, text) = (title.to_owned(), text.to_owned());
            found.push(SquadPassage { article, title, text, questions });
        }
    }
    Ok(found)
}

fn question(value: &Value, at: &str, passage: &str) -> Result<SquadQuestion, String> {
    let (id, question) = (optional_text(value, at, "id")?, text(value, at, "question")?);
    let mut answers = Vec::new();
    for (at, value) in list(value, at, "answers")? {
        let (answer, key) = (text(value, &at, "text")?, format!("{at}.answer_start"));
        let number = value.get("answer_start").and_then(Value::as_u64);
        let place = number.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| {
            mismatch(&key, "the number of a character of `context`", value.get("answer_start"))
        })?;
        let places = passage.char_indices().map(|(byte, _)| byte);
        let start = places.chain([passage.len()]).nth(place).unwrap_or(passage.len());
        let there = &passage[start..];
        if !there.starts_with(answer) {
            let there: String = there.chars().take(answer.chars().count().min(60)).collect();
            return Err(format!(
                "{key}: expected the place of {answer:?} in `context`, at {place} stands {there:?}"
            ));
        }
        answers.push(SquadAnswer { text: answer.to_owned(), start });
    }
    let key = format!("{at}.is_impossible");
    match (value.get("is_impossible"), answers.is_empty()) {
        (None | Some(Value::Null | Value::Bool(false)), false)
        | (Some(Value::Bool(true)), true) => {}
        (None | Some(Value::Null), true) => {}
        (Some(Value::Bool(false)), true) => {
            return Err(format!("{at}.answers: expected an answer, found none"));
        }
        (Some(Value::Bool(true)), false) => {
            return Err(format!("{key}: expected false where there are answers, found true"));
        }
        (found, _) => return Err(mismatch(&key, "true or false", found)),
    }
    Ok(SquadQuestion { id: id.to_owned(), text: question.to_owned(), answers })
}

/// The items of a list under a key, each with its path in the document.
fn list<'a>(
    value: &'a Value,
    at: &str,
    key: &str,
) -> Result<impl Iterator<Item = (String, &'a Value)>, String> {
    let path = if at.is_empty() { key.to_owned() } else { format!("{at}.{key}") };
    let found = object(value, at)?.get(key);
    let items = found.and_then(Value::as_array).ok_or_else(|| mismatch(&path, "a list", found))?;
    Ok(items.iter().enumerate().map(move |(at, item)| (format!("{path}[{at}]"), item)))
}

/// A text under a key that is not empty.
fn text<'a>(value: &'a Value, at: &str, key: &str) -> Result<&'a str, String> {
    let found = object(value, at)?.get(key);
    let text = found.and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    text.ok_or_else(|| mismatch(&format!("{at}.{key}"), "a text", found))
}

/// A text under a key, empty where it is not there.
fn optional_text<'a>(value: &'a Value, at: &str, key: &str) -> Result<&'a str, String> {
    match object(value, at)?.get(key) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        found => Err(mismatch(&format!("{at}.{key}"), "a text", found)),
    }
}

fn object<'a>(value: &'a Value, at: &str) -> Result<&'a serde_json::Map<String, Value>, String> {
    let at = if at.is_empty() { "the document" } else { at };
    value.as_object().ok_or_else(|| mismatch(at, "an object", Some(value)))
}

fn mismatch(at: &str, expected: &str, found: Option<&Value>) -> String {
    let found = match found {
        None => "nothing".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(Value::Object(_)) => "an object".to_owned(),
        Some(Value::String(text)) if text.trim().is_empty() => "an empty text".to_owned(),
        Some(Value::String(_)) => "a text".to_owned(),
        Some(other) => other.to_string(),
    };
    format!("{at}: expected {expected}, found {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<SquadPassage>, String> {
        parse_squad(Path::new("x.json"), text).map_err(|error| error.to_string())
    }

    const GOOD: &str = r#"{"version": "v2.0", "data": [
        {"title": "Crème", "paragraphs": [
            {"context": "Crème brûlée has burnt sugar on top.", "document_id": 3, "qas": [
                {"id": "1", "question": "What is on top?", "is_impossible": false,
                 "answers": [{"text": "burnt sugar", "answer_start": 17}, {"text": "sugar", "answer_start": 23}]},
                {"id": "2", "question": "Who made it?", "is_impossible": true, "answers": [],
                 "plausible_answers": [{"text": "sugar", "answer_start": 23}]}]},
            {"context": "Nobody asks.", "qas": []}]},
        {"paragraphs": [{"context": "abc", "qas": [
            {"question": "b?", "answers": [{"text": "b", "answer_start": 1}]}]}]}]}"#;

    #[test]
    fn both_versions_are_read_and_characters_become_bytes() {
        let read = read(GOOD).unwrap();
        assert_eq!(read.len(), 3);
        assert_eq!(read.iter().map(|passage| passage.article).collect::<Vec<_>>(), [0, 0, 1]);
        assert_eq!(read[0].title, "Crème");
        let [first, second] = read[0].questions.as_slice() else { panic!("two questions") };
        let place = first.answers[0].start;
        assert_eq!(&read[0].text[place..place + 11], "burnt sugar");
        assert_eq!(first.answers[1].text, "sugar");
        assert!(second.answers.is_empty());
        assert_eq!((read[2].title.as_str(), read[2].questions[0].id.as_str()), ("", ""));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_path() {
        let told = |from: &str, to: &str| {
            assert!(GOOD.contains(from), "{from}");
            read(&GOOD.replacen(from, to, 1)).unwrap_err()
        };
        let first = "data[0].paragraphs[0].qas[0]";
        for (from, to, path, problem) in [
            ("\"data\"", "\"dato\"", "data", "expected a list, found nothing"),
            (
                "\"paragraphs\": [",
                "\"paragraphs\": 3, \"x\": [",
                "data[0].paragraphs",
                "expected a list, found 3",
            ),
            ("\"Nobody asks.\"", "\" \"", "data[0].paragraphs[1].context", "found an empty text"),
            (
                "\"qas\": []",
                "\"qas\": {}",
                "data[0].paragraphs[1].qas",
                "expected a list, found an object",
            ),
            (
                "\"question\": \"What",
                "\"quest\": \"What",
                &format!("{first}.question"),
                "expected a text, found nothing",
            ),
            ("\"id\": \"1\"", "\"id\": 1", &format!("{first}.id"), "expected a text, found 1"),
            (
                "\"answer_start\": 17",
                "\"answer_start\": 18",
                &format!("{first}.answers[0].answer_start"),
                "expected the place of \"burnt sugar\" in `context`, at 18 stands \"urnt sugar \"",
            ),
            (
                "\"answer_start\": 17",
                "\"answer_start\": 1800",
                &format!("{first}.answers[0].answer_start"),
                "stands \"\"",
            ),
            (
                "\"answer_start\": 23",
                "\"answer_start\": -1",
                &format!("{first}.answers[1].answer_start"),
                "found -1",
            ),
            (
                "\"text\": \"sugar\"",
                "\"text\": null",
                &format!("{first}.answers[1].text"),
                "expected a text, found null",
            ),
            (
                "\"is_impossible\": false",
                "\"is_impossible\": true",
                &format!("{first}.is_impossible"),
                "found true",
            ),
            (
                "\"is_impossible\": true",
                "\"is_impossible\": false",
                "data[0].paragraphs[0].qas[1].answers",
                "found none",
            ),
            (
                "\"is_impossible\": true",
                "\"is_impossible\": \"no\"",
                "data[0].paragraphs[0].qas[1].is_impossible",
                "found a text",
            ),
        ] {
            let told = told(from, to);
            assert!(told.contains(&format!("{path}: ")) && told.contains(problem), "{told}");
        }
        assert!(
            read("[1]").unwrap_err().contains("the document: expected an object, found a list")
        );
        assert!(read("{").unwrap_err().contains("line 1"));
        assert!(read(r#"{"data": []}"#).unwrap_err().contains("no questions"));
    }
}
