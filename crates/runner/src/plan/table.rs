//! A TOML table that remembers where its keys stand and which of them were asked for.

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use procrust_settings::{Choice, Family, Key, Node, NodeKind, unknown};
use toml::de::{DeTable, DeValue};

/// A mistake in a plan file: where it stands, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {message}", file.display())]
pub struct PlanError {
    /// The plan file.
    pub file: PathBuf,
    /// The line of the mistake, counted from 1.
    pub line: usize,
    /// The column of the mistake in characters, counted from 1.
    pub column: usize,
    /// What was expected and what was found.
    pub message: String,
}

/// A plan file's path and text, shared by everything that was read from it.
#[derive(Debug, Clone)]
pub struct Source {
    file: Arc<Path>,
    text: Arc<str>,
}

impl Source {
    /// A text and the file that it was read from.
    #[must_use]
    pub fn new(file: &Path, text: &str) -> Self {
        Self { file: Arc::from(file), text: Arc::from(text) }
    }

    fn error(&self, at: usize, message: impl Into<String>) -> PlanError {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        PlanError {
            file: self.file.to_path_buf(),
            line: 1 + before.matches('\n').count(),
            column: 1 + line.chars().count(),
            message: message.into(),
        }
    }

    /// Parses the whole text as one table.
    pub fn parse(&self) -> Result<Table, PlanError> {
        let parsed = DeTable::parse(&self.text).map_err(|error| {
            self.error(error.span().map_or(0, |span| span.start), error.message().to_owned())
        })?;
        Ok(Table::new(self, "the plan", 0, parsed.get_ref()))
    }
}

/// A TOML value of any kind, with its place.
#[derive(Debug, Clone)]
struct Value {
    span: Range<usize>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Array(Vec<Value>),
    Table(Table),
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Array(_) => f.write_str("a list"),
            Self::Table(_) => f.write_str("a table"),
            Self::Other => f.write_str("a date"),
        }
    }
}

impl Value {
    fn new(source: &Source, name: &str, span: Range<usize>, value: &DeValue<'_>) -> Self {
        let kind = match value {
            DeValue::String(text) => Kind::Text(text.to_string()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Kind::Other, Kind::Integer),
            DeValue::Float(number) => number.as_str().parse().map_or(Kind::Other, Kind::Float),
            DeValue::Boolean(value) => Kind::Boolean(*value),
            DeValue::Array(items) => Kind::Array(
                items
                    .iter()
                    .map(|item| Self::new(source, name, item.span(), item.get_ref()))
                    .collect(),
            ),
            DeValue::Table(table) => {
                Kind::Table(Table::new(source, &format!("[{name}]"), span.start, table))
            }
            DeValue::Datetime(_) => Kind::Other,
        };
        Self { span, kind }
    }

    fn node(&self) -> Node {
        let kind = match &self.kind {
            Kind::Text(text) => NodeKind::Text(text.clone()),
            Kind::Integer(number) => NodeKind::Integer(*number),
            Kind::Float(number) => NodeKind::Float(*number),
            Kind::Boolean(value) => NodeKind::Boolean(*value),
            Kind::Array(items) => NodeKind::List(items.iter().map(Self::node).collect()),
            Kind::Table(table) => table.node().kind,
            Kind::Other => NodeKind::Other("a date"),
        };
        Node { span: self.span.clone(), kind }
    }
}

/// A table being read: every key is taken once, and [`Table::finish`] complains about the rest.
#[derive(Debug, Clone)]
pub struct Table {
    source: Source,
    name: String,
    at: usize,
    left: BTreeMap<String, (usize, Value)>,
    known: Vec<&'static str>,
}

impl Table {
    fn new(source: &Source, name: &str, at: usize, table: &DeTable<'_>) -> Self {
        let left = table
            .iter()
            .map(|(key, value)| {
                let name = key.get_ref().to_string();
                let value = Value::new(source, &name, value.span(), value.get_ref());
                (name, (key.span().start, value))
            })
            .collect();
        Self { source: source.clone(), name: name.to_owned(), at, left, known: Vec::new() }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.left.remove(key).map(|(_, value)| value)
    }

    fn mismatch(&self, key: &str, expected: &str, found: &Value) -> PlanError {
        let message = format!("{key}: expected {expected}, found {}", found.kind);
        self.source.error(found.span.start, message)
    }

    /// An error about the table as a whole, at its first line.
    pub fn error(&self, message: impl Into<String>) -> PlanError {
        self.source.error(self.at, message)
    }

