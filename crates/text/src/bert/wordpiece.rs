//! The tokenizer of BERT: text is cleaned, split at spaces and marks, and words are cut into the longest
//! pieces that the vocabulary has.

use std::collections::HashMap;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::TextError;

/// A WordPiece tokenizer as `tokenizer.json` describes it: what `bert-base-uncased` and most sentence
/// encoders for English use.
///
/// Wu et al. (2016), "Google's neural machine translation system", arXiv:1609.08144, section 4.1;
/// pieces are found greedily, longest first, as in BERT (Devlin et al. 2019).
#[derive(Debug, Clone)]
pub struct WordPiece {
    /// Pieces that start a word, and pieces that go on (without their prefix).
    start: HashMap<Box<str>, u32>,
    inner: HashMap<Box<str>, u32>,
    /// Bytes of the longest piece.
    longest: usize,
    unknown: u32,
    before: Vec<u32>,
    after: Vec<u32>,
    /// Texts that stand for a piece wherever they stand, unnormalised.
    special: Vec<(String, u32)>,
    most_chars: usize,
    clean: bool,
    chinese: bool,
    strip_accents: bool,
    lowercase: bool,
    most_tokens: Option<usize>,
    /// What inner pieces start with, and the piece for unknown words.
    prefix: String,
    unknown_piece: String,
    /// The piece with the highest number.
    highest: (String, u32),
}

/// The tokens of one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tokens {
    /// Their numbers, with those that mark the sentence's start and end.
    pub ids: Vec<u32>,
    /// Tokens before the sentence was cut, without marks of start and end.
    pub whole: usize,
    /// How many of these are unknown.
    pub unknown: usize,
    /// Where each token stands in the text, in bytes; empty for the marks of start and end.
    pub places: Vec<(usize, usize)>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    truncation: Option<Truncation>,
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Option<Normalizer>,
    #[serde(default)]
    pre_tokenizer: Option<Typed>,
    #[serde(default)]
    post_processor: Option<serde_json::Value>,
    model: serde_json::Value,
}

