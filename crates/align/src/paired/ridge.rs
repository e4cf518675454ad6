use crate::{
    AlignError, CrossValidatedRidge, LearnMaps, LearnedMaps, Observer, PairFolds, PairedSpaces,
    Ridge,
};

/// Ridge regression with a given λ, or with λ chosen by cross-validation.
///
/// Pairs of one source row stay in one fold.
#[derive(Debug, Clone, PartialEq)]
pub enum RidgeMethod {
    /// With this λ.
    Fixed(Ridge),
    /// With λ by cross-validation.
    CrossValidated(CrossValidatedRidge),
}

impl LearnMaps for RidgeMethod {
    fn learn(
        &self,
        spaces: &PairedSpaces<'_>,
        observer: &mut Observer<'_>,
    ) -> Result<LearnedMaps, AlignError> {
        let method = match self {
            Self::Fixed(ridge) => return ridge.learn(spaces, observer),
            Self::CrossValidated(method) => method,
        };
        let (x, y) = spaces.paired_rows()?;
        let mut folds = PairFolds::new(method.folds, x.ncols(), y.ncols())?;
        folds.add_grouped(x.view(), y.view(), &spaces.groups())?;
        Ok(method.solve(&folds)?.into())
    }
}