    /// The same as [`Table::error`], as a reusable place.
    pub fn place(&self) -> Place {
        Place { source: self.source.clone(), at: self.at }
    }

    /// Text that must be there.
    pub fn text(&mut self, key: &'static str) -> Result<(String, Place), PlanError> {
        self.optional_text(key)?
            .ok_or_else(|| self.error(format!("{} needs the key `{key}`", self.name)))
    }

    /// Text, if the key is there.
    pub fn optional_text(
        &mut self,
        key: &'static str,
    ) -> Result<Option<(String, Place)>, PlanError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value { kind: Kind::Text(text), span }) => {
                Ok(Some((text, Place { source: self.source.clone(), at: span.start })))
            }
            Some(other) => Err(self.mismatch(key, "text in quotes", &other)),
        }
    }

    /// One of a few words; `None` if the key is not there.
    pub fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, PlanError> {
        let Some((found, place)) = self.optional_text(key)? else { return Ok(None) };
        let value = words.iter().find(|(word, _)| *word == found).map(|(_, value)| *value);
        value.map(Some).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            place.error(unknown(&format!("{key} ="), &found, &known))
        })
    }

    /// A whole number of at least `least`.
    pub fn count(&mut self, key: &'static str, least: usize) -> Result<Option<usize>, PlanError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match value.kind {
            Kind::Integer(number) if usize::try_from(number).is_ok_and(|n| n >= least) => {
                Ok(usize::try_from(number).ok())
            }
            _ => Err(self.mismatch(key, &format!("a whole number, {least} or more"), &value)),
        }
    }

    /// A finite number of at least `least`.
    pub fn number(&mut self, key: &'static str, least: f64) -> Result<Option<f64>, PlanError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        as_number(&value)
            .filter(|number| number.is_finite() && *number >= least)
            .map(Some)
            .ok_or_else(|| self.mismatch(key, &format!("a number, {least} or more"), &value))
    }

    /// A number of at least 0, or the word given.
    pub fn number_or_word(
        &mut self,
        key: &'static str,
        word: &str,
    ) -> Result<Option<Option<f64>>, PlanError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match &value.kind {
            Kind::Text(text) if text == word => Ok(Some(None)),
            _ => as_number(&value)
                .filter(|number| number.is_finite() && *number >= 0.0)
                .map(|number| Some(Some(number)))
                .ok_or_else(|| {
                    self.mismatch(key, &format!("a number, 0 or more, or {word:?}"), &value)
                }),
        }
    }

    /// A whole number of at least `least`, or the word given (`None`).
    pub fn count_or_word(
        &mut self,
        key: &'static str,
        word: &str,
        least: usize,
    ) -> Result<Option<Option<usize>>, PlanError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match &value.kind {
            Kind::Text(text) if text == word => Ok(Some(None)),
            Kind::Integer(number) if usize::try_from(*number).is_ok_and(|n| n >= least) => {
                Ok(Some(usize::try_from(*number).ok()))
            }
            _ => {
                let expected = format!("a whole number, {least} or more, or {word:?}");
                Err(self.mismatch(key, &expected, &value))
            }
        }
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str) -> Result<Option<bool>, PlanError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value { kind: Kind::Boolean(value), .. }) => Ok(Some(value)),
            Some(other) => Err(self.mismatch(key, "true or false", &other)),
        }
    }

    /// A list of whole numbers of at least `least`.
    pub fn counts(&mut self, key: &'static str, least: u64) -> Result<Option<Vec<u64>>, PlanError> {
        let expected = format!("a list of whole numbers, {least} or more, like [{least}]");
        let Some(value) = self.take(key) else { return Ok(None) };
        let Kind::Array(items) = &value.kind else {
            return Err(self.mismatch(key, &expected, &value));
        };
        if items.is_empty() {
            return Err(self.source.error(value.span.start, format!("{key}: the list is empty")));
        }
        let number = |item: &Value| match item.kind {
            Kind::Integer(number) => u64::try_from(number)
                .ok()
                .filter(|&number| number >= least)
                .ok_or_else(|| self.mismatch(key, &expected, item)),
            _ => Err(self.mismatch(key, &expected, item)),
        };
        items.iter().map(number).collect::<Result<_, _>>().map(Some)
    }

    /// A number above 0, or `default` where there is none.
    pub fn positive(&mut self, key: &'static str, default: f64) -> Result<f64, PlanError> {
        let Some(value) = self.take(key) else { return Ok(default) };
        positive(&value).ok_or_else(|| self.mismatch(key, "a number above 0", &value))
    }

    /// A number above 0 and below 1.
    pub fn share(&mut self, key: &'static str) -> Result<Option<f64>, PlanError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        as_number(&value)
            .filter(|number| *number > 0.0 && *number < 1.0)
            .map(Some)
            .ok_or_else(|| self.mismatch(key, "a number above 0 and below 1", &value))
    }

    /// Finite numbers above 0: one, or a list of them.
    pub fn positives(&mut self, key: &'static str) -> Result<Option<Vec<f64>>, PlanError> {
        self.one_or_list(key, "a number above 0", positive)
    }

    /// Finite numbers above 0 or the word given (`None`): one, or a list of them.
    pub fn positives_or_word(
        &mut self,
        key: &'static str,
        word: &str,
    ) -> Result<Option<Vec<Option<f64>>>, PlanError> {
        let expected = format!("a number above 0, or {word:?}");
        self.one_or_list(key, &expected, |value| match &value.kind {
            Kind::Text(text) if text == word => Some(None),
            _ => positive(value).map(Some),
        })
    }

    /// Whole numbers of at least `least`: one, or a list of them.
    pub fn counts_or_one(
        &mut self,
        key: &'static str,
        least: usize,
    ) -> Result<Option<Vec<usize>>, PlanError> {
        let expected = format!("a whole number, {least} or more");
        self.one_or_list(key, &expected, |value| match value.kind {
            Kind::Integer(number) => usize::try_from(number).ok().filter(|&n| n >= least),
            _ => None,
        })
    }

    fn one_or_list<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        of: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<Vec<T>>, PlanError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let items = match &value.kind {
            Kind::Array(items) if items.is_empty() => {
                let message = format!("{key}: the list is empty");
                return Err(self.source.error(value.span.start, message));
            }
            Kind::Array(items) => items.as_slice(),
            _ => std::slice::from_ref(&value),
        };
        let expected = format!("{expected}, or a list of such");
        let item = |item: &Value| of(item).ok_or_else(|| self.mismatch(key, &expected, item));
        items.iter().map(item).collect::<Result<_, _>>().map(Some)
    }

    /// A list of whole numbers of at least `least`, the word given (`None`) among them.
    pub fn counts_or_word(
        &mut self,
        key: &'static str,
        word: &str,
        least: u64,
    ) -> Result<Option<Vec<Option<u64>>>, PlanError> {
        let expected = format!("a list of whole numbers, {least} or more, and {word:?}");
        let Some(value) = self.take(key) else { return Ok(None) };
        let Kind::Array(items) = &value.kind else {
            return Err(self.mismatch(key, &expected, &value));
        };
        let item = |item: &Value| match &item.kind {
            Kind::Text(text) if text == word => Ok(None),
            Kind::Integer(number) => u64::try_from(*number)
                .ok()
                .filter(|&number| number >= least)
                .map(Some)
                .ok_or_else(|| self.mismatch(key, &expected, item)),
            _ => Err(self.mismatch(key, &expected, item)),
        };
        items.iter().map(item).collect::<Result<_, _>>().map(Some)
    }

    /// A list of texts; one text alone counts as a list of one.
    pub fn texts(&mut self, key: &'static str) -> Result<Option<Vec<(String, Place)>>, PlanError> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let items = match &value.kind {
            Kind::Text(_) => std::slice::from_ref(&value),
            Kind::Array(items) => items.as_slice(),
            _ => return Err(self.mismatch(key, "a list of texts", &value)),
        };
        let text = |item: &Value| match &item.kind {
            Kind::Text(text) => {
                Ok((text.clone(), Place { source: self.source.clone(), at: item.span.start }))
            }
            _ => Err(self.mismatch(key, "text in quotes", item)),
        };
        items.iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// `"all"`, or a list of pairs of texts.
    pub fn pairs(&mut self, key: &'static str) -> Result<Option<Vec<PlacedPair>>, PlanError> {
        const EXPECTED: &str = "\"all\" or a list of pairs, like [[\"amazon\", \"webcam\"]]";
        let Some(value) = self.take(key) else { return Ok(None) };
        let items = match &value.kind {
            Kind::Text(text) if text == "all" => return Ok(None),
            Kind::Array(items) if !items.is_empty() => items,
            _ => return Err(self.mismatch(key, EXPECTED, &value)),
        };
        let place = |value: &Value| Place { source: self.source.clone(), at: value.span.start };
        let pair = |item: &Value| match &item.kind {
            Kind::Array(pair) => match pair.as_slice() {
                [
                    first @ Value { kind: Kind::Text(a), .. },
                    second @ Value { kind: Kind::Text(b), .. },
                ] => Ok([(a.clone(), place(first)), (b.clone(), place(second))]),
                _ => Err(self.mismatch(key, EXPECTED, item)),
            },
            _ => Err(self.mismatch(key, EXPECTED, item)),
        };
        items.iter().map(pair).collect::<Result<_, _>>().map(Some)
    }

    /// A sub-table, `[key]`.
    pub fn table(&mut self, key: &'static str) -> Result<Option<Table>, PlanError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value { kind: Kind::Table(table), .. }) => Ok(Some(table)),
            Some(other) => Err(self.mismatch(key, &format!("a table, [{key}]"), &other)),
        }
    }

    /// A list of tables, `[[key]]`; empty where there is none.
    pub fn tables(&mut self, key: &'static str) -> Result<Vec<Table>, PlanError> {
        let Some(value) = self.take(key) else { return Ok(Vec::new()) };
        let expected = format!("one or more tables, [[{key}]]");
        let Kind::Array(items) = &value.kind else {
            return Err(self.mismatch(key, &expected, &value));
        };
        let table = |item: &Value| match &item.kind {
            Kind::Table(table) => Ok(Table { name: format!("[[{key}]]"), ..table.clone() }),
            _ => Err(self.mismatch(key, &expected, item)),
        };
        items.iter().map(table).collect()
    }

    /// The members of a family that the tables `[[key]]` name, each with its place: one per combination of the settings
    /// that are lists. `what` begins the message about an unknown name: `for kind = "lexicon" the method`.
    ///
    /// # Errors
    ///
    /// A [`PlanError`] when there is no such table, when a name, key or value does not fit, and when two members are
    /// equal in every setting.
    pub fn choices<T: ?Sized + 'static>(
        &mut self,
        key: &'static str,
        family: &Family<T>,
        what: &str,
    ) -> Result<Vec<(Choice<T>, Place)>, PlanError> {
        let tables = self.tables(key)?;
        if tables.is_empty() {
            return Err(self.error(format!("the plan needs at least one [[{key}]]")));
        }
        let mut chosen: Vec<(Choice<T>, Place)> = Vec::new();
        for table in tables {
            let place = table.place();
            let found = family.choices(&table.node(), what);
            let found = found.map_err(|mistake| self.source.error(mistake.at, mistake.message))?;
            for choice in found {
                if chosen.iter().any(|(known, _)| *known == choice) {
                    let name = choice.name();
                    let message = format!("the {key} `{name}` stands twice with equal settings");
                    return Err(place.error(message));
                }
                chosen.push((choice, place.clone()));
            }
        }
        Ok(chosen)
    }

    /// Whether a key is there and nobody took it yet.
    #[must_use]
    pub fn has(&mut self, key: &'static str) -> bool {
        self.known.push(key);
        self.left.contains_key(key)
    }

    /// The keys that nobody took, as a node.
    fn node(&self) -> Node {
        let mut left: Vec<(&String, &(usize, Value))> = self.left.iter().collect();
        left.sort_by_key(|(_, (at, _))| *at);
        let entry = |(name, (at, value)): (&String, &(usize, Value))| {
            let key = Key { span: *at..*at + name.len(), name: name.clone() };
            (key, value.node())
        };
        let entries = left.into_iter().map(entry).collect();
        Node { span: self.at..self.at, kind: NodeKind::Table(entries) }
    }

    /// One table for each combination of the values of keys that have a list where a method or
    /// classifier has one value; the first such key in the file changes slowest.
    pub fn combinations(self) -> Result<Vec<Self>, PlanError> {
        const MOST: usize = 1000;
        let mut lists: Vec<(String, usize, Value)> = Vec::new();
        for (key, (at, value)) in &self.left {
            if matches!(value.kind, Kind::Array(_)) {
                lists.push((key.clone(), *at, value.clone()));
            }
        }
        lists.sort_by_key(|(_, at, _)| *at);
        let mut tables = vec![self];
        for (key, at, value) in lists {
            let Kind::Array(items) = &value.kind else { continue };
            let source = &tables[0].source;
            if items.is_empty() {
                return Err(source.error(value.span.start, format!("{key}: the list is empty")));
            }
            if tables.len().saturating_mul(items.len()) > MOST {
                let message = format!("{key}: the lists make more than {MOST} combinations");
                return Err(source.error(value.span.start, message));
            }
            let with = |table: &Self, item: &Value| {
                let mut table = table.clone();
                table.left.insert(key.clone(), (at, item.clone()));
                table
            };
            tables = tables
                .iter()
                .flat_map(|table| items.iter().map(move |item| with(table, item)))
                .collect();
        }
        Ok(tables)
    }

    /// Ends the reading: a key that nobody asked for is an error that names the nearest known one.
    pub fn finish(self) -> Result<(), PlanError> {
        match self.left.iter().min_by_key(|(_, (at, _))| *at) {
            None => Ok(()),
            Some((key, (at, _))) => {
                let known = self.known.as_slice();
                Err(self.source.error(*at, unknown(&format!("{}: key", self.name), key, known)))
            }
        }
    }
}