#[derive(Deserialize)]
struct Truncation {
    max_length: usize,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Typed {
    r#type: String,
}

#[derive(Deserialize)]
struct Normalizer {
    r#type: String,
    #[serde(default = "yes")]
    clean_text: bool,
    #[serde(default = "yes")]
    handle_chinese_chars: bool,
    #[serde(default)]
    strip_accents: Option<bool>,
    #[serde(default = "yes")]
    lowercase: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Model {
    #[serde(default = "unknown_piece")]
    unk_token: String,
    #[serde(default = "inner_prefix")]
    continuing_subword_prefix: String,
    #[serde(default = "hundred")]
    max_input_chars_per_word: usize,
    vocab: HashMap<String, u32>,
}

fn unknown_piece() -> String {
    "[UNK]".into()
}

fn inner_prefix() -> String {
    "##".into()
}

fn hundred() -> usize {
    100
}

impl WordPiece {
    /// Reads a `tokenizer.json`; `what` is its name in errors.
    ///
    /// # Errors
    ///
    /// [`TextError::Json`] when it is none, [`TextError::Setting`] when it is a tokenizer of another
    /// kind or lacks a piece that it names.
    pub fn parse(what: &str, json: &[u8]) -> Result<Self, TextError> {
        let broken = |cause| TextError::Json { what: what.to_owned(), cause };
        let setting = |key: &str, expected: &str, found: &str| TextError::Setting {
            what: format!("{what}: {key}"),
            expected: expected.to_owned(),
            found: found.to_owned(),
        };
        let file: File = serde_json::from_slice(json).map_err(broken)?;
        let kind = file.model.get("type").and_then(|kind| kind.as_str()).unwrap_or("WordPiece");
        if kind != "WordPiece" {
            return Err(setting("model.type", "`WordPiece`", &format!("`{kind}`")));
        }
        if let Some(other) = file.pre_tokenizer.filter(|it| it.r#type != "BertPreTokenizer") {
            return Err(setting(
                "pre_tokenizer.type",
                "`BertPreTokenizer`",
                &format!("`{}`", other.r#type),
            ));
        }
        let normalizer = match file.normalizer {
            Some(it) if it.r#type != "BertNormalizer" => {
                return Err(setting(
                    "normalizer.type",
                    "`BertNormalizer`",
                    &format!("`{}`", it.r#type),
                ));
            }
            Some(it) => it,
            None => Normalizer {
                r#type: String::new(),
                clean_text: false,
                handle_chinese_chars: false,
                strip_accents: Some(false),
                lowercase: false,
            },
        };
        let model: Model = serde_json::from_value(file.model).map_err(broken)?;
        let mut pieces = Self::of_vocabulary(what, &model)?;
        pieces.clean = normalizer.clean_text;
        pieces.chinese = normalizer.handle_chinese_chars;
        pieces.strip_accents = normalizer.strip_accents.unwrap_or(normalizer.lowercase);
        pieces.lowercase = normalizer.lowercase;
        pieces.most_tokens = file.truncation.map(|it| it.max_length);
        for added in file.added_tokens {
            if added.id > pieces.highest.1 {
                pieces.highest = (added.content.clone(), added.id);
            }
            if added.special && !added.content.is_empty() {
                pieces.special.push((added.content, added.id));
            }
        }
        let (before, after) = match &file.post_processor {
            None => (Vec::new(), Vec::new()),
            Some(json) => marks(json).ok_or_else(|| {
                setting("post_processor", "`TemplateProcessing` or `BertProcessing`", "another")
            })?,
        };
        pieces.before = before;
        pieces.after = after;
        let marks = pieces.before.iter().chain(&pieces.after);
        if let Some(&id) = marks.max().filter(|id| **id > pieces.highest.1) {
            pieces.highest = ("a mark of start or end".into(), id);
        }
        Ok(pieces)
    }

    /// A lower-casing tokenizer of a list of pieces as in `vocab.txt`, whose numbers are their places; with
    /// the pieces `[UNK]`, `[CLS]` and `[SEP]`, and all settings as in `bert-base-uncased`.
    ///
    /// # Errors
    ///
    /// [`TextError::Setting`] when one of these pieces is not there.
    pub fn uncased(pieces: &[&str]) -> Result<Self, TextError> {
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let vocab = pieces.iter().enumerate().map(|(at, piece)| ((*piece).to_owned(), number(at)));
        let model = Model {
            unk_token: unknown_piece(),
            continuing_subword_prefix: inner_prefix(),
            max_input_chars_per_word: hundred(),
            vocab: vocab.collect(),
        };
        let what = "the list of pieces";
        let mut made = Self::of_vocabulary(what, &model)?;
        let find = |piece: &str| {
            model.vocab.get(piece).copied().ok_or_else(|| TextError::Setting {
                what: what.to_owned(),
                expected: format!("the piece `{piece}`"),
                found: format!("{} others", pieces.len()),
            })
        };
        made.before = vec![find("[CLS]")?];
        made.after = vec![find("[SEP]")?];
        for piece in ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] {
            made.special.extend(model.vocab.get(piece).map(|&id| (piece.to_owned(), id)));
        }
        Ok(made)
    }

    fn of_vocabulary(what: &str, model: &Model) -> Result<Self, TextError> {
        let missing = |piece: &str| TextError::Setting {
            what: format!("{what}: model.vocab"),
            expected: format!("the piece `{piece}`"),
            found: format!("{} others", model.vocab.len()),
        };
        let &unknown =
            model.vocab.get(&model.unk_token).ok_or_else(|| missing(&model.unk_token))?;
        let highest = model.vocab.iter().max_by_key(|(_, id)| **id).expect("it has one piece");
        let highest = (highest.0.clone(), *highest.1);
        let (mut start, mut inner) = (HashMap::new(), HashMap::new());
        let mut longest = 0;
        for (piece, &id) in &model.vocab {
            longest = longest.max(piece.len());
            match piece.strip_prefix(&model.continuing_subword_prefix) {
                Some(rest) if !rest.is_empty() && !model.continuing_subword_prefix.is_empty() => {
                    inner.insert(rest.into(), id);
                    // `##` before `#`: such a piece may also start a word, letter by letter.
                    start.insert(piece.as_str().into(), id);
                }
                _ => {
                    start.insert(piece.as_str().into(), id);
                }
            }
        }
        Ok(Self {
            start,
            inner,
            longest,
            unknown,
            before: Vec::new(),
            after: Vec::new(),
            special: Vec::new(),
            most_chars: model.max_input_chars_per_word,
            clean: true,
            chinese: true,
            strip_accents: true,
            lowercase: true,
            most_tokens: None,
            prefix: model.continuing_subword_prefix.clone(),
            unknown_piece: model.unk_token.clone(),
            highest,
        })
    }

