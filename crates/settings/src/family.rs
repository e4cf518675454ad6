use std::{borrow::Cow, sync::Arc};

use serde_json::{Value, json};

use crate::{
    Choice, Declared, Mistake, Node, NodeKind, Settings, check,
    check::{SWEEP, WHAT},
    grammar::{scalar, written},
    schema_of, summary_of, unknown,
};

/// The largest number of combinations that lists of settings may make.
const MOST_COMBINATIONS: usize = 1000;

type Read<T> = dyn Fn(Settings) -> Result<Choice<T>, String> + Send + Sync;
type Forms<T> = dyn Fn() -> Vec<Choice<T>> + Send + Sync;

/// A member of a family: its declaration, and how its settings become the trait object.
pub struct Entry<T: ?Sized> {
    name: &'static str,
    schema: Value,
    read: Arc<Read<T>>,
    forms: Arc<Forms<T>>,
}

impl<T: ?Sized> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            schema: self.schema.clone(),
            read: Arc::clone(&self.read),
            forms: Arc::clone(&self.forms),
        }
    }
}

impl<T: ?Sized + 'static> Entry<T> {
    /// An entry for settings that `wrap` turns into the family's trait object.
    #[must_use]
    pub fn new<M: Declared>(wrap: fn(M) -> Arc<T>) -> Self {
        let choose = move |settings: M| choice(settings, wrap);
        let schema = schema_of::<M>();
        // The key that tells alternatives apart may be left out; serde needs it.
        let default = schema.get("oneOf").and_then(|_| schema["default"].as_object());
        let default = default.cloned().unwrap_or_default();
        let is_unit = serde_json::from_value::<M>(Value::Null).is_ok();
        let read = move |settings: Settings| {
            let value = match is_unit && settings.is_empty() {
                true => Value::Null,
                false => {
                    let mut all = default.clone();
                    all.extend(settings);
                    Value::Object(all)
                }
            };
            let settings: M = serde_json::from_value(value).map_err(|error| error.to_string())?;
            settings.check()?;
            Ok(choose(settings))
        };
        let forms = move || M::forms().into_iter().map(choose).collect();
        Self { name: M::NAME, schema, read: Arc::new(read), forms: Arc::new(forms) }
    }

    /// The name in plan files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        summary_of(&self.schema)
    }

    /// The JSON schema of its settings, without the name.
    #[must_use]
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// The same entry behind another trait object.
    #[must_use]
    pub fn map<U: ?Sized + 'static>(
        self,
        wrap: impl Fn(Arc<T>) -> Arc<U> + Clone + Send + Sync + 'static,
    ) -> Entry<U> {
        let (read, forms, wrap_form) = (self.read, self.forms, wrap.clone());
        Entry {
            name: self.name,
            schema: self.schema,
            read: Arc::new(move |settings| Ok(read(settings)?.map(wrap.clone()))),
            forms: Arc::new(move || {
                forms().into_iter().map(|choice| choice.map(wrap_form.clone())).collect()
            }),
        }
    }
}

/// Settings as a member of a family.
pub(crate) fn choice<M: Declared, T: ?Sized>(settings: M, wrap: fn(M) -> Arc<T>) -> Choice<T> {
    let full = match serde_json::to_value(&settings) {
        Ok(Value::Object(full)) => full,
        _ => Settings::new(),
    };
    let full = full.into_iter().filter(|(_, value)| !value.is_null()).collect();
    Choice::new(M::NAME, full, wrap(settings))
}

/// All members of a family behind one trait, in the order of its list.
pub struct Family<T: ?Sized> {
    what: Cow<'static, str>,
    entries: Vec<Entry<T>>,
}

impl<T: ?Sized> Clone for Family<T> {
    fn clone(&self) -> Self {
        Self { what: self.what.clone(), entries: self.entries.clone() }
    }
}

