//! Classifiers of adaptation plans.

use procrust_classify::{
    Classifier, DecisionTree, KernelSvm, LinearSvm, Logistic, NaiveBayes, NearestNeighbors, Ridge,
    RidgeCv, SvmKernel,
};
use serde_json::json;

use super::{
    parts::{Labelled, Settings},
    toml_table::{PlanError, Table, unknown},
};

/// A classifier of a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ClassifierPlan {
    /// The `k` nearest training rows vote.
    Knn {
        /// How many vote.
        k: usize,
    },
    /// Logistic regression.
    Logistic {
        /// Scales ½‖w‖².
        l2: f64,
    },
    /// Ridge regression on ±1, one against the rest.
    Ridge {
        /// Scales ‖w‖²; chosen by leave-one-out when `None`.
        l2: Option<f64>,
    },
    /// A support vector machine.
    Svm {
        /// What a row inside the margin costs.
        c: f64,
        /// The kernel; linear when `None`.
        kernel: Option<SvmKernel>,
    },
    /// Naive Bayes with normal distributions.
    NaiveBayes,
    /// A decision tree.
    Tree {
        /// Splits down to a leaf at most.
        depth: Option<usize>,
    },
}

impl Labelled for ClassifierPlan {
    fn name(&self) -> &'static str {
        match self {
            Self::Knn { .. } => "knn",
            Self::Logistic { .. } => "logistic",
            Self::Ridge { .. } => "ridge",
            Self::Svm { .. } => "svm",
            Self::NaiveBayes => "naive-bayes",
            Self::Tree { .. } => "tree",
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new();
        let mut set = |key: &str, value| settings.insert(key.to_owned(), value);
        match *self {
            Self::Knn { k } => {
                set("k", json!(k));
            }
            Self::Logistic { l2 } | Self::Ridge { l2: Some(l2) } => {
                set("l2", json!(l2));
            }
            Self::Ridge { l2: None } => {
                set("l2", json!("auto"));
            }
            Self::Svm { c, kernel } => {
                set("c", json!(c));
                let gamma = |gamma: Option<f64>| gamma.map_or(json!("scale"), |gamma| json!(gamma));
                match kernel {
                    Some(SvmKernel::Rbf { gamma: of }) => {
                        set("kernel", json!("rbf"));
                        set("gamma", gamma(of));
                    }
                    Some(SvmKernel::Polynomial { gamma: of, degree, .. }) => {
                        set("kernel", json!("poly"));
                        set("gamma", gamma(of));
                        set("degree", json!(degree));
                    }
                    _ => {
                        set("kernel", json!("linear"));
                    }
                }
            }
            Self::NaiveBayes => {}
            Self::Tree { depth } => {
                set("depth", depth.map_or(json!("any"), |depth| json!(depth)));
            }
        }
        settings
    }
}

