//! Tests of word vectors: pairs of words with ratings, and analogies.

use std::io::Read;
use std::path::Path;

use super::names;
use super::source::{Source, quote, read_error};
use crate::DatasetError;

/// Two words and how alike people find them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RatedPair {
    /// The first word.
    pub first: String,
    /// The second word.
    pub second: String,
    /// The rating, higher for more alike; only its rank among the others counts.
    pub rating: f64,
}

/// A question: `d` is to `c` as `b` is to `a`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Analogy {
    /// The words `a`, `b`, `c` and `d`; the last is the answer.
    pub words: [String; 4],
}

/// Reads pairs of words with ratings, as WordSim-353, SimLex-999, MEN and RG-65 come.
///
/// A line a pair: two words, then numbers and perhaps other columns, separated by tabs, commas,
/// semicolons or spaces, whichever of these the first line has, in this order. Lines that begin
/// with `#` and empty ones are passed over. The first line is a header if none of its columns is a
/// number. `rating` names the column of the ratings, by the header or by an index from 0; left out,
/// it is the first column after the words that is a number in the first line of data. The file may
/// be packed by gzip.
///
/// # Errors
///
/// [`DatasetError`] names file and line: a file that is missing, empty or not UTF-8, a line with
/// another number of columns, a rating that is not a finite number, a column that is not there.
pub fn read_ratings(
    path: impl AsRef<Path>,
    rating: Option<&str>,
) -> Result<Vec<RatedPair>, DatasetError> {
    let path = path.as_ref();
    parse_ratings(path, &read_text(path)?, rating)
}

/// Reads analogies as word2vec's `questions-words.txt` has them: a line of four words a question,
/// and lines that begin with `:`, each the name of what follows, which are passed over.
///
/// # Errors
///
/// [`DatasetError`] names file and line: a file that is missing, empty or not UTF-8, a line that is
/// not four words.
pub fn read_analogies(path: impl AsRef<Path>) -> Result<Vec<Analogy>, DatasetError> {
    let path = path.as_ref();
    parse_analogies(path, &read_text(path)?)
}

pub(super) fn read_text(path: &Path) -> Result<String, DatasetError> {
    let mut text = String::new();
    let mut source = Source::open(path)?;
    source.reader.read_to_string(&mut text).map_err(|cause| read_error(path, cause))?;
    Ok(text)
}

pub(crate) fn parse_ratings(
    path: &Path,
    text: &str,
    rating: Option<&str>,
) -> Result<Vec<RatedPair>, DatasetError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = lines(text).filter(|(_, line)| !line.starts_with('#')).peekable();
    let empty = |what: &str| DatasetError::Empty { path: path.into(), what: what.into() };
    let &(_, first) = lines.peek().ok_or_else(|| empty("there is no line with words"))?;
    let separator = ['\t', ',', ';'].into_iter().find(|&separator| first.contains(separator));
    let split = |line| -> Vec<String> {
        match separator {
            Some(separator) => fields(line, separator),
            None => str::split_whitespace(line).map(str::to_owned).collect(),
        }
    };
    let number = |field: &String| field.parse::<f64>().ok().filter(|number| number.is_finite());
    let head = split(first);
    let header = (!head.iter().any(|field| number(field).is_some())).then(|| head.clone());
    if header.is_some() {
        lines.next();
    }
    let Some(&(_, first)) = lines.peek() else { return Err(empty("a header and no pairs")) };
    let sample = split(first);
    let column = match rating {
        Some(name) => {
            let names = header.clone().unwrap_or_default();
            let by_name = names.iter().position(|known| known == name);
            let by_index = || name.parse().ok().filter(|&index: &usize| index < sample.len());
            by_name.or_else(by_index).ok_or_else(|| {
                let known = match &header {
                    Some(header) => names::list(header),
                    None => format!("no header and the indices 0 to {}", sample.len() - 1),
                };
                let names = names.iter().map(String::as_str);
                names::not_found(path, "column", name, known, names)
            })?
        }
        None => {
            let rated = (2..sample.len()).find(|&column| number(&sample[column]).is_some());
            rated.unwrap_or(2)
        }
    };

    let mut pairs = Vec::new();
    for (line, text) in lines {
        let fields = split(text);
        if fields.len() < 3 || fields.len() != sample.len() {
            let (expected, found) = (sample.len().max(3), fields.len());
            let column = expected.min(found) + 1;
            return Err(DatasetError::FieldCount {
                path: path.into(),
                line,
                column,
                expected,
                found,
            });
        }
        let Some(rating) = number(&fields[column]) else {
            let name = header.as_ref().map_or_else(
                || (column + 1).to_string(),
                |header| format!("`{}`", header.get(column).map_or("", String::as_str)),
            );
            let text = quote(fields[column].as_bytes());
            return Err(DatasetError::Cell { path: path.into(), line, column: name, text });
        };
        let mut fields = fields.into_iter();
        let mut next = || fields.next().expect("three fields were counted");
        pairs.push(RatedPair { first: next(), second: next(), rating });
    }
    Ok(pairs)
}