fn positive(value: &Value) -> Option<f64> {
    as_number(value).filter(|number| number.is_finite() && *number > 0.0)
}

fn as_number(value: &Value) -> Option<f64> {
    match value.kind {
        Kind::Float(number) => Some(number),
        #[allow(clippy::cast_precision_loss, reason = "settings are far below 2^53")]
        Kind::Integer(number) => Some(number as f64),
        _ => None,
    }
}

/// Two texts, each with its place.
pub type PlacedPair = [(String, Place); 2];

/// A place in a plan file, kept for errors that are found later.
#[derive(Debug, Clone)]
pub struct Place {
    source: Source,
    at: usize,
}

impl Place {
    /// An error at this place.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> PlanError {
        self.source.error(self.at, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Source::new(Path::new("p.toml"), text).parse().unwrap()
    }

    #[test]
    fn unknown_key_names_line_and_nearest() {
        let mut table = table("name = \"x\"\n\nseds = [1]\n");
        table.text("name").unwrap();
        table.counts("seeds", 0).unwrap();
        let error = table.finish().unwrap_err();
        assert_eq!(
            error.to_string(),
            "p.toml:3:1: the plan: key `seds` is not known; did you mean `seeds`? (known: name, seeds)"
        );
    }

    #[test]
    fn wrong_type_names_line_and_both_types() {
        let mut table = table("\nk = \"three\"\n");
        let error = table.count("k", 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "p.toml:2:5: k: expected a whole number, 1 or more, found \"three\""
        );
    }

