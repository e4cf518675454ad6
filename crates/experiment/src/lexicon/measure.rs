//! Retrieval of translations, and what is measured of it.

use ndarray::{ArrayView1, ArrayView2, Axis};
use procrust_classify::statistics;
use procrust_neighbors::{
    ApproximateIndex, ApproximateSettings, Metric as Similarity, Neighbors, NeighborsError,
    csls_top_k, top_k,
};

use procrust_runner::{Finding, Metric, Outcome};

use super::pairs::Queries;
use crate::lexicon::{plan::Criterion, rank_metric::RankMetric};

/// How translations are looked for, and what is counted.
#[derive(Debug, Clone, Copy)]
pub struct Retrieval<'a> {
    /// How candidates are scored.
    pub criteria: &'a [Criterion],
    /// Neighbours in CSLS's means.
    pub csls_k: usize,
    /// What is counted.
    pub metrics: &'a [RankMetric],
}

impl Retrieval<'_> {
    /// Coverage, then the metrics under every criterion, of spaces that are mapped.
    ///
    /// Candidates are all target rows.
    #[must_use]
    pub fn measure(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        queries: &Queries,
    ) -> Vec<Finding> {
        let rows: Vec<usize> = queries.rows.iter().map(|(row, _)| *row).collect();
        let coverage = statistics::wilson(queries.rows.len(), queries.listed);
        let mut findings = vec![Finding {
            outcome: Outcome::measured(coverage, queries.listed),
            ..unmeasured(None, Metric::coverage())
        }];
        for &criterion in self.criteria {
            let found = match criterion {
                Criterion::Approximate => {
                    let asked = source.select(Axis(0), &rows);
                    self.approximate(asked.view(), target).map(|(found, recall)| {
                        findings.push(recall);
                        found
                    })
                }
                _ => self.answers(criterion, source, target, &rows),
            };
            for &metric in self.metrics {
                let mut finding = unmeasured(Some(criterion), Metric::quality(metric.to_string()));
                match &found {
                    Err(error) => finding.outcome = Outcome::Failed { error: error.to_string() },
                    Ok(found) => {
                        finding.items = values(metric, queries, found);
                        finding.outcome = summed_up(metric, &finding.items);
                    }
                }
                findings.push(finding);
            }
        }
        findings
    }

    /// Findings that say why there are no values.
    #[must_use]
    pub fn failed(&self, error: &str) -> Vec<Finding> {
        let every = self.criteria.iter().flat_map(|&c| self.metrics.iter().map(move |&m| (c, m)));
        every
            .map(|(criterion, metric)| Finding {
                outcome: Outcome::Failed { error: error.to_owned() },
                ..unmeasured(Some(criterion), Metric::quality(metric.to_string()))
            })
            .collect()
    }

    /// The best candidates of every query under one criterion.
    fn answers(
        &self,
        criterion: Criterion,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        queries: &[usize],
    ) -> Result<Neighbors, NeighborsError> {
        let most = self.most(target);
        match criterion {
            Criterion::Csls => csls_top_k(source, target, Some(queries), self.csls_k, most),
            _ => {
                let asked = source.select(Axis(0), queries);
                top_k(asked.view(), target, most, Similarity::Cosine)
            }
        }
    }

    /// The best candidates by cosine that an index finds, and the share of true ones among them.
    fn approximate(
        &self,
        asked: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<(Neighbors, Finding), NeighborsError> {
        let most = self.most(target);
        let index = ApproximateIndex::build(target, &ApproximateSettings::default())?;
        let found = index.top_k(asked, most)?;
        let recall = index.recall(asked, most, RECALL_QUERIES, 0)?;
        // Neighbours are the items.
        let of = recall.queries * recall.k;
        let right = (recall.value * of as f64).round() as usize;
        let finding = Finding {
            outcome: Outcome::measured(statistics::wilson(right, of), of),
            ..unmeasured(
                Some(Criterion::Approximate),
                Metric::quality(format!("index-recall@{most}")),
            )
        };
        Ok((found, finding))
    }

    /// How many candidates the metrics look at.
    fn most(&self, target: ArrayView2<'_, f32>) -> usize {
        let most = self.metrics.iter().map(|metric| metric.depth()).max().unwrap_or(1);
        most.min(target.nrows())
    }
}

/// Queries that are searched exactly as well, to measure what an index finds.
const RECALL_QUERIES: usize = 500;

fn unmeasured(criterion: Option<Criterion>, metric: Metric) -> Finding {
    let criterion = criterion.map(|criterion| criterion.name().to_owned());
    Finding { criterion, ..Finding::new(metric, Outcome::failed("")) }
}

/// A value for each query.
fn values(metric: RankMetric, queries: &Queries, found: &Neighbors) -> Vec<f32> {
    let answers = found.indices.outer_iter();
    let value = |((_, right), answers): (&(usize, Vec<usize>), ArrayView1<'_, u32>)| {
        let hits: Vec<bool> = answers.iter().map(|&a| right.contains(&(a as usize))).collect();
        metric.of(&hits, right.len())
    };
    queries.rows.iter().zip(answers).map(value).collect()
}

/// The mean over queries, with an interval over them.
fn summed_up(metric: RankMetric, items: &[f32]) -> Outcome {
    let n = items.len();
    if let RankMetric::Precision(_) = metric {
        let right = items.iter().filter(|&&hit| hit > 0.0).count();
        return Outcome::measured(statistics::wilson(right, n), n);
    }
    let wide: Vec<f64> = items.iter().map(|&item| f64::from(item)).collect();
    Outcome::measured(statistics::bootstrap_mean(&wide, 0), n)
}
