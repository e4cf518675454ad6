use std::{fmt, ops::Deref, sync::Arc};

use serde_json::{Map, Value};

/// Settings as they stand in results: all of them, defaults included.
pub type Settings = Map<String, Value>;

/// A member of a family with its settings, ready to be used: it dereferences to the family's trait object.
pub struct Choice<T: ?Sized> {
    name: &'static str,
    settings: Settings,
    object: Arc<T>,
}

impl<T: ?Sized> Choice<T> {
    pub(crate) fn new(name: &'static str, settings: Settings, object: Arc<T>) -> Self {
        Self { name, settings, object }
    }

    /// Settings as a member of a family: `wrap` makes the family's trait object of them.
    #[must_use]
    pub fn of<M: crate::Declared>(settings: M, wrap: fn(M) -> Arc<T>) -> Self {
        crate::family::choice(settings, wrap)
    }

    /// The name in plan files and results.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The settings, all of them, defaults included.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The object itself.
    #[must_use]
    pub fn object(&self) -> &Arc<T> {
        &self.object
    }

    /// The same choice behind another trait object.
    #[must_use]
    pub fn map<U: ?Sized>(self, wrap: impl FnOnce(Arc<T>) -> Arc<U>) -> Choice<U> {
        Choice { name: self.name, settings: self.settings, object: wrap(self.object) }
    }
}

impl<T: ?Sized> Deref for Choice<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T: ?Sized> Clone for Choice<T> {
    fn clone(&self) -> Self {
        Self { name: self.name, settings: self.settings.clone(), object: Arc::clone(&self.object) }
    }
}

impl<T: ?Sized> PartialEq for Choice<T> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.settings == other.settings
    }
}

impl<T: ?Sized> fmt::Debug for Choice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// `name(key=value, …)`, which [`Family::written`](crate::Family::written) reads again.
impl<T: ?Sized> fmt::Display for Choice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        for (at, (key, value)) in self.settings.iter().enumerate() {
            f.write_str(if at == 0 { "(" } else { ", " })?;
            write!(f, "{key}={value}")?;
        }
        if self.settings.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

/// A label for each: the name, and the settings that tell it from others of the same name.
#[must_use]
pub fn labels<T: ?Sized>(choices: &[Choice<T>]) -> Vec<String> {
    let label = |item: &Choice<T>| {
        let differing = item.settings.iter().filter(|(key, value)| {
            let same_name = choices.iter().filter(|other| other.name == item.name);
            same_name.into_iter().any(|other| other.settings.get(*key) != Some(value))
        });
        let settings: Vec<String> = differing
            .map(|(key, value)| match (key.as_str(), value) {
                ("regularization" | "l2", Value::Number(number)) => {
                    format!("λ={}", number.as_f64().unwrap_or(f64::NAN))
                }
                (_, Value::String(text)) => text.clone(),
                (key, value) => format!("{key}={value}"),
            })
            .collect();
        match settings.is_empty() {
            true => item.name.to_owned(),
            false => format!("{} {}", item.name, settings.join(" ")),
        }
    };
    choices.iter().map(label).collect()
}
