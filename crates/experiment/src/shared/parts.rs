//! Parts that several kinds of plan share.

use std::path::{Path, PathBuf};

use procrust_align::RowStep;
use procrust_datasets::WordSet;
use serde_json::Value;

use procrust_runner::{MethodRow, Place, PlanError, Role, Table, at_least_one, unknown};

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

    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let file = table.optional_text("file")?;
        let dataset = table.optional_text("dataset")?;
        let format = table.optional_text("format")?;
        match (file, dataset) {
            (Some(file), None) => {
                let path = procrust_runner::existing(folder, &file)?;
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
pub(crate) fn row_steps(table: &mut Table) -> Result<Vec<RowStep>, PlanError> {
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

pub use procrust_settings::Settings;

/// Something with settings that a table shows under a label.
pub trait Labelled {
    /// The name in plans and results.
    fn name(&self) -> &'static str;

    /// The settings, all of them, defaults included.
    fn settings(&self) -> Settings;

    /// What it is compared as.
    fn role(&self) -> Role {
        Role::Competitor
    }
}

/// Methods as tables and results name them.
pub(crate) fn method_rows<T: Labelled>(methods: &[T]) -> Vec<MethodRow> {
    let row = |(method, label): (&T, String)| MethodRow {
        label,
        name: method.name().to_owned(),
        settings: method.settings(),
        role: method.role(),
    };
    methods.iter().zip(labels(methods)).map(row).collect()
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

/// The methods of a plan, one for each combination of the settings that are lists, and where each stands.
pub(crate) fn methods<T: Labelled>(
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
pub(crate) fn all_different<T: Labelled>(
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
