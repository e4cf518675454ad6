//! The one way to write a member of a family with its settings in a line: `name(key=value, …)`.

use crate::{Key, Mistake, Node, NodeKind};

/// A name and its settings, as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The name.
    pub name: Key,
    /// The settings: a table.
    pub settings: Node,
}

/// Reads `name` or `name(key=value, …)`. A value is a number, `true`, `false`, a word, text in double quotes, or a
/// list of such in square brackets.
///
/// # Errors
///
/// A [`Mistake`] with the position in bytes.
pub fn written(text: &str) -> Result<Written, Mistake> {
    let trimmed = text.trim_end();
    let (name, inside) = match trimmed.find('(') {
        None => (0..trimmed.len(), None),
        Some(open) if trimmed.ends_with(')') => (0..open, Some(open + 1..trimmed.len() - 1)),
        Some(open) => {
            let message =
                format!("expected `)` after the settings of `{}`", &trimmed[..open].trim());
            return Err(Mistake::new(trimmed.len(), message));
        }
    };
    let name = trim(text, name);
    if name.is_empty() {
        return Err(Mistake::new(0, "expected a name, found nothing"));
    }
    let mut entries = Vec::new();
    let end = name.end..trimmed.len();
    if let Some(inside) = inside.filter(|inside| !text[inside.clone()].trim().is_empty()) {
        for part in split(text, inside, ',') {
            entries.push(entry(text, part, &entries)?);
        }
    }
    let name = Key { name: text[name.clone()].to_owned(), span: name };
    Ok(Written { name, settings: Node { span: end, kind: NodeKind::Table(entries) } })
}

/// The parts of a text between separators that stand outside brackets and quotes, with their positions.
#[must_use]
pub fn split_outside_brackets(text: &str, separator: char) -> Vec<(usize, &str)> {
    split(text, 0..text.len(), separator)
        .into_iter()
        .map(|span| (span.start, &text[span]))
        .collect()
}

type Span = std::ops::Range<usize>;

fn split(text: &str, span: Span, separator: char) -> Vec<Span> {
    let (mut parts, mut depth, mut quoted, mut start) = (Vec::new(), 0_usize, false, span.start);
    for (at, c) in text[span.clone()].char_indices() {
        let at = span.start + at;
        match c {
            '"' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth = depth.saturating_sub(1),
            c if c == separator && depth == 0 && !quoted => {
                parts.push(start..at);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(start..span.end);
    parts
}

fn trim(text: &str, span: Span) -> Span {
    let part = &text[span.clone()];
    let start = span.start + (part.len() - part.trim_start().len());
    start..(start + part.trim().len())
}

fn entry(text: &str, part: Span, known: &[(Key, Node)]) -> Result<(Key, Node), Mistake> {
    let Some(equals) = text[part.clone()].find('=') else {
        let part = trim(text, part);
        let message = format!("expected `key=value`, found `{}`", &text[part.clone()]);
        return Err(Mistake::new(part.start, message));
    };
    let key = trim(text, part.start..part.start + equals);
    let name = text[key.clone()].to_owned();
    if name.is_empty() {
        return Err(Mistake::new(part.start, "expected a key before `=`"));
    }
    if known.iter().any(|(other, _)| other.name == name) {
        return Err(Mistake::new(key.start, format!("the key `{name}` stands twice")));
    }
    let value = value(text, part.start + equals + 1..part.end)?;
    Ok((Key { span: key, name }, value))
}

fn value(text: &str, span: Span) -> Result<Node, Mistake> {
    let span = trim(text, span);
    let part = &text[span.clone()];
    let kind = if part.is_empty() {
        return Err(Mistake::new(span.start, "expected a value after `=`"));
    } else if let Some(inside) = part.strip_prefix('[') {
        if !inside.ends_with(']') {
            return Err(Mistake::new(span.end, "expected `]` after the list"));
        }
        let inside = span.start + 1..span.end - 1;
        let items = match text[inside.clone()].trim().is_empty() {
            true => Vec::new(),
            false => split(text, inside, ',')
                .into_iter()
                .map(|part| value(text, part))
                .collect::<Result<_, _>>()?,
        };
        NodeKind::List(items)
    } else if let Some(inside) = part.strip_prefix('"') {
        match inside.strip_suffix('"') {
            Some(inside) => NodeKind::Text(inside.to_owned()),
            None => return Err(Mistake::new(span.end, "expected `\"` after the text")),
        }
    } else {
        scalar(part)
    };
    Ok(Node { span, kind })
}

/// A bare value: a whole number, a number, `true`, `false`, else a word.
pub(crate) fn scalar(text: &str) -> NodeKind {
    let starts_as_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match text {
        "true" => NodeKind::Boolean(true),
        "false" => NodeKind::Boolean(false),
        _ if !starts_as_number => NodeKind::Text(text.to_owned()),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => NodeKind::Integer(number),
            (_, Ok(number)) => NodeKind::Float(number),
            _ => NodeKind::Text(text.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        let written = written(text).unwrap();
        format!("{} {}", written.name.name, written.settings.to_json())
    }

    #[test]
    fn names_and_settings() {
        assert_eq!(json("hog"), "hog {}");
        assert_eq!(json(" hog ( ) "), "hog {}");
        assert_eq!(
            json("x(a=1, b=-2.5,c=word, d=\"a, b\", e=[1, two], f=true)"),
            "x {\"a\":1,\"b\":-2.5,\"c\":\"word\",\"d\":\"a, b\",\"e\":[1,\"two\"],\"f\":true}"
        );
    }

    #[test]
    fn mistakes_have_positions() {
        let said = |text: &str| {
            let mistake = written(text).unwrap_err();
            format!("{}: {}", mistake.at, mistake.message)
        };
        assert_eq!(said("hog(a=1"), "7: expected `)` after the settings of `hog`");
        assert_eq!(said("hog(a)"), "4: expected `key=value`, found `a`");
        assert_eq!(said("hog(a=1, a=2)"), "9: the key `a` stands twice");
        assert_eq!(said("hog(a=)"), "6: expected a value after `=`");
        assert_eq!(said("hog(a=[1)"), "8: expected `]` after the list");
        assert_eq!(said("(a=1)"), "0: expected a name, found nothing");
    }

    #[test]
    fn parts_outside_brackets() {
        assert_eq!(split_outside_brackets("a(x=1+2) + b", '+'), [(0, "a(x=1+2) "), (10, " b")]);
    }
}
