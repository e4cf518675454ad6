//! Methods of adaptation plans that are no pair of affine maps, or need labels or a seed.

use procrust_align::{
    AdaptUnpaired, Balance, Bda, ClassPenalty, ClassSinkhorn, ExactTransport, Freedom, Gfk, Jda,
    JointPca, Kernel, Sinkhorn, SlicedAlignment, Tca,
};
use serde_json::{Value, json};

use super::{
    parts::Settings,
    toml_table::{PlanError, Table},
};

/// A method that adapts rows by [`AdaptUnpaired`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum UnpairedMethod {
    /// Principal components of both domains together.
    JointPca(JointPca),
    /// Transfer component analysis.
    Tca(Tca),
    /// Joint distribution adaptation.
    Jda(Jda),
    /// Balanced distribution adaptation.
    Bda(Bda),
    /// The geodesic flow kernel.
    Gfk(Gfk),
    /// Optimal transport, exact.
    Transport(ExactTransport),
    /// Optimal transport, entropic.
    Sinkhorn(Sinkhorn),
    /// Entropic transport that keeps classes together.
    ClassSinkhorn(ClassSinkhorn),
    /// A map that brings the sliced Wasserstein distance down.
    Sliced(SlicedAlignment),
}

impl UnpairedMethod {
    pub(super) const NAMES: [&'static str; 9] = [
        "pca",
        "tca",
        "jda",
        "bda",
        "gfk",
        "transport",
        "sinkhorn",
        "class-sinkhorn",
        "sliced-wasserstein",
    ];

    /// The method as its trait.
    #[must_use]
    pub fn as_dyn(&self) -> &dyn AdaptUnpaired {
        match self {
            Self::JointPca(method) => method,
            Self::Tca(method) => method,
            Self::Jda(method) => method,
            Self::Bda(method) => method,
            Self::Gfk(method) => method,
            Self::Transport(method) => method,
            Self::Sinkhorn(method) => method,
            Self::ClassSinkhorn(method) => method,
            Self::Sliced(method) => method,
        }
    }

