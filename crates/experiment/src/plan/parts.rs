//! Parts that several kinds of plan share.

use std::path::{Path, PathBuf};

use procrust_align::{Regularization, RowStep};
use procrust_datasets::WordSet;
use serde_json::{Map, Value, json};

use super::{
    at_least_one,
    toml_table::{Place, PlanError, Source, Table, unknown},
};

/// What is done to each column after the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Columns {
    /// Nothing.
    #[default]
    None,
    /// Centred, then divided by the standard deviation.
    ZScore,
}

/// Where word vectors come from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum WordSource {
    /// A file, with the format if the plan names it.
    File {
        /// Where it is.
        path: PathBuf,
        /// Its format; found out from the content when `None`.
        format: Option<procrust_words::Format>,
    },
    /// Vectors that ship with Procrust.
    Shipped(WordSet),
}

impl WordSource {
    /// The name that a space has when the plan gives it none.
    #[must_use]
    pub fn default_name(&self) -> String {
        match self {
            Self::File { path, .. } => path
                .file_name()
                .map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned()),
            Self::Shipped(set) => set.name().to_owned(),
        }
    }

    pub(super) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let file = table.optional_text("file")?;
        let dataset = table.optional_text("dataset")?;
        let format = table.optional_text("format")?;
        match (file, dataset) {
            (Some(file), None) => {
                let path = super::existing(folder, &file)?;
                let format = format.map(|(name, place)| {
                    name.parse().map_err(|error| place.error(format!("format: {error}")))
                });
                Ok(Self::File { path, format: format.transpose()? })
            }
            (None, Some((name, place))) => {
                if let Some((_, place)) = format {
                    return Err(place.error("format goes with `file`, not with `dataset`"));
                }
                let known: Vec<&str> = WordSet::ALL.iter().map(|set| set.name()).collect();
                let set = WordSet::ALL.iter().find(|set| set.name() == name);
                set.map(|&set| Self::Shipped(set))
                    .ok_or_else(|| place.error(unknown("dataset", &name, &known)))
            }
            _ => Err(table.error("expected either `file` or `dataset`")),
        }
    }
}

/// `[prepare] rows`, in order.
pub(super) fn row_steps(table: &mut Table) -> Result<Vec<RowStep>, PlanError> {
    let steps = table.texts("rows")?.unwrap_or_default();
    steps
        .into_iter()
        .map(|(step, place): (String, Place)| {
            step.parse().map_err(|_| {
                place.error(unknown("rows: step", &step, &["l1", "l2", "unit", "center"]))
            })
        })
        .collect()
}

/// A method's settings as they stand in results.
pub type Settings = Map<String, Value>;

/// Something with settings that a table shows under a label.
pub trait Labelled {
    /// The name in plans and results.
    fn name(&self) -> &'static str;

    /// The settings, all of them, defaults included.
    fn settings(&self) -> Settings;
}

/// A label for each: the name, and whatever settings tell it from others of the same name.
pub(crate) fn labels<T: Labelled>(items: &[T]) -> Vec<String> {
    let label = |item: &T| {
        let settings = item.settings();
        let differing = settings.iter().filter(|(key, value)| {
            let same_name = items.iter().filter(|other| other.name() == item.name());
            same_name.into_iter().any(|other| other.settings().get(*key) != Some(value))
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
            true => item.name().to_owned(),
            false => format!("{} {}", item.name(), settings.join(" ")),
        }
    };
    items.iter().map(label).collect()
}

/// Every method of a kind by its name: with its defaults, or with the settings that `set` gives it, keys
/// as in a plan's `[[method]]`; one for each combination of those that are lists.
pub(super) fn every<T>(
    names: &[&str],
    set: impl Fn(&str) -> String,
    parse: impl Fn(Table) -> Result<T, PlanError>,
) -> Vec<T> {
    let of_name = |name: &&str| {
        let text = format!("name = \"{name}\"\n{}", set(name));
        let table = Source::new(Path::new("methods"), &text).parse();
        let tables = table.and_then(Table::combinations).expect("the settings are TOML");
        tables.into_iter().map(&parse).collect::<Result<Vec<T>, _>>()
    };
    names.iter().flat_map(|name| of_name(name).expect("the settings suit the method")).collect()
}

/// The methods of a plan, one for each combination of the settings that are lists, and where each stands.
pub(super) fn methods<T: Labelled>(
    table: &mut Table,
    parse: impl Fn(Table) -> Result<T, PlanError>,
) -> Result<(Vec<T>, Vec<Place>), PlanError> {
    let tables = table.tables("method")?;
    at_least_one(table, &tables, "method")?;
    let (mut methods, mut places) = (Vec::new(), Vec::new());
    for table in tables {
        let place = table.place();
        for table in table.combinations()? {
            methods.push(parse(table)?);
            places.push(place.clone());
        }
    }
    all_different(&methods, &places, "method")?;
    Ok((methods, places))
}

/// An error where two entries are the same in every setting.
pub(super) fn all_different<T: Labelled>(
    items: &[T],
    places: &[Place],
    what: &str,
) -> Result<(), PlanError> {
    for (i, item) in items.iter().enumerate() {
        let same = |other: &T| other.name() == item.name() && other.settings() == item.settings();
        if items[..i].iter().any(same) {
            let message = format!("the {what} `{}` stands twice with equal settings", item.name());
            return Err(places[i].error(message));
        }
    }
    Ok(())
}

pub(super) fn regularization_setting(regularization: Regularization) -> Value {
    match regularization {
        Regularization::Fixed(lambda) => json!(lambda),
        Regularization::LedoitWolf => json!("ledoit-wolf"),
    }
}

pub(super) fn regularization(table: &mut Table) -> Result<Regularization, PlanError> {
    Ok(match table.number_or_word("regularization", "ledoit-wolf")? {
        Some(Some(lambda)) => Regularization::Fixed(lambda),
        Some(None) => Regularization::LedoitWolf,
        None => Regularization::Fixed(1.0),
    })
}
