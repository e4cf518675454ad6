//! Checks a value against a JSON schema and reports the first mistake with its position.
//!
//! It knows the part of JSON Schema that `schemars` writes for settings: types, bounds, words, lists, tables, and
//! alternatives that one key tells apart.

use serde_json::{Map, Value};

use crate::{Mistake, Node, NodeKind, unknown};

/// Extension: the setting also takes a list, one run per value. The schema of one value is `anyOf[0]`.
pub(crate) const SWEEP: &str = "x-sweep";
/// Extension: what the alternatives are called in messages, such as `the method`.
pub(crate) const WHAT: &str = "x-what";

/// Checks a value against a JSON schema. `name` is what messages call the value: `the plan`, `[prepare]`, `k`.
///
/// # Errors
///
/// The first [`Mistake`]: an unknown key with the nearest known one, a missing key, a value of another type or out
/// of range, an unknown word.
pub fn check(node: &Node, schema: &Value, name: &str) -> Result<(), Mistake> {
    let Some(schema) = schema.as_object() else { return Ok(()) };
    if schema.contains_key(SWEEP) {
        return swept(node, schema, name);
    }
    if let Some((key, alternatives)) = told_apart(schema) {
        return alternative(node, schema, &key, alternatives, name);
    }
    if let Some(words) = words(schema) {
        return word(node, schema, &words, name);
    }
    if let Some(alternatives) = alternatives(schema) {
        let mut real = alternatives.iter().filter(|schema| !is_null(schema));
        if let (Some(only), None) = (real.next(), real.next()) {
            return check(node, only, name);
        }
        let deeper = |schema: &&Value| kind_matches(node, schema) && !is_null(schema);
        if alternatives.iter().any(|schema| check(node, schema, name).is_ok()) {
            return bounds(node, schema, name);
        }
        // A list or table that fits one alternative gets that one's own message.
        if matches!(node.kind, NodeKind::List(_) | NodeKind::Table(_))
            && let Some(schema) = alternatives.iter().find(deeper)
        {
            return check(node, schema, name);
        }
        return Err(mismatch(node, schema, name));
    }
    if !kind_matches(node, &Value::Object(schema.clone())) {
        return Err(mismatch(node, schema, name));
    }
    match &node.kind {
        NodeKind::Table(_) => table(node, schema, name),
        NodeKind::List(items) => list(node, items, schema, name),
        _ => bounds(node, schema, name),
    }
}

fn swept(node: &Node, schema: &Map<String, Value>, name: &str) -> Result<(), Mistake> {
    let Some(one) = alternatives(schema).and_then(|all| all.first()) else { return Ok(()) };
    match &node.kind {
        NodeKind::List(items) if items.is_empty() => Err(empty(node, name)),
        NodeKind::List(items) => items.iter().try_for_each(|item| check(item, one, name)),
        _ => check(node, one, name),
    }
}

fn alternatives(schema: &Map<String, Value>) -> Option<&Vec<Value>> {
    schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array)
}

/// The key whose constant tells the alternatives apart, if there is one.
fn told_apart(schema: &Map<String, Value>) -> Option<(String, &Vec<Value>)> {
    let alternatives = alternatives(schema)?;
    let constant = |schema: &Value, key: &str| constant(&schema["properties"][key]).is_some();
    let first = alternatives.first()?.get("properties")?.as_object()?;
    let key = first.keys().find(|key| alternatives.iter().all(|schema| constant(schema, key)))?;
    Some((key.clone(), alternatives))
}

fn constant(schema: &Value) -> Option<&str> {
    schema.get("const").and_then(Value::as_str)
}

