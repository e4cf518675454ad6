//! Lists of encoders in plans, and methods beside them.

use std::path::{Path, PathBuf};

use procrust_runner::{MethodRow, Place, PlanError, Role, Table, at_least_one, existing, unknown};
use serde_json::json;

use super::{
    encoder::EncoderPlan,
    parts::{Labelled, all_different, labels},
};

/// Every method with every encoder. The label of a baseline is that of its encoder alone.
pub(crate) fn beside(encoders: &[EncoderPlan], methods: &[MethodRow]) -> Vec<MethodRow> {
    let mut all = Vec::new();
    for (encoder, of_encoder) in encoders.iter().zip(labels(encoders)) {
        for method in methods {
            let mut settings = method.settings.clone();
            settings.insert("encoder".into(), json!(encoder.name()));
            settings.extend(encoder.settings());
            // Every encoder has the baseline: none of them is the baseline of all.
            let (label, role) = match method.role {
                Role::Baseline => (of_encoder.clone(), Role::Competitor),
                role => (format!("{of_encoder} + {}", method.label), role),
            };
            all.push(MethodRow { label, name: method.name.clone(), settings, role });
        }
    }
    all
}

pub(crate) fn encoders(folder: &Path, table: &mut Table) -> Result<Vec<EncoderPlan>, PlanError> {
    let tables = table.tables("encoder")?;
    at_least_one(table, &tables, "encoder")?;
    let places: Vec<Place> = tables.iter().map(Table::place).collect();
    let parse = |table| EncoderPlan::parse(folder, table);
    let encoders = tables.into_iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    all_different(&encoders, &places, "encoder")?;
    Ok(encoders)
}

/// `file`, or `dataset` with the only name that it may have.
pub(crate) fn file_or_dataset(
    folder: &Path,
    table: &mut Table,
    dataset: &str,
) -> Result<Option<PathBuf>, PlanError> {
    match (table.optional_text("file")?, table.optional_text("dataset")?) {
        (Some(file), None) => existing(folder, &file).map(Some),
        (None, Some((name, _))) if name == dataset => Ok(None),
        (None, Some((name, place))) => Err(place.error(unknown("dataset", &name, &[dataset]))),
        _ => Err(table.error("expected either `file` or `dataset`")),
    }
}
