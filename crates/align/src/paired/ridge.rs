use crate::{
    AlignError, CrossValidatedRidge, LearnMaps, LearnedMaps, Observer, PairFolds, PairedSpaces,
    Ridge,
};

/// Ridge regression with a given λ, or with λ chosen by cross-validation.
///
/// Pairs of one source row stay in one fold.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Keys", into = "Keys")
)]
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

impl Default for RidgeMethod {
    /// λ = 1, no intercept.
    fn default() -> Self {
        Self::Fixed(Ridge::default())
    }
}

/// Ridge regression with a given λ, or with λ chosen by cross-validation.
#[cfg(feature = "settings")]
#[derive(Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Keys {
    /// λ, above 0, on the scale of sums over rows; `"auto"` for cross-validation.
    #[serde(with = "procrust_settings::or_auto")]
    #[schemars(with = "procrust_settings::OrAuto<f64>", extend("minimum" = 0.0))]
    regularization: Option<f64>,
    /// Number of folds, at least 2, with `regularization = "auto"`; 5 unless given.
    #[schemars(range(min = 2))]
    folds: Option<usize>,
    /// Fit an offset as well, which is not penalised.
    intercept: bool,
}

#[cfg(feature = "settings")]
impl Default for Keys {
    fn default() -> Self {
        RidgeMethod::default().into()
    }
}

#[cfg(feature = "settings")]
impl From<RidgeMethod> for Keys {
    fn from(method: RidgeMethod) -> Self {
        match method {
            RidgeMethod::Fixed(Ridge { lambda, intercept }) => {
                Self { regularization: Some(lambda), folds: None, intercept }
            }
            RidgeMethod::CrossValidated(CrossValidatedRidge { folds, intercept, .. }) => {
                Self { regularization: None, folds: Some(folds), intercept }
            }
        }
    }
}

#[cfg(feature = "settings")]
impl TryFrom<Keys> for RidgeMethod {
    type Error = String;

    fn try_from(keys: Keys) -> Result<Self, String> {
        let Keys { regularization, folds, intercept } = keys;
        match (regularization, folds) {
            (Some(lambda), None) => Ok(Self::Fixed(Ridge { lambda, intercept })),
            (Some(_), Some(_)) => {
                Err("folds: expected regularization = \"auto\" beside it".to_owned())
            }
            (None, folds) => {
                let default = CrossValidatedRidge::default();
                let folds = folds.unwrap_or(default.folds);
                Ok(Self::CrossValidated(CrossValidatedRidge { folds, intercept, ..default }))
            }
        }
    }
}

#[cfg(feature = "settings")]
crate::declared::schema_of_keys!(RidgeMethod, Keys);

#[cfg(feature = "settings")]
procrust_settings::declare!(
    RidgeMethod,
    "ridge",
    [Self::default(), Self::CrossValidated(CrossValidatedRidge::default())]
);