    #[test]
    fn integers_in_any_radix_and_as_numbers() {
        let mut table = table("a = 0x10\nb = 1\nc = 1.5\nd = -1");
        assert_eq!(table.count("a", 0).unwrap(), Some(16));
        assert_eq!(table.number("b", 0.0).unwrap(), Some(1.0));
        assert_eq!(table.number("c", 0.0).unwrap(), Some(1.5));
        assert!(table.number("d", 0.0).is_err());
    }

    #[test]
    fn lists_make_combinations_in_the_order_of_the_file() {
        let table = table("name = \"x\"\nk = [1, 2]\na = [0.5, \"auto\"]\n");
        let mut found = table.combinations().unwrap();
        assert_eq!(found.len(), 4);
        let ks: Vec<_> = found.iter_mut().map(|t| t.count("k", 1).unwrap().unwrap()).collect();
        assert_eq!(ks, [1, 1, 2, 2]);
        let is = |t: &mut Table| t.number_or_word("a", "auto").unwrap().unwrap();
        assert_eq!(
            found.iter_mut().map(is).collect::<Vec<_>>(),
            [Some(0.5), None, Some(0.5), None]
        );
    }

    #[test]
    fn empty_lists_and_too_many_combinations_are_mistakes() {
        let error = table("k = 1\na = []\n").combinations().unwrap_err();
        assert_eq!(error.to_string(), "p.toml:2:5: a: the list is empty");
        let many = format!("a = {0:?}\nb = {0:?}\nc = {0:?}\n", (0..11).collect::<Vec<_>>());
        let error = table(&many).combinations().unwrap_err();
        assert!(error.to_string().starts_with("p.toml:3:5: c: the lists make more"), "{error}");
    }

    #[test]
    fn broken_toml_has_a_line() {
        let error = Source::new(Path::new("p.toml"), "a = 1\nb = = 2\n").parse().unwrap_err();
        assert_eq!(error.line, 2);
    }
}
