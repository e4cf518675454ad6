//! Schemas of settings, and tables of them for documentation.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use crate::check::expected;

/// The JSON schema of a type, with everything that it refers to written out in place.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if schema["type"] == "null" {
        // A unit struct: settings without keys.
        schema["type"] = json!("object");
        schema["properties"] = json!({});
        schema["additionalProperties"] = json!(false);
    }
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("title");
    }
    schema
}

/// The first paragraph of a schema's documentation, on one line and without links.
#[must_use]
pub fn summary_of(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let line = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace("[`", "`").replace("`]", "`")
}

/// One setting, for a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// The key.
    pub key: String,
    /// What the key takes: `a whole number, 1 or more`.
    pub takes: String,
    /// The default as a plan file writes it; `None` where there is none.
    pub default: Option<String>,
    /// What the setting does.
    pub about: String,
}

/// The settings of a schema, by key.
#[must_use]
pub fn setting_rows(schema: &Value) -> Vec<SettingRow> {
    let default = |key: &str, property: &Value| {
        let own = property.get("default");
        let value = own.or_else(|| schema.get("default").and_then(|all| all.get(key)));
        value.filter(|value| !value.is_null()).map(Value::to_string)
    };
    let row = |(key, property): (&String, &Value)| SettingRow {
        key: key.clone(),
        takes: expected(property),
        default: default(key, property),
        about: summary_of(property),
    };
    let alternatives = schema.get("oneOf").and_then(Value::as_array);
    let schemas = alternatives.map_or_else(|| vec![schema], |all| all.iter().collect());
    let mut rows: Vec<SettingRow> = Vec::new();
    for properties in schemas.iter().filter_map(|schema| schema["properties"].as_object()) {
        for found in properties.iter().map(row) {
            match rows.iter_mut().find(|row| row.key == found.key) {
                None => rows.push(found),
                Some(known) if known.takes != found.takes => {
                    known.takes = format!("{}, or {}", known.takes, found.takes);
                }
                Some(_) => {}
            }
        }
    }
    rows
}

/// The settings of a schema as a Markdown table; one sentence where there are none.
#[must_use]
pub fn markdown_table(schema: &Value) -> String {
    let rows = setting_rows(schema);
    if rows.is_empty() {
        return "There are no settings.\n".to_owned();
    }
    let mut text = "| key | default | range | meaning |\n|---|---|---|---|\n".to_owned();
    for row in rows {
        let default = row.default.map_or_else(|| "—".to_owned(), |value| format!("`{value}`"));
        let cell = |text: &str| text.replace('|', "\\|");
        text.push_str(&format!(
            "| `{}` | {default} | {} | {} |\n",
            row.key,
            cell(&row.takes),
            cell(&row.about)
        ));
    }
    text
}