impl ClassifierPlan {
    const NAMES: [&'static str; 6] = ["knn", "logistic", "naive-bayes", "ridge", "svm", "tree"];

    /// The classifier itself.
    #[must_use]
    pub fn build(&self) -> Box<dyn Classifier> {
        match *self {
            Self::Knn { k } => Box::new(NearestNeighbors { k }),
            Self::Logistic { l2 } => Box::new(Logistic { l2, ..Logistic::default() }),
            Self::Ridge { l2: Some(l2) } => Box::new(Ridge { l2 }),
            Self::Ridge { l2: None } => Box::new(RidgeCv::default()),
            Self::Svm { c, kernel: Some(kernel) } => {
                Box::new(KernelSvm { c, kernel, ..KernelSvm::default() })
            }
            Self::Svm { c, kernel: None } => Box::new(LinearSvm { c, ..LinearSvm::default() }),
            Self::NaiveBayes => Box::new(NaiveBayes::default()),
            Self::Tree { depth } => {
                Box::new(DecisionTree { max_depth: depth, ..DecisionTree::default() })
            }
        }
    }

    /// Whether its models give probabilities.
    #[must_use]
    pub fn has_probabilities(&self) -> bool {
        !matches!(self, Self::Svm { .. })
    }

    /// The classifiers of a table: one for each combination of the settings that are lists.
    pub(super) fn parse(mut table: Table) -> Result<Vec<Self>, PlanError> {
        let (name, place) = table.text("name")?;
        let classifiers = match name.as_str() {
            "knn" => all(table.counts_or_one("k", 1)?, 1, |k| Self::Knn { k }),
            "logistic" => all(table.positives("l2")?, 1.0, |l2| Self::Logistic { l2 }),
            "ridge" => {
                let penalties = table.positives_or_word("l2", "auto")?;
                all(penalties, Some(1.0), |l2| Self::Ridge { l2 })
            }
            "svm" => svm(&mut table)?,
            "naive-bayes" => vec![Self::NaiveBayes],
            "tree" => match table.counts_or_one("depth", 1)? {
                None => vec![Self::Tree { depth: None }],
                Some(depths) => {
                    depths.into_iter().map(|depth| Self::Tree { depth: Some(depth) }).collect()
                }
            },
            other => return Err(place.error(unknown("the classifier", other, &Self::NAMES))),
        };
        table.finish()?;
        Ok(classifiers)
    }
}

fn all<T>(
    values: Option<Vec<T>>,
    default: T,
    of: impl Fn(T) -> ClassifierPlan,
) -> Vec<ClassifierPlan> {
    values.unwrap_or_else(|| vec![default]).into_iter().map(of).collect()
}

fn svm(table: &mut Table) -> Result<Vec<ClassifierPlan>, PlanError> {
    #[derive(Clone, Copy)]
    enum Kind {
        Linear,
        Rbf,
        Poly,
    }
    let costs = table.positives("c")?.unwrap_or_else(|| vec![1.0]);
    let kinds = [("linear", Kind::Linear), ("rbf", Kind::Rbf), ("poly", Kind::Poly)];
    let kind = table.word("kernel", &kinds)?.unwrap_or(Kind::Linear);
    let mut gammas = || -> Result<Vec<Option<f64>>, PlanError> {
        Ok(table.positives_or_word("gamma", "scale")?.unwrap_or_else(|| vec![None]))
    };
    // A key that the kernel does not have stays in the table, and is an error.
    let kernels = match kind {
        Kind::Linear => vec![None],
        Kind::Rbf => gammas()?.into_iter().map(|gamma| Some(SvmKernel::Rbf { gamma })).collect(),
        Kind::Poly => {
            let gammas = gammas()?;
            let place = table.place();
            let mut kernels = Vec::new();
            for degree in table.counts_or_one("degree", 1)?.unwrap_or_else(|| vec![3]) {
                let degree = u32::try_from(degree)
                    .ok()
                    .filter(|&degree| degree <= 100)
                    .ok_or_else(|| place.error("degree: expected at most 100"))?;
                kernels.extend(
                    gammas
                        .iter()
                        .map(|&gamma| Some(SvmKernel::Polynomial { gamma, degree, constant: 1.0 })),
                );
            }
            kernels
        }
    };
    let machines = |&c: &f64| kernels.iter().map(move |&kernel| ClassifierPlan::Svm { c, kernel });
    Ok(costs.iter().flat_map(machines).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::plan::toml_table::Source;

    fn parse(text: &str) -> Result<Vec<ClassifierPlan>, PlanError> {
        ClassifierPlan::parse(Source::new(Path::new("p.toml"), text).parse().unwrap())
    }

    #[test]
    fn a_list_is_a_classifier_each() {
        let found = parse("name = \"logistic\"\nl2 = [0.1, 1, 10]").unwrap();
        let expected = [0.1, 1.0, 10.0].map(|l2| ClassifierPlan::Logistic { l2 });
        assert_eq!(found, expected);
        let found =
            parse("name = \"svm\"\nc = [1, 2]\nkernel = \"poly\"\ndegree = [2, 3]").unwrap();
        assert_eq!(found.len(), 4);
        assert_eq!(found[3].settings()["degree"], 3);
        let found = parse("name = \"ridge\"\nl2 = [\"auto\", 5]").unwrap();
        assert_eq!(found, [None, Some(5.0)].map(|l2| ClassifierPlan::Ridge { l2 }));
    }

    #[test]
    fn keys_that_a_kernel_does_not_have_and_values_out_of_range_are_mistakes() {
        let said = |text: &str| parse(text).unwrap_err().to_string();
        let found = said("name = \"svm\"\ngamma = 1");
        assert!(found.starts_with("p.toml:2: "), "{found}");
        assert!(found.contains("key `gamma` is not known"), "{found}");
        let found = said("name = \"logistic\"\nl2 = 0");
        assert_eq!(found, "p.toml:2: l2: expected a number above 0, or a list of such, found 0");
        let found = said("name = \"ridge\"\nl2 = [1, \"aut\"]");
        assert!(found.contains("a number above 0, or \"auto\", or a list of such"), "{found}");
        assert!(said("name = \"knn\"\nk = []").contains("the list is empty"));
        assert!(said("name = \"tree\"\ndepht = 2").contains("did you mean `depth`?"));
    }
}
