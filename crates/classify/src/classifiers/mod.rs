//! The classifiers.

pub use logistic::Solver;
pub use ridge::least_squares::Ridge;
pub use ridge::path::{RidgeCriterion, RidgeCv, RidgePath};
pub use svm::kernel::{KernelSvm, KernelSvmModel, SvmKernel};
pub use svm::linear::LinearSvm;
pub use tree::DecisionTreeModel;

procrust_settings::methods! {
    /// The classifiers that plans can name.
    pub fn classifiers: dyn crate::Classifier = "classifier" {
        knn::NearestNeighbors,
        logistic::Logistic,
        ridge::AutoRidge,
        svm::Svm,
        naive_bayes::NaiveBayes,
        tree::DecisionTree,
    }
}