fn alternative(
    node: &Node,
    schema: &Map<String, Value>,
    key: &str,
    alternatives: &[Value],
    name: &str,
) -> Result<(), Mistake> {
    if !matches!(node.kind, NodeKind::Table(_)) {
        return Err(Mistake::new(
            node.span.start,
            format!("{name}: expected a table, found {}", node.kind),
        ));
    }
    let default = schema.get("default").and_then(|default| default[key].as_str());
    let (found, at) = match node.get(key) {
        Some(value) => (value.as_text(), value),
        None => (default, node),
    };
    let known: Vec<&str> =
        alternatives.iter().filter_map(|schema| constant(&schema["properties"][key])).collect();
    let Some(found) = found else {
        return Err(match node.get(key) {
            Some(value) => Mistake::new(
                value.span.start,
                format!("{key}: expected text in quotes, found {}", value.kind),
            ),
            None => Mistake::new(
                node.span.start,
                format!("{name} needs the key `{key}` (known: {})", known.join(", ")),
            ),
        });
    };
    let is = |schema: &&Value| constant(&schema["properties"][key]) == Some(found);
    let Some(chosen) = alternatives.iter().find(is) else {
        let what = schema.get(WHAT).and_then(Value::as_str);
        let what = what.map_or_else(|| format!("{key} ="), ToOwned::to_owned);
        return Err(Mistake::new(at.span.start, unknown(&what, found, &known)));
    };
    match node.get(key) {
        Some(_) => check(node, chosen, name),
        // The default alternative: its key need not stand there.
        None => match chosen.as_object() {
            Some(chosen) => table_but(node, chosen, name, Some(key)),
            None => Ok(()),
        },
    }
}

/// The words of a schema that takes nothing else.
fn words(schema: &Map<String, Value>) -> Option<Vec<&str>> {
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![word]);
    }
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.iter().filter(|word| !word.is_null()).map(Value::as_str).collect();
    }
    let mut all = Vec::new();
    for schema in alternatives(schema)? {
        if !is_null(schema) {
            all.extend(words(schema.as_object()?)?);
        }
    }
    Some(all).filter(|all| !all.is_empty())
}

