use ndarray::{ArrayView1, ArrayView2, Axis};
use procrust_classify::statistics;
use procrust_neighbors::{Metric, Neighbors, NeighborsError, csls_top_k, top_k};

use super::Queries;
use crate::{plan::Criterion, results::Outcome, run::Finding};

/// How translations are looked for, and what is counted.
#[derive(Debug, Clone, Copy)]
pub struct Retrieval<'a> {
    /// How candidates are scored.
    pub criteria: &'a [Criterion],
    /// Neighbours in CSLS's means.
    pub csls_k: usize,
    /// The k of precision@k.
    pub at: &'a [usize],
}

impl Retrieval<'_> {
    /// Coverage, then precision@k under every criterion, of spaces that are mapped.
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
            ..unmeasured(None, "coverage".to_owned())
        }];
        for &criterion in self.criteria {
            let found = self.answers(criterion, source, target, &rows);
            for &k in self.at {
                let mut finding = unmeasured(Some(criterion), format!("p@{k}"));
                match &found {
                    Err(error) => finding.outcome = Outcome::Failed { error: error.to_string() },
                    Ok(found) => {
                        finding.items = hits(queries, found, k);
                        let right = finding.items.iter().filter(|&&hit| hit > 0.0).count();
                        let n = finding.items.len();
                        finding.outcome = Outcome::measured(statistics::wilson(right, n), n);
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
        let every = self.criteria.iter().flat_map(|&c| self.at.iter().map(move |&k| (c, k)));
        every
            .map(|(criterion, k)| Finding {
                outcome: Outcome::Failed { error: error.to_owned() },
                ..unmeasured(Some(criterion), format!("p@{k}"))
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
        let most = self.at.iter().copied().max().unwrap_or(1);
        match criterion {
            Criterion::Cosine => {
                let asked = source.select(Axis(0), queries);
                top_k(asked.view(), target, most, Metric::Cosine)
            }
            Criterion::Csls => csls_top_k(source, target, Some(queries), self.csls_k, most),
        }
    }
}

fn unmeasured(criterion: Option<Criterion>, metric: String) -> Finding {
    Finding {
        classifier: None,
        criterion: criterion.map(|criterion| criterion.name().to_owned()),
        metric,
        outcome: Outcome::Failed { error: String::new() },
        items: Vec::new(),
        fit_seconds: None,
        warnings: Vec::new(),
        remarks: Vec::new(),
        diagnosis: None,
        selection: None,
    }
}

/// For each query, 1 where one of its translations is among the first `k` answers.
fn hits(queries: &Queries, found: &Neighbors, k: usize) -> Vec<f32> {
    let answers = found.indices.outer_iter();
    let hit = |((_, right), answers): (&(usize, Vec<usize>), ArrayView1<'_, u32>)| {
        let hit = answers.iter().take(k).any(|&answer| right.contains(&(answer as usize)));
        f32::from(u8::from(hit))
    };
    queries.rows.iter().zip(answers).map(hit).collect()
}