/// The fields of a line, without quotes and white space around them.
fn fields(line: &str, separator: char) -> Vec<String> {
    line.split(separator).map(|field| field.trim().trim_matches('"').to_owned()).collect()
}

pub(crate) fn parse_analogies(path: &Path, text: &str) -> Result<Vec<Analogy>, DatasetError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut analogies = Vec::new();
    for (line, text) in lines(text).filter(|(_, line)| !line.starts_with(':')) {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let found = words.len();
        let words = words.try_into().map_err(|_| DatasetError::FieldCount {
            path: path.into(),
            line,
            column: found.min(4) + 1,
            expected: 4,
            found,
        })?;
        analogies.push(Analogy { words });
    }
    if analogies.is_empty() {
        let what = "there is no line of four words".into();
        return Err(DatasetError::Empty { path: path.into(), what });
    }
    Ok(analogies)
}

/// Lines that are not blank, with their numbers from 1.
fn lines(text: &str) -> impl Iterator<Item = (u64, &str)> {
    (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.trim()))
        .filter(|(_, l)| !l.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratings(text: &str, rating: Option<&str>) -> Result<Vec<(String, String, f64)>, String> {
        parse_ratings(Path::new("f"), text, rating)
            .map(|pairs| pairs.into_iter().map(|p| (p.first, p.second, p.rating)).collect())
            .map_err(|error| error.to_string())
    }

    fn pair(first: &str, second: &str, rating: f64) -> (String, String, f64) {
        (first.to_owned(), second.to_owned(), rating)
    }

    #[test]
    fn the_usual_files_of_ratings() {
        let expected = Ok(vec![pair("love", "sex", 6.77), pair("tiger", "cat", 7.35)]);
        for text in [
            "Word 1,Word 2,Human (mean)\nlove,sex,6.77\ntiger,cat,7.35\n",
            "# a comment\nlove\tsex\t6.77\r\n\ntiger\tcat\t7.35",
            "love;sex;6.77\ntiger;cat;7.35\n",
            "\u{feff}love sex 6.77\ntiger   cat 7.35\n",
            "word1\tword2\tPOS\tSimLex999\tconc\nlove\tsex\tN\t6.77\t1\ntiger\tcat\tN\t7.35\t2\n",
            "\"love\",\"sex\",6.77\n\"tiger\",\"cat\",7.35\n",
        ] {
            assert_eq!(ratings(text, None), expected, "{text:?}");
        }
        let text = "a\tb\tx\ty\nlove\tsex\t1\t6.77\ntiger\tcat\t2\t7.35\n";
        assert_eq!(ratings(text, Some("y")), expected);
        assert_eq!(ratings(text, Some("3")), expected);
    }

    #[test]
    fn broken_files_of_ratings() {
        let message = |text: &str, rating| ratings(text, rating).unwrap_err();
        assert_eq!(message("\n# x\n", None), "f holds no data: there is no line with words");
        assert_eq!(message("a,b,c\n", None), "f holds no data: a header and no pairs");
        assert_eq!(
            message("a b 1\nc d\n", None),
            "f, line 2: 2 fields instead of 3, wrong from column 3 on"
        );
        assert_eq!(
            message("a b 1\nc d x\n", None),
            "f, line 2, column 3: expected a number, found `x`"
        );
        assert_eq!(
            message("u,v,score\na,b,1\nc,d,nan\n", None),
            "f, line 3, column `score`: expected a number, found `nan`"
        );
        assert_eq!(
            message("u,v,score\na,b,1\n", Some("scores")),
            "f has no column `scores` (did you mean `score`?); it has u, v, score"
        );
        assert_eq!(
            message("a b 1\n", Some("7")),
            "f has no column `7`; it has no header and the indices 0 to 2"
        );
        assert_eq!(
            message("a 1\n", None),
            "f, line 1: 2 fields instead of 3, wrong from column 3 on"
        );
    }

    #[test]
    fn analogies() {
        let parse = |text| parse_analogies(Path::new("f"), text).map_err(|error| error.to_string());
        let found = parse(": capitals\nAthens Greece Baghdad Iraq\n\n: more\na b\tc d\n").unwrap();
        assert_eq!(found[0].words, ["Athens", "Greece", "Baghdad", "Iraq"]);
        assert_eq!(found.len(), 2);
        assert_eq!(
            parse(": x\na b c\n").unwrap_err(),
            "f, line 2: 3 fields instead of 4, wrong from column 4 on"
        );
        assert_eq!(parse(": x\n").unwrap_err(), "f holds no data: there is no line of four words");
    }
}
