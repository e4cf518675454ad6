//! Plans of kind `qa` that look for a sentence.

use std::path::{Path, PathBuf};

use procrust_runner::{Place, PlanError, Role, Table, at_least_one, unknown};
use serde_json::json;

use crate::shared::{
    encoder::EncoderPlan,
    encoders::{encoders, file_or_dataset},
    parts::{Labelled, Settings, all_different},
};

/// Questions over passages.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct QaPlan {
    /// The passages and questions; those that ship when `None`.
    pub file: Option<PathBuf>,
    /// The encoders, the one to compare with first.
    pub encoders: Vec<EncoderPlan>,
    /// What is asked of their rows.
    pub methods: Vec<QaMethod>,
    /// Parts of the passages; a head is trained on all but the one that it is tested on.
    pub folds: usize,
}

/// How a sentence is found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum QaMethod {
    /// The sentence whose row has the largest cosine with the question's.
    Cosine,
    /// A bilinear head between them, which starts as the cosine and is trained on other passages.
    Head {
        /// The weight of its distance from there.
        l2: f64,
    },
}

impl Labelled for QaMethod {
    /// The cosine is what heads are compared with.
    fn role(&self) -> Role {
        match self {
            Self::Cosine => Role::Baseline,
            Self::Head { .. } => Role::Competitor,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Head { .. } => "head",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        if let Self::Head { l2 } = self {
            settings.insert("l2".into(), json!(l2));
        }
        settings
    }
}

impl QaPlan {
    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        Ok(Self {
            file: file_or_dataset(folder, table, "passages")?,
            encoders: encoders(folder, table)?,
            methods: methods(table)?,
            folds: table.count("folds", 2)?.unwrap_or(5),
        })
    }
}

fn methods(table: &mut Table) -> Result<Vec<QaMethod>, PlanError> {
    let tables = table.tables("method")?;
    at_least_one(table, &tables, "method")?;
    let places: Vec<Place> = tables.iter().map(Table::place).collect();
    let mut methods = Vec::new();
    for mut table in tables {
        let (name, place) = table.text("name")?;
        methods.push(match name.as_str() {
            "cosine" => QaMethod::Cosine,
            "head" => QaMethod::Head { l2: table.number("l2", 1e-9)?.unwrap_or(0.1) },
            other => {
                let known = ["cosine", "head"];
                return Err(place.error(unknown("for kind = \"qa\" the method", other, &known)));
            }
        });
        table.finish()?;
    }
    all_different(&methods, &places, "method")?;
    Ok(methods)
}