    /// Whether rows are scaled to unit length before and after, as those who made these methods
    /// do.
    #[must_use]
    pub fn unit_rows(&self) -> bool {
        matches!(self, Self::Tca(_) | Self::Jda(_) | Self::Bda(_))
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::JointPca(_) => "pca",
            Self::Tca(_) => "tca",
            Self::Jda(_) => "jda",
            Self::Bda(_) => "bda",
            Self::Gfk(_) => "gfk",
            Self::Transport(_) => "transport",
            Self::Sinkhorn(_) => "sinkhorn",
            Self::ClassSinkhorn(_) => "class-sinkhorn",
            Self::Sliced(_) => "sliced-wasserstein",
        }
    }

    pub(super) fn settings(&self) -> Settings {
        let value = match self {
            Self::JointPca(method) => json!({"components": method.components}),
            Self::Tca(method) => json!({
                "components": method.components,
                "mu": method.mu,
                "kernel": kernel_name(method.kernel),
            }),
            Self::Jda(method) => of_jda(method),
            Self::Bda(method) => {
                let Bda { components, mu, kernel, iterations, .. } = *method;
                let jda = Jda { components, mu, kernel, iterations, ..Jda::default() };
                let mut settings = of_jda(&jda);
                settings["balance"] = match method.balance {
                    Balance::Fixed(balance) => json!(balance),
                    _ => json!("estimated"),
                };
                settings
            }
            Self::Gfk(method) => json!({"components": match method.components {
                Some(components) => json!(components),
                None => json!("auto"),
            }}),
            Self::Transport(_) => json!({}),
            Self::Sinkhorn(method) => json!({"regularization": method.regularization}),
            Self::ClassSinkhorn(method) => json!({
                "regularization": method.regularization,
                "class_regularization": method.class_regularization,
                "penalty": match method.penalty {
                    ClassPenalty::L1L2 => "l1-l2",
                    _ => "lp-l1",
                },
            }),
            Self::Sliced(method) => {
                let mut settings = json!({
                    "directions": method.directions,
                    "steps": method.steps,
                    "class_weight": method.class_weight,
                });
                match method.freedom {
                    Freedom::Linear(strength) => settings["regularization"] = json!(strength),
                    _ => settings["orthogonal"] = json!(true),
                }
                settings
            }
        };
        let Value::Object(settings) = value else { unreachable!("all of them are objects") };
        settings
    }

    /// The settings of the method `name`, if it is one of these.
    pub(super) fn parse(name: &str, table: &mut Table) -> Result<Option<Self>, PlanError> {
        Ok(Some(match name {
            "pca" => {
                let components = table.count("components", 1)?;
                Self::JointPca(JointPca { components: components.unwrap_or(30) })
            }
            "tca" => {
                let Jda { components, mu, kernel, .. } = jda(table, false)?;
                Self::Tca(Tca { components, mu, kernel, ..Tca::default() })
            }
            "jda" => Self::Jda(jda(table, true)?),
            "bda" => {
                let balance = match table.number_or_word("balance", "estimated")? {
                    Some(Some(balance)) => Balance::Fixed(balance),
                    _ => Balance::Estimated,
                };
                let Jda { components, mu, kernel, iterations, .. } = jda(table, true)?;
                Self::Bda(Bda { components, mu, kernel, iterations, balance, ..Bda::default() })
            }
            "gfk" => Self::Gfk(Gfk {
                components: table.count_or_word("components", "auto", 1)?.flatten(),
            }),
            "transport" => Self::Transport(ExactTransport::default()),
            "sinkhorn" => Self::Sinkhorn(sinkhorn(table)?),
            "class-sinkhorn" => {
                let default = ClassSinkhorn::default();
                let penalties = [("lp-l1", ClassPenalty::LpL1), ("l1-l2", ClassPenalty::L1L2)];
                Self::ClassSinkhorn(ClassSinkhorn {
                    regularization: sinkhorn(table)?.regularization,
                    penalty: table.word("penalty", &penalties)?.unwrap_or(default.penalty),
                    class_regularization: table
                        .number("class_regularization", 0.0)?
                        .unwrap_or(default.class_regularization),
                    ..default
                })
            }
            "sliced-wasserstein" => {
                let mut method = SlicedAlignment::default();
                let set = |to: &mut usize, found: Option<usize>| *to = found.unwrap_or(*to);
                set(&mut method.directions, table.count("directions", 1)?);
                set(&mut method.steps, table.count("steps", 1)?);
                let weight = table.number("class_weight", 0.0)?;
                method.class_weight = weight.unwrap_or(method.class_weight);
                if let Some(strength) = table.number("regularization", 0.0)? {
                    method.freedom = Freedom::Linear(strength);
                }
                if table.flag("orthogonal")?.unwrap_or_default() {
                    method.freedom = Freedom::Orthogonal;
                }
                Self::Sliced(method)
            }
            _ => return Ok(None),
        }))
    }
}

fn kernel_name(kernel: Option<Kernel>) -> Value {
    match kernel {
        None => json!("none"),
        Some(Kernel::Rbf { .. }) => json!("rbf"),
        Some(_) => json!("linear"),
    }
}

fn of_jda(method: &Jda) -> Value {
    json!({
        "components": method.components,
        "mu": method.mu,
        "kernel": kernel_name(method.kernel),
        "iterations": method.iterations,
    })
}

fn jda(table: &mut Table, iterates: bool) -> Result<Jda, PlanError> {
    let default = Jda::default();
    let kernels = [
        ("none", None),
        ("linear", Some(Kernel::Linear)),
        ("rbf", Some(Kernel::Rbf { gamma: None })),
    ];
    let iterations = if iterates { table.count("iterations", 1)? } else { None };
    Ok(Jda {
        components: table.count("components", 1)?.unwrap_or(default.components),
        mu: table.number("mu", 0.0)?.unwrap_or(default.mu),
        kernel: table.word("kernel", &kernels)?.unwrap_or(default.kernel),
        iterations: iterations.unwrap_or(default.iterations),
        ..default
    })
}

fn sinkhorn(table: &mut Table) -> Result<Sinkhorn, PlanError> {
    let mut method = Sinkhorn::default();
    let regularization = table.number("regularization", 0.0)?;
    method.regularization = regularization.unwrap_or(method.regularization);
    Ok(method)
}