fn word(
    node: &Node,
    schema: &Map<String, Value>,
    words: &[&str],
    name: &str,
) -> Result<(), Mistake> {
    match node.as_text() {
        Some(text) if words.contains(&text) => Ok(()),
        Some(text) => {
            let what = schema.get(WHAT).and_then(Value::as_str);
            let what = what.map_or_else(|| format!("{name} ="), ToOwned::to_owned);
            Err(Mistake::new(node.span.start, unknown(&what, text, words)))
        }
        None => Err(mismatch(node, schema, name)),
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_null(schema: &Value) -> bool {
    types(schema) == ["null"] || schema.get("const").is_some_and(Value::is_null)
}

/// Whether the value is of a type that the schema takes.
fn kind_matches(node: &Node, schema: &Value) -> bool {
    let types = types(schema);
    let has = |name: &str| types.contains(&name);
    if types.is_empty() {
        return schema.get("const").is_none() && schema.get("enum").is_none();
    }
    match &node.kind {
        NodeKind::Text(_) => has("string"),
        NodeKind::Integer(_) => has("integer") || has("number"),
        NodeKind::Float(_) => has("number"),
        NodeKind::Boolean(_) => has("boolean"),
        NodeKind::List(_) => has("array"),
        NodeKind::Table(_) => has("object"),
        NodeKind::Other(_) => false,
    }
}

fn table(node: &Node, schema: &Map<String, Value>, name: &str) -> Result<(), Mistake> {
    table_but(node, schema, name, None)
}

fn table_but(
    node: &Node,
    schema: &Map<String, Value>,
    name: &str,
    given: Option<&str>,
) -> Result<(), Mistake> {
    let nothing = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&nothing);
    let others = schema.get("additionalProperties");
    for (key, value) in node.entries() {
        match (properties.get(&key.name), others) {
            (Some(schema), _) => check(value, schema, &called(&key.name, value))?,
            (None, Some(Value::Bool(false))) => {
                let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                let message = unknown(&format!("{name}: key"), &key.name, &known);
                return Err(Mistake::new(key.span.start, message));
            }
            (None, Some(schema)) => check(value, schema, &called(&key.name, value))?,
            (None, None) => {}
        }
    }
    let required = schema.get("required").and_then(Value::as_array);
    for key in required.into_iter().flatten().filter_map(Value::as_str) {
        if node.get(key).is_none() && given != Some(key) {
            let what = properties.get(key).map(expected).unwrap_or_default();
            let message = format!("{name} needs the key `{key}`: {what}");
            return Err(Mistake::new(node.span.start, message));
        }
    }
    Ok(())
}

/// What messages call the value under a key: tables as a plan file writes them.
fn called(key: &str, value: &Node) -> String {
    match &value.kind {
        NodeKind::Table(_) => format!("[{key}]"),
        NodeKind::List(items)
            if items.iter().any(|item| matches!(item.kind, NodeKind::Table(_))) =>
        {
            format!("[[{key}]]")
        }
        _ => key.to_owned(),
    }
}

fn list(
    node: &Node,
    items: &[Node],
    schema: &Map<String, Value>,
    name: &str,
) -> Result<(), Mistake> {
    let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
    if items.is_empty() && least > 0 {
        return Err(empty(node, name));
    }
    let most = schema.get("maxItems").and_then(Value::as_u64);
    let count = items.len() as u64;
    if count < least || most.is_some_and(|most| count > most) {
        return Err(mismatch(node, schema, name));
    }
    if let Some(each) = schema.get("prefixItems").and_then(Value::as_array) {
        return items.iter().zip(each).try_for_each(|(item, schema)| check(item, schema, name));
    }
    match schema.get("items") {
        Some(schema) => items.iter().try_for_each(|item| check(item, schema, name)),
        None => Ok(()),
    }
}

fn empty(node: &Node, name: &str) -> Mistake {
    Mistake::new(node.span.start, format!("{name}: the list is empty"))
}

fn bounds(node: &Node, schema: &Map<String, Value>, name: &str) -> Result<(), Mistake> {
    #[allow(clippy::cast_precision_loss, reason = "settings are far below 2^53")]
    let number = match node.kind {
        NodeKind::Integer(number) => number as f64,
        NodeKind::Float(number) => number,
        NodeKind::Text(ref text) => {
            let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
            return match (text.trim().chars().count() as u64) < least {
                true => Err(Mistake::new(node.span.start, format!("{name}: the text is empty"))),
                false => Ok(()),
            };
        }
        _ => return Ok(()),
    };
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let fits = number.is_finite()
        && bound("minimum").is_none_or(|least| number >= least)
        && bound("exclusiveMinimum").is_none_or(|least| number > least)
        && bound("maximum").is_none_or(|most| number <= most)
        && bound("exclusiveMaximum").is_none_or(|most| number < most);
    if fits { Ok(()) } else { Err(mismatch(node, schema, name)) }
}

fn mismatch(node: &Node, schema: &Map<String, Value>, name: &str) -> Mistake {
    let expected = expected(&Value::Object(schema.clone()));
    Mistake::new(node.span.start, format!("{name}: expected {expected}, found {}", node.kind))
}

/// What a schema takes, in words: `a whole number, 1 or more`.
pub(crate) fn expected(schema: &Value) -> String {
    let Some(fields) = schema.as_object() else { return "a value".to_owned() };
    if fields.contains_key(SWEEP) {
        let one = alternatives(fields).and_then(|all| all.first()).map(expected);
        return one.unwrap_or_default();
    }
    if let Some(words) = words(fields) {
        let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
        return match words.as_slice() {
            [one] => one.clone(),
            _ => format!("one of {}", words.join(", ")),
        };
    }
    if let Some(alternatives) = alternatives(fields) {
        let mut all: Vec<String> = Vec::new();
        for schema in alternatives.iter().filter(|schema| !is_null(schema)) {
            // Bounds beside the alternatives hold for each.
            let mut schema = schema.clone();
            if let Some(inner) = schema.as_object_mut() {
                for key in ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"] {
                    if let Some(bound) = fields.get(key) {
                        inner.insert(key.to_owned(), bound.clone());
                    }
                }
            }
            let text = expected(&schema);
            if !all.contains(&text) {
                all.push(text);
            }
        }
        return all.join(", or ");
    }
    let types = types(schema);
    let has = |name: &str| types.contains(&name);
    if has("integer") {
        return format!("a whole number{}", range(fields));
    }
    if has("number") {
        return format!("a number{}", range(fields));
    }
    if has("boolean") {
        return "true or false".to_owned();
    }
    if has("string") {
        return "text in quotes".to_owned();
    }
    if has("array") {
        return match (fields.get("prefixItems"), fields.get("items")) {
            (Some(each), _) => format!("a list of {}", each.as_array().map_or(0, Vec::len)),
            (None, Some(items)) if items["type"] == "object" => "a list of tables".to_owned(),
            (None, Some(items)) => format!("a list, each {}", expected(items)),
            (None, None) => "a list".to_owned(),
        };
    }
    match has("object") {
        true => "a table".to_owned(),
        false => "a value".to_owned(),
    }
}

