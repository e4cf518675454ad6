use std::{fmt, ops::Range};

use serde_json::{Map, Number, Value};

/// A value with its position in the text that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where the value stands, in bytes.
    pub span: Range<usize>,
    /// The value.
    pub kind: NodeKind,
}

/// What a [`Node`] holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum NodeKind {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number, possibly not finite.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A list.
    List(Vec<Node>),
    /// A table: its keys in the order of the text.
    Table(Vec<(Key, Node)>),
    /// A value that no setting takes, with the word for it in messages: `a date`.
    Other(&'static str),
}

/// A key of a table with its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where the key stands, in bytes.
    pub span: Range<usize>,
    /// The key.
    pub name: String,
}

/// A mistake in a text: its position, what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Mistake {
    /// The position in bytes.
    pub at: usize,
    /// What was expected and what was found.
    pub message: String,
}

impl Mistake {
    /// A mistake at a position.
    #[must_use]
    pub fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

impl Node {
    /// The value under a key of a table.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(known, _)| known.name == key).map(|(_, value)| value)
    }

    /// The keys and values of a table; empty for anything else.
    #[must_use]
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.kind {
            NodeKind::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; empty for anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            NodeKind::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if the value is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The node at a path of keys and list positions joined by dots, such as `domain.0.file`; where the
    /// path ends early, the last node on it.
    #[must_use]
    pub fn nearest(&self, path: &str) -> &Self {
        let mut node = self;
        for step in path.split('.').filter(|step| !step.is_empty()) {
            let next = match &node.kind {
                NodeKind::List(items) => step.parse().ok().and_then(|at: usize| items.get(at)),
                _ => node.get(step),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    /// The table without some keys; anything else unchanged.
    #[must_use]
    pub fn without(&self, keys: &[&str]) -> Self {
        let kind = match &self.kind {
            NodeKind::Table(entries) => {
                let kept = entries.iter().filter(|(key, _)| !keys.contains(&key.name.as_str()));
                NodeKind::Table(kept.cloned().collect())
            }
            other => other.clone(),
        };
        Self { span: self.span.clone(), kind }
    }

    /// The value as JSON. Numbers that are not finite become `null`: [`check`](crate::check) refuses them before.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.kind {
            NodeKind::Text(text) => Value::String(text.clone()),
            NodeKind::Integer(number) => Value::Number((*number).into()),
            NodeKind::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            NodeKind::Boolean(value) => Value::Bool(*value),
            NodeKind::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            NodeKind::Table(entries) => {
                let entry = |(key, value): &(Key, Self)| (key.name.clone(), value.to_json());
                Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
            }
            NodeKind::Other(_) => Value::Null,
        }
    }
}

impl fmt::Display for NodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::List(_) => f.write_str("a list"),
            Self::Table(_) => f.write_str("a table"),
            Self::Other(what) => f.write_str(what),
        }
    }
}
