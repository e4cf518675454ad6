//! Plans of kind `adaptation`: labelled source, unlabelled target.

use std::{path::Path, sync::Arc};

use procrust_classify::{
    Classifier, classifiers,
    metrics::{Accuracy, ClassMetric, class_metrics},
};
use procrust_runner::{PlanError, Table, unknown};
use procrust_settings::Choice;

use super::{
    data::{DataPlan, DomainSource, SplitPlan, pairs},
    method::Adapt,
    methods::adaptation_methods,
};
use crate::shared::encoder::EncoderPlan;

/// Accuracy as a metric of plans.
pub(crate) fn accuracy() -> Choice<dyn ClassMetric> {
    Choice::of(Accuracy::default(), |metric| Arc::new(metric))
}

/// An experiment with labelled source rows and unlabelled target rows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AdaptationPlan {
    /// The domains, at least two, and their pairs.
    pub data: DataPlan,
    /// Which rows runs train on, see and test.
    pub split: SplitPlan,
    /// What is measured.
    pub metrics: Vec<Choice<dyn ClassMetric>>,
    /// The classifiers.
    pub classifiers: Vec<Choice<dyn Classifier>>,
    /// The methods.
    pub methods: Vec<Choice<dyn Adapt>>,
}

impl AdaptationPlan {
    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        Self::parse_encoded(folder, table, None)
    }

    /// With an encoder from elsewhere in place of the table `[sentences]`.
    pub(crate) fn parse_encoded(
        folder: &Path,
        table: &mut Table,
        encoder: Option<EncoderPlan>,
    ) -> Result<Self, PlanError> {
        let mut data = DataPlan::parse_encoded(folder, table, encoder)?;
        if data.domains.len() < 2 {
            return Err(table.error("expected at least two [[domain]] tables, found one"));
        }
        data.pairs = pairs(table, &data.domains)?;
        data.repeat_by_descriptor();
        let split = SplitPlan {
            train_rows: table.count("train_rows", 2)?,
            target_labels: table.count("target_labels", 1)?,
            test_share: table.share("test_share")?,
            time_apply: false,
        };
        let split_twice = data.domains.iter().find(|domain| {
            split.test_share.is_some()
                && matches!(domain.source, DomainSource::File { test: Some(_), .. })
        });
        if let Some(domain) = split_twice {
            let message =
                format!("`{}` has a file for the test: without `test_share`", domain.name);
            return Err(domain.place.error(message));
        }
        let chosen = table.choices("classifier", &classifiers(), "the classifier")?;
        let classifiers: Vec<_> = chosen.into_iter().map(|(classifier, _)| classifier).collect();
        let metrics = metrics(table, &classifiers)?;
        let chosen = table.choices(
            "method",
            &adaptation_methods(),
            "for kind = \"adaptation\" the method",
        )?;
        let methods = chosen.into_iter().map(|(method, _)| method).collect();
        Ok(Self { data, split, metrics, classifiers, methods })
    }
}

fn metrics(
    table: &mut Table,
    classifiers: &[Choice<dyn Classifier>],
) -> Result<Vec<Choice<dyn ClassMetric>>, PlanError> {
    let Some(named) = table.texts("metrics")? else { return Ok(vec![accuracy()]) };
    let family = class_metrics();
    let mut metrics: Vec<Choice<dyn ClassMetric>> = Vec::with_capacity(named.len());
    for (name, place) in named {
        if family.get(&name).is_none() {
            return Err(place.error(unknown("metric", &name, &family.names())));
        }
        let metric = family.named(&name).map_err(|mistake| place.error(mistake.message))?;
        if metrics.contains(&metric) {
            return Err(place.error(format!("the metric `{name}` stands twice")));
        }
        let without = classifiers.iter().find(|classifier| !classifier.gives_probabilities());
        if let Some(classifier) = without.filter(|_| metric.needs_probabilities()) {
            let classifier = classifier.name();
            let message = format!("`{name}` needs probabilities, and `{classifier}` has none");
            return Err(place.error(message));
        }
        metrics.push(metric);
    }
    if metrics.is_empty() {
        return Err(table.error("metrics: the list is empty"));
    }
    Ok(metrics)
}