fn range(schema: &Map<String, Value>) -> String {
    let bound = |key: &str| schema.get(key).filter(|bound| bound.is_number()).map(plain);
    let least = (bound("minimum"), bound("exclusiveMinimum"));
    let most = (bound("maximum"), bound("exclusiveMaximum"));
    match (least, most) {
        ((Some(least), _), (Some(most), _)) => format!(" from {least} to {most}"),
        ((Some(least), _), (None, Some(most))) => format!(", {least} or more and below {most}"),
        ((Some(least), _), (None, None)) => format!(", {least} or more"),
        ((None, Some(least)), (Some(most), _)) => format!(" above {least} and up to {most}"),
        ((None, Some(least)), (None, Some(most))) => format!(" above {least} and below {most}"),
        ((None, Some(least)), (None, None)) => format!(" above {least}"),
        ((None, None), (Some(most), _)) => format!(", {most} or less"),
        ((None, None), (None, Some(most))) => format!(" below {most}"),
        ((None, None), (None, None)) => String::new(),
    }
}

/// A number without a decimal point where it has none.
fn plain(number: &Value) -> String {
    match number.as_f64() {
        Some(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        Some(number) => number.to_string(),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;

    #[derive(JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    #[allow(dead_code)]
    struct Example {
        #[schemars(range(min = 1))]
        k: usize,
        #[schemars(extend("exclusiveMinimum" = 0.0))]
        scale: f64,
        #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
        share: Option<f64>,
        #[schemars(with = "crate::OrAuto<usize>", extend("minimum" = 1))]
        components: Option<usize>,
        kernel: Kernel,
        names: Vec<String>,
    }

    impl Default for Example {
        fn default() -> Self {
            let kernel = Kernel::Linear;
            Self { k: 1, scale: 1.0, share: None, components: None, kernel, names: Vec::new() }
        }
    }

    #[derive(JsonSchema, serde::Serialize)]
    #[serde(rename_all = "kebab-case")]
    #[allow(dead_code)]
    enum Kernel {
        /// Products.
        Linear,
        /// Gaussian.
        Rbf,
    }

    fn said(text: &str) -> String {
        let (schema, written) = (crate::schema_of::<Example>(), crate::written(text).unwrap());
        match check(&written.settings, &schema, "example") {
            Ok(()) => "fine".to_owned(),
            Err(mistake) => format!("{}: {}", mistake.at, mistake.message),
        }
    }

    #[test]
    fn good_settings_pass() {
        for text in [
            "e",
            "e()",
            "e(k=3, scale=2, share=0.5, components=auto, kernel=rbf)",
            "e(components=4)",
            "e(names=[a, b])",
        ] {
            assert_eq!(said(text), "fine", "{text}");
        }
    }

    #[test]
    fn mistakes_say_what_was_expected_and_found_and_where() {
        assert_eq!(
            said("e(kk=3)"),
            "2: example: key `kk` is not known; did you mean `k`? (known: components, k, kernel, names, scale, share)"
        );
        assert_eq!(said("e(k=0)"), "4: k: expected a whole number, 1 or more, found 0");
        assert_eq!(said("e(k=three)"), "4: k: expected a whole number, 1 or more, found \"three\"");
        assert_eq!(said("e(scale=-1)"), "8: scale: expected a number above 0, found -1");
        assert_eq!(said("e(share=1)"), "8: share: expected a number above 0 and below 1, found 1");
        assert_eq!(
            said("e(components=many)"),
            "13: components: expected a whole number, 1 or more, or \"auto\", found \"many\""
        );
        assert_eq!(
            said("e(components=0)"),
            "13: components: expected a whole number, 1 or more, or \"auto\", found 0"
        );
        assert_eq!(
            said("e(kernel=rfb)"),
            "9: kernel = `rfb` is not known; did you mean `rbf`? (known: linear, rbf)"
        );
        assert_eq!(said("e(names=3)"), "8: names: expected a list, each text in quotes, found 3");
    }
}