impl<T: ?Sized + 'static> Family<T> {
    /// A family of these members; `what` is the word for a member in messages: `method`, `classifier`.
    #[must_use]
    pub fn new(
        what: impl Into<Cow<'static, str>>,
        entries: impl IntoIterator<Item = Entry<T>>,
    ) -> Self {
        Self { what: what.into(), entries: entries.into_iter().collect() }
    }

    /// The members behind another trait object.
    #[must_use]
    pub fn map<U: ?Sized + 'static>(
        self,
        wrap: impl Fn(Arc<T>) -> Arc<U> + Clone + Send + Sync + 'static,
    ) -> Family<U> {
        let entries = self.entries.into_iter().map(|entry| entry.map(wrap.clone())).collect();
        Family { what: self.what, entries }
    }

    /// The members of both, this family's first.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self
    }

    /// The word for a member in messages.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The members.
    #[must_use]
    pub fn entries(&self) -> &[Entry<T>] {
        &self.entries
    }

    /// The names of all members.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.entries.iter().map(Entry::name).collect()
    }

    /// The member of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Entry<T>> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Every member in each of its forms: what benchmarks and law tests run.
    #[must_use]
    pub fn every(&self) -> Vec<Choice<T>> {
        self.entries.iter().flat_map(|entry| (entry.forms)()).collect()
    }

    /// A member with its defaults.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] when there is no such name or the member has a setting without a default.
    pub fn named(&self, name: &str) -> Result<Choice<T>, Mistake> {
        self.with_pairs(name, &[])
    }

    /// A member as written in a line, `name(key=value, …)`.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] with its position in the text.
    pub fn written(&self, text: &str) -> Result<Choice<T>, Mistake> {
        let written = written(text)?;
        self.read(&written.name.name, written.name.span.start, &written.settings)
    }

    /// A member by its name and `key`, `value` pairs, as the command line gives them.
    ///
    /// # Errors
    ///
    /// A [`Mistake`]; its position says nothing.
    pub fn with_pairs(&self, name: &str, pairs: &[(String, String)]) -> Result<Choice<T>, Mistake> {
        let key = |name: &str| crate::Key { span: 0..0, name: name.to_owned() };
        let entry = |(name, value): &(String, String)| {
            (key(name), Node { span: 0..0, kind: scalar(value) })
        };
        let table = NodeKind::Table(pairs.iter().map(entry).collect());
        self.read(name, 0, &Node { span: 0..0, kind: table })
    }

    fn read(&self, name: &str, at: usize, settings: &Node) -> Result<Choice<T>, Mistake> {
        let entry = self.get(name).ok_or_else(|| {
            Mistake::new(at, unknown(&format!("the {}", self.what), name, &self.names()))
        })?;
        check(settings, &entry.schema, name)?;
        let Value::Object(fields) = settings.to_json() else {
            return Err(Mistake::new(at, format!("{name}: expected a table of settings")));
        };
        (entry.read)(fields).map_err(|message| Mistake::new(at, format!("{name}: {message}")))
    }

    /// The members that a table of a plan names: one per combination of the settings that are lists; the first such
    /// key of the table changes slowest. `what` begins the message about an unknown name: `the method`.
    ///
    /// # Errors
    ///
    /// The first [`Mistake`], with its position.
    pub fn choices(&self, table: &Node, what: &str) -> Result<Vec<Choice<T>>, Mistake> {
        check(table, &self.schema(what), &format!("[[{}]]", self.what))?;
        let named = table.get("name");
        let name = named.and_then(Node::as_text).unwrap_or_default();
        let at = named.map_or(table.span.start, |name| name.span.start);
        let properties = self.get(name).map(|entry| &entry.schema["properties"]);
        let settings = table.without(&["name"]);
        let mut combinations = vec![settings.clone()];
        for (key, value) in settings.entries() {
            let property = properties.map(|all| &all[&key.name]);
            let NodeKind::List(items) = &value.kind else { continue };
            if property.is_some_and(takes_list) {
                continue;
            }
            if combinations.len().saturating_mul(items.len()) > MOST_COMBINATIONS {
                let message = format!(
                    "{}: the lists make more than {MOST_COMBINATIONS} combinations",
                    key.name
                );
                return Err(Mistake::new(value.span.start, message));
            }
            combinations = combinations
                .iter()
                .flat_map(|table| items.iter().map(|item| with(table, &key.name, item)))
                .collect();
        }
        combinations.iter().map(|settings| self.read(name, at, settings)).collect()
    }

    /// The JSON schema of a table that names a member: `name`, and its settings, each a value or a list of values.
    /// `what` begins the message about an unknown name: `for kind = "lexicon" the method`.
    #[must_use]
    pub fn schema(&self, what: &str) -> Value {
        let alternatives: Vec<Value> = self.entries.iter().map(alternative).collect();
        json!({ "oneOf": alternatives, WHAT: what })
    }
}