    /// A `tokenizer.json` that makes this tokenizer.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        use serde_json::json;
        let name = |id: u32| {
            let named = self.special.iter().find(|(_, special)| *special == id);
            let piece = || self.start.iter().find(|(_, piece)| **piece == id);
            named
                .map(|(text, _)| text.clone())
                .or_else(|| piece().map(|(text, _)| text.to_string()))
        };
        let mark = |&id: &u32| json!({"SpecialToken": {"id": name(id).unwrap_or_else(|| id.to_string()), "type_id": 0}});
        let mut single: Vec<serde_json::Value> = self.before.iter().map(mark).collect();
        single.push(json!({"Sequence": {"id": "A", "type_id": 0}}));
        single.extend(self.after.iter().map(mark));
        let marks: serde_json::Map<_, _> = self
            .before
            .iter()
            .chain(&self.after)
            .map(|&id| {
                let name = name(id).unwrap_or_else(|| id.to_string());
                (name.clone(), json!({"id": name, "ids": [id], "tokens": [name]}))
            })
            .collect();
        let added: Vec<serde_json::Value> = self
            .special
            .iter()
            .map(|(content, id)| {
                json!({"id": id, "content": content, "single_word": false, "lstrip": false,
                       "rstrip": false, "normalized": false, "special": true})
            })
            .collect();
        let mut value = json!({
            "version": "1.0",
            "truncation": self.most_tokens.map(|most| {
                json!({"max_length": most, "strategy": "LongestFirst", "stride": 0, "direction": "Right"})
            }),
            "padding": null,
            "added_tokens": added,
            "normalizer": {
                "type": "BertNormalizer",
                "clean_text": self.clean,
                "handle_chinese_chars": self.chinese,
                "strip_accents": self.strip_accents,
                "lowercase": self.lowercase,
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": null,
            "decoder": {"type": "WordPiece", "prefix": self.prefix, "cleanup": true},
            "model": {
                "type": "WordPiece",
                "unk_token": self.unknown_piece,
                "continuing_subword_prefix": self.prefix,
                "max_input_chars_per_word": self.most_chars,
                "vocab": self.start,
            },
        });
        if !marks.is_empty() {
            value["post_processor"] = json!({
                "type": "TemplateProcessing", "single": single, "pair": single, "special_tokens": marks,
            });
        }
        value.to_string().into_bytes()
    }

    /// Tokens at most, with the marks of start and end, if the file says so.
    #[must_use]
    pub fn most_tokens(&self) -> Option<usize> {
        self.most_tokens
    }

    /// The piece with the highest number, and this number.
    #[must_use]
    pub fn highest(&self) -> (&str, u32) {
        (&self.highest.0, self.highest.1)
    }

    /// The tokens of a sentence, at most `most` of them with the marks of start and end.
    #[must_use]
    pub fn tokens(&self, sentence: &str, most: usize) -> Tokens {
        let mut out = Tokens::default();
        let mut pieces = Vec::new();
        let mut rest = 0;
        while let Some((at, text, id)) = self.next_special(sentence, rest) {
            self.plain(&sentence[rest..at], rest, &mut pieces);
            rest = at + text;
            pieces.push((id, (at, rest)));
        }
        self.plain(&sentence[rest..], rest, &mut pieces);

        out.whole = pieces.len();
        out.unknown = pieces.iter().filter(|(id, _)| *id == self.unknown).count();
        let room = most.saturating_sub(self.before.len() + self.after.len());
        pieces.truncate(room);
        let mark = |&id: &u32| (id, (0, 0));
        let marked = self.before.iter().map(mark).chain(pieces).chain(self.after.iter().map(mark));
        (out.ids, out.places) = marked.unzip();
        out
    }

    /// How many marks stand before a sentence, and how many behind it.
    pub(super) fn marks(&self) -> (usize, usize) {
        (self.before.len(), self.after.len())
    }

    /// The next text that stands for a piece: where, its length, its number.
    fn next_special(&self, sentence: &str, from: usize) -> Option<(usize, usize, u32)> {
        let found = self.special.iter().filter_map(|(text, id)| {
            sentence[from..].find(text.as_str()).map(|at| (from + at, text.len(), *id))
        });
        found.min_by_key(|&(at, length, _)| (at, std::cmp::Reverse(length)))
    }