/// The table that names this member.
fn alternative<T: ?Sized>(entry: &Entry<T>) -> Value {
    // Settings that one key tells apart are alternatives themselves; their union serves editors, and `read` checks
    // the combination.
    let nested = entry.schema.get("oneOf").and_then(Value::as_array);
    let schemas = nested.map_or_else(|| vec![&entry.schema], |all| all.iter().collect());
    let mut properties = Settings::new();
    let mut required = Vec::new();
    for schema in &schemas {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            properties.entry(key.clone()).or_insert_with(|| swept(property));
        }
        if nested.is_none() {
            required.extend(schema["required"].as_array().into_iter().flatten().cloned());
        }
    }
    if let Some(nested) = nested {
        merge_constants(&mut properties, nested);
    }
    properties.insert("name".into(), json!({ "const": entry.name }));
    required.push(json!("name"));
    json!({
        "title": entry.name,
        "description": summary_of(&entry.schema),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// The key that tells nested alternatives apart takes any of their words.
fn merge_constants(properties: &mut Settings, nested: &[Value]) {
    for (key, property) in properties.iter_mut() {
        let words: Vec<&Value> =
            nested.iter().filter_map(|schema| schema["properties"][key].get("const")).collect();
        if words.len() == nested.len() {
            *property = swept(&json!({ "enum": words }));
        }
    }
}

/// The schema of a setting that may be a list of values, one run each.
fn swept(property: &Value) -> Value {
    if takes_list(property) {
        return property.clone();
    }
    let mut schema = json!({
        "anyOf": [property, { "type": "array", "items": property, "minItems": 1 }],
        SWEEP: true,
    });
    for key in ["description", "default"] {
        if let Some(value) = property.get(key) {
            schema[key] = value.clone();
        }
    }
    schema
}

/// Whether a list is one value of this setting.
fn takes_list(property: &Value) -> bool {
    let is_list = |schema: &Value| match &schema["type"] {
        Value::String(one) => one == "array",
        Value::Array(all) => all.iter().any(|one| one == "array"),
        _ => false,
    };
    let alternatives = property.get("anyOf").or_else(|| property.get("oneOf"));
    is_list(property)
        || alternatives.and_then(Value::as_array).is_some_and(|all| all.iter().any(is_list))
}

/// The table with another value under a key.
fn with(table: &Node, key: &str, value: &Node) -> Node {
    let entry = |(known, old): &(crate::Key, Node)| {
        let value = if known.name == key { value.clone() } else { old.clone() };
        (known.clone(), value)
    };
    let entries = table.entries().iter().map(entry).collect();
    Node { span: table.span.clone(), kind: NodeKind::Table(entries) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare;

    trait Say: Send + Sync {
        fn say(&self) -> String;
    }

    /// Says a number.
    ///
    /// More about it.
    #[derive(
        Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
    )]
    #[serde(default, deny_unknown_fields)]
    struct Number {
        /// Which one.
        #[schemars(range(min = 1))]
        k: usize,
        /// Dimensions.
        #[serde(with = "crate::or_auto")]
        #[schemars(with = "crate::OrAuto<usize>", extend("minimum" = 1))]
        components: Option<usize>,
        /// Left out of results where it is not set.
        share: Option<f64>,
    }

    impl Default for Number {
        fn default() -> Self {
            Self { k: 7, components: None, share: None }
        }
    }

    declare!(Number, "number");

    impl Say for Number {
        fn say(&self) -> String {
            format!("{} {:?}", self.k, self.components)
        }
    }

    /// Says nothing.
    #[derive(
        Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
    )]
    struct Silent;

    declare!(Silent, "silent");

    impl Say for Silent {
        fn say(&self) -> String {
            String::new()
        }
    }

    /// Needs a word that is one of two.
    #[derive(
        Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
    )]
    #[serde(tag = "kernel", rename_all = "kebab-case", deny_unknown_fields)]
    #[schemars(extend("default" = {"kernel": "linear"}))]
    enum Machine {
        /// Products.
        Linear {
            /// Cost.
            #[serde(default)]
            c: f64,
        },
        /// Gaussian.
        Rbf {
            /// Cost.
            #[serde(default)]
            c: f64,
            /// Width.
            #[serde(default)]
            gamma: f64,
        },
    }

    declare!(Machine, "machine", [Self::Linear { c: 1.0 }]);

    impl Say for Machine {
        fn say(&self) -> String {
            format!("{self:?}")
        }
    }

    fn family() -> Family<dyn Say> {
        Family::new(
            "method",
            [
                Entry::new(|settings: Number| Arc::new(settings) as Arc<dyn Say>),
                Entry::new(|settings: Silent| Arc::new(settings) as Arc<dyn Say>),
                Entry::new(|settings: Machine| Arc::new(settings) as Arc<dyn Say>),
            ],
        )
    }

    #[test]
    fn settings_are_complete_and_named() {
        let chosen = family().written("number(k=3)").unwrap();
        assert_eq!(chosen.say(), "3 None");
        assert_eq!(chosen.settings(), json!({"k": 3, "components": "auto"}).as_object().unwrap());
        assert_eq!(chosen.to_string(), "number(components=\"auto\", k=3)");
        assert_eq!(family().written(&chosen.to_string()).unwrap(), chosen);
        assert!(family().written("silent").unwrap().settings().is_empty());
        let said = family().written("silent(k=1)").unwrap_err().message;
        assert_eq!(said, "silent: key `k` is not known (known: )");
        let said = family().written("numbr").unwrap_err().message;
        assert!(said.contains("the method `numbr` is not known; did you mean `number`?"), "{said}");
    }

    #[test]
    fn nested_alternatives_have_a_default_and_their_own_keys() {
        let said = |text: &str| match family().written(text) {
            Ok(chosen) => chosen.say(),
            Err(mistake) => mistake.message,
        };
        assert_eq!(said("machine(kernel=rbf, c=2, gamma=1)"), "Rbf { c: 2.0, gamma: 1.0 }");
        assert_eq!(said("machine(c=2)"), "Linear { c: 2.0 }");
        let unknown = said("machine(kernel=linear, gamma=1)");
        assert!(unknown.contains("key `gamma` is not known"), "{unknown}");
    }

    #[test]
    fn lists_make_combinations_in_the_order_of_the_table() {
        let number = |value| Node { span: 0..0, kind: NodeKind::Integer(value) };
        let key = |name: &str| crate::Key { span: 0..0, name: name.to_owned() };
        let text = |text: &str| Node { span: 0..0, kind: NodeKind::Text(text.to_owned()) };
        let list = |items| Node { span: 0..0, kind: NodeKind::List(items) };
        let table = Node {
            span: 0..0,
            kind: NodeKind::Table(vec![
                (key("name"), text("number")),
                (key("k"), list(vec![number(1), number(2)])),
                (key("components"), list(vec![text("auto"), number(5)])),
            ]),
        };
        let said: Vec<String> = family()
            .choices(&table, "the method")
            .unwrap()
            .iter()
            .map(|choice| choice.say())
            .collect();
        assert_eq!(said, ["1 None", "1 Some(5)", "2 None", "2 Some(5)"]);
    }

    #[test]
    fn every_member_runs_in_its_forms() {
        let names: Vec<&str> = family().every().iter().map(Choice::name).collect();
        assert_eq!(names, ["number", "silent", "machine"]);
        assert_eq!(family().entries()[0].summary(), "Says a number.");
    }
}