    /// Cleans a text and cuts its words; `offset` is where it stands in its sentence.
    fn plain(&self, text: &str, offset: usize, out: &mut Vec<(u32, (usize, usize))>) {
        let mut word = String::new();
        // Where each char of the word comes from.
        let mut from: Vec<(usize, usize)> = Vec::new();
        let mut end_word = |word: &mut String, from: &mut Vec<(usize, usize)>| {
            if !word.is_empty() {
                self.cut(word, from, out);
                word.clear();
                from.clear();
            }
        };
        let mut emit = |c: char, place: (usize, usize)| {
            if c.is_whitespace() {
                end_word(&mut word, &mut from);
            } else if is_mark(c) {
                end_word(&mut word, &mut from);
                word.push(c);
                from.push(place);
                end_word(&mut word, &mut from);
            } else {
                word.push(c);
                from.push(place);
            }
        };
        for (at, c) in text.char_indices() {
            let place = (offset + at, offset + at + c.len_utf8());
            if self.clean {
                if is_control(c) {
                    continue;
                }
                if c.is_whitespace() {
                    emit(' ', place);
                    continue;
                }
            }
            let alone = self.chinese && is_chinese(c);
            if alone {
                emit(' ', place);
            }
            if c.is_ascii() {
                emit(if self.lowercase { c.to_ascii_lowercase() } else { c }, place);
            } else if self.strip_accents {
                for c in std::iter::once(c).nfd().filter(|&c| !is_accent(c)) {
                    self.lower(c, |c| emit(c, place));
                }
            } else {
                self.lower(c, |c| emit(c, place));
            }
            if alone {
                emit(' ', place);
            }
        }
        emit(' ', (offset, offset));
    }

    fn lower(&self, c: char, mut emit: impl FnMut(char)) {
        if self.lowercase {
            c.to_lowercase().for_each(emit);
        } else {
            emit(c);
        }
    }

    /// The longest piece first; a word with a part that no piece fits is unknown as a whole.
    fn cut(&self, word: &str, from: &[(usize, usize)], out: &mut Vec<(u32, (usize, usize))>) {
        let first = out.len();
        let place = |a: usize, b: usize| (from[a].0, from[b - 1].1);
        if from.len() > self.most_chars {
            out.push((self.unknown, place(0, from.len())));
            return;
        }
        let (mut start, mut start_char) = (0, 0);
        while start < word.len() {
            let pieces = if start == 0 { &self.start } else { &self.inner };
            let mut end = word.len().min(start + self.longest);
            while !word.is_char_boundary(end) {
                end -= 1;
            }
            let found = loop {
                if end == start {
                    break None;
                }
                if let Some(&id) = pieces.get(&word[start..end]) {
                    break Some(id);
                }
                end -= 1;
                while !word.is_char_boundary(end) {
                    end -= 1;
                }
            };
            let Some(id) = found else {
                out.truncate(first);
                out.push((self.unknown, place(0, from.len())));
                return;
            };
            let end_char = start_char + word[start..end].chars().count();
            out.push((id, place(start_char, end_char)));
            (start, start_char) = (end, end_char);
        }
    }
}

/// The marks before and after a single sentence.
fn marks(json: &serde_json::Value) -> Option<(Vec<u32>, Vec<u32>)> {
    let id = |value: &serde_json::Value| u32::try_from(value.as_u64()?).ok();
    match json.get("type")?.as_str()? {
        "BertProcessing" | "RobertaProcessing" => {
            let mark = |key: &str| id(json.get(key)?.get(1)?);
            Some((vec![mark("cls")?], vec![mark("sep")?]))
        }
        "TemplateProcessing" => {
            let (mut before, mut after, mut inside) = (Vec::new(), Vec::new(), false);
            for part in json.get("single")?.as_array()? {
                if let Some(special) = part.get("SpecialToken") {
                    let ids = json.get("special_tokens")?.get(special.get("id")?.as_str()?)?;
                    for value in ids.get("ids")?.as_array()? {
                        if inside { &mut after } else { &mut before }.push(id(value)?);
                    }
                } else {
                    inside = true;
                }
            }
            Some((before, after))
        }
        _ => None,
    }
}

fn is_control(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r');
    }
    c == '\u{fffd}' || c.general_category_group() == GeneralCategoryGroup::Other
}

fn is_mark(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    c.general_category_group() == GeneralCategoryGroup::Punctuation
}

fn is_accent(c: char) -> bool {
    !c.is_ascii() && c.general_category() == GeneralCategory::NonspacingMark
}

/// The blocks of CJK ideographs, which BERT takes one by one.
fn is_chinese(c: char) -> bool {
    matches!(
        u32::from(c),
        0x4E00..=0x9FFF
            | 0x3400..=0x4DBF
            | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B73F
            | 0x2B740..=0x2B81F
            | 0x2B920..=0x2CEAF
            | 0xF900..=0xFAFF
            | 0x2F800..=0x2FA1F
    )
}
