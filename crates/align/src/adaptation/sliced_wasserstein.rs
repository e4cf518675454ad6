use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::adaptation::labels::{ask, check_labels, most_probable};
use crate::algebra::{blocks, factor, product};
use crate::checks::{check_sides, check_sums};
use crate::transport::sliced::{check_directions, moves, slicing_directions, sorted_columns};
use crate::{AdaptUnpaired, Adaptation, AffineMap, AlignError, Alignment, Hints, Warning};

/// Halvings of a step before the descent ends.
const HALVINGS: usize = 40;

/// The descent ends when a step gains less than this share of the objective.
const GAIN: f64 = 1e-6;

/// The linear map of the source that minimises the sliced Wasserstein distance to the target.
///
/// `x ↦ (x − m_s)·W + b`, from `W = I` and `b = m_t` on, by gradient descent along fixed
/// [directions](crate::slicing_directions): steps are doubled after success, halved and undone where
/// the objective would rise. The objective, over rows `X` and the target `Y`, is
///
/// `SW²(X, Y) + w·Σ_c SW²(X_c, Y_c) / C + ρ·‖W − I‖² / d`,
///
/// `SW²` the mean over directions of squared one-dimensional distances. The class terms, where
/// `class_weight` w is above 0, take source rows of class c and target rows whose pseudo-label is c
/// with at least the `confidence`; pseudo-labels come from the [labeller](Hints::labeller) on rows as
/// they are mapped so far, once a round; C counts the classes that both sides have. It is not a
/// convex problem: what is found depends on the start, which is why the identity is it.
///
/// An affine map: new rows are mapped by it, the target stays. `class_weight` above 0 needs the
/// labels of the source.
///
/// Reports the diagnostics `distance_before` (with the means moved together) and `distance_after`,
/// both along the fixed directions, `steps`, and `confident`, the share of target rows in the class
/// terms.
///
/// Sliced distances and confident pseudo-labels after Gabourie, Rostami, Pope, Kolouri & Kim
/// (2019), "Learning a domain-invariant embedding for unsupervised domain adaptation using
/// class-conditioned distribution alignment", Allerton, doi:10.1109/ALLERTON.2019.8919960, where the
/// map is a network.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize),
    serde(from = "Keys", into = "Keys")
)]
pub struct SlicedAlignment {
    /// Directions, at least 1.
    pub directions: usize,
    /// Steps of each round, at least 1.
    pub steps: usize,
    /// What `W` may be.
    pub freedom: Freedom,
    /// w of at least 0.
    pub class_weight: f64,
    /// The least probability of a pseudo-label that counts, from 0 to 1.
    pub confidence: f64,
    /// Rounds of pseudo-labels, at least 1 where there are class terms.
    pub rounds: usize,
}

/// What the matrix of a [`SlicedAlignment`] may be.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Freedom {
    /// Any matrix, drawn to the identity by ρ of at least 0.
    Linear(f64),
    /// An orthogonal matrix: after each step the nearest one.
    Orthogonal,
}

impl Default for SlicedAlignment {
    /// 128 directions, 100 steps, any matrix with ρ = 0.01, no classes; 5 rounds and a confidence
    /// of 0.8 where there are.
    fn default() -> Self {
        Self {
            directions: 128,
            steps: 100,
            freedom: Freedom::Linear(0.01),
            class_weight: 0.0,
            confidence: 0.8,
            rounds: 5,
        }
    }
}

impl SlicedAlignment {
    fn check(self) -> Result<(), AlignError> {
        check_directions(self.directions)?;
        for (name, value) in [("steps", self.steps), ("rounds", self.rounds)] {
            if value == 0 {
                return Err(AlignError::Setting { name, value: 0.0, expected: "at least 1" });
            }
        }
        let of_freedom = if let Freedom::Linear(value) = self.freedom { value } else { 0.0 };
        for (name, value) in [("class_weight", self.class_weight), ("freedom", of_freedom)] {
            if !(value.is_finite() && value >= 0.0) {
                let expected = "a finite number of at least 0";
                return Err(AlignError::Setting { name, value, expected });
            }
        }
        if !(0.0..=1.0).contains(&self.confidence) {
            let expected = "a number from 0 to 1";
            return Err(AlignError::Setting {
                name: "confidence",
                value: self.confidence,
                expected,
            });
        }
        Ok(())
    }
}

impl AdaptUnpaired for SlicedAlignment {
    fn adapt(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
        hints: &Hints<'_>,
    ) -> Result<Adaptation, AlignError> {
        self.check()?;
        check_sides("sliced alignment", source, target)?;
        check_sums(source.ncols(), target.ncols())?;
        let labels = if self.class_weight > 0.0 {
            Some(check_labels("sliced alignment with classes", hints.labels, source.nrows())?)
        } else {
            None
        };
        let x = blocks::widen("source", source, 0..source.nrows())?;
        let y = blocks::widen("target", target, 0..target.nrows())?;
        let shift = x.mean_axis(Axis(0)).expect("there are rows");
        let x = x - &shift;
        let directions = slicing_directions(x.ncols(), self.directions, hints.seed)?;
        let all: Vec<usize> = (0..x.nrows()).collect();
        let whole = Term::new(&x, &all, &y.dot(&directions), 1.0);

        let mut at = Point {
            matrix: Array2::eye(x.ncols()),
            offset: y.mean_axis(Axis(0)).expect("there are rows"),
        };
        let before = whole.value(&at, &directions);
        let mut terms = vec![whole];
        let mut steps = self.descend(&terms, &directions, &mut at)?;
        let mut confident = 0.0;
        let mut last = None;
        if let Some((labels, classes)) = labels {
            for _ in 0..self.rounds {
                let mapped = at.map(&shift)?.apply(source)?;
                let probabilities = ask(hints.labeller, mapped.view(), labels, classes, target)?;
                let pseudo: Vec<Option<usize>> = most_probable(&probabilities)
                    .into_iter()
                    .zip(probabilities.rows())
                    .map(|(class, row)| class.filter(|&class| row[class] >= self.confidence))
                    .collect();
                if last.as_ref() == Some(&pseudo) {
                    break;
                }
                terms.truncate(1);
                confident = pseudo.iter().flatten().count() as f64 / pseudo.len() as f64;
                for class in 0..classes {
                    let ours: Vec<usize> =
                        (0..labels.len()).filter(|&row| labels[row] == class).collect();
                    let theirs: Vec<usize> =
                        (0..pseudo.len()).filter(|&row| pseudo[row] == Some(class)).collect();
                    if !ours.is_empty() && !theirs.is_empty() {
                        let projected = y.select(Axis(0), &theirs).dot(&directions);
                        terms.push(Term::new(&x, &ours, &projected, self.class_weight));
                    }
                }
                let classes = (terms.len() - 1) as f64;
                terms.iter_mut().skip(1).for_each(|term| term.weight /= classes);
                last = Some(pseudo);
                steps += self.descend(&terms, &directions, &mut at)?;
            }
        }
        let after = terms[0].value(&at, &directions);
        let alignment = Alignment::onto_target(at.map(&shift)?);
        let limit = self.steps * if labels.is_some() { self.rounds + 1 } else { 1 };
        let stopped = (steps >= limit).then_some(Warning::NotConverged { iterations: steps });
        Ok(Adaptation::of_alignment(alignment, source, target)?
            .with_warnings(stopped)
            .with_diagnostic("distance_before", before.sqrt())
            .with_diagnostic("distance_after", after.sqrt())
            .with_diagnostic("steps", steps as f64)
            .with_diagnostic("confident", confident))
    }
}

/// A map under way.
#[derive(Debug, Clone)]
struct Point {
    matrix: Array2<f64>,
    offset: Array1<f64>,
}

impl Point {
    fn map(&self, shift: &Array1<f64>) -> Result<AffineMap, AlignError> {
        AffineMap::new(shift.clone(), self.matrix.clone(), self.offset.clone())
    }
}

/// Rows that are to be spread like others.
struct Term {
    /// n × d, about the source's mean.
    rows: Array2<f64>,
    /// The target's projections, sorted, for each direction.
    sorted: Vec<Vec<f64>>,
    weight: f64,
}

impl Term {
    fn new(rows: &Array2<f64>, numbers: &[usize], projected: &Array2<f64>, weight: f64) -> Self {
        let sorted = sorted_columns(projected);
        Self { rows: rows.select(Axis(0), numbers), sorted, weight }
    }

    fn projected(&self, at: &Point, directions: &Array2<f64>) -> Array2<f64> {
        let turned = product::of(at.matrix.view(), directions.view());
        product::of(self.rows.view(), turned.view()) + &at.offset.dot(directions)
    }

    /// `SW²`.
    fn value(&self, at: &Point, directions: &Array2<f64>) -> f64 {
        self.moves(at, directions, false).0
    }

    /// `SW²`, and if asked for its derivative by the projections, n × L.
    fn moves(&self, at: &Point, directions: &Array2<f64>, slopes: bool) -> (f64, Array2<f64>) {
        moves(&self.projected(at, directions), &self.sorted, slopes)
    }
}

impl SlicedAlignment {
    fn objective(self, terms: &[Term], directions: &Array2<f64>, at: &Point) -> f64 {
        let pull = self.pull(at) * (&at.matrix - &identity(at)).mapv(|v| v * v).sum();
        pull + terms.iter().map(|term| term.weight * term.value(at, directions)).sum::<f64>()
    }

    /// ρ / d; the orthogonal group needs none.
    fn pull(self, at: &Point) -> f64 {
        match self.freedom {
            Freedom::Linear(pull) => pull / at.offset.len() as f64,
            Freedom::Orthogonal => 0.0,
        }
    }

    /// Steps downhill; how many there were.
    fn descend(
        self,
        terms: &[Term],
        directions: &Array2<f64>,
        at: &mut Point,
    ) -> Result<usize, AlignError> {
        let mut current = self.objective(terms, directions, at);
        // The curvature of SW² in W is about 2·C_s/d; twice its inverse would be too long.
        let spread =
            terms[0].rows.iter().map(|v| v * v).sum::<f64>() / terms[0].rows.nrows() as f64;
        let dim = at.offset.len() as f64;
        let mut length = if spread > 0.0 { dim / (2.0 * spread) } else { 1.0 };
        for step in 0..self.steps {
            let mut of_matrix = (&at.matrix - &identity(at)) * (2.0 * self.pull(at));
            let mut of_offset = Array1::zeros(at.offset.len());
            for term in terms {
                let (_, slopes) = term.moves(at, directions, true);
                let through = product::of(slopes.view(), directions.t()) * term.weight; // n × d
                of_matrix += &product::of(term.rows.t(), through.view());
                of_offset += &through.sum_axis(Axis(0));
            }
            let mut found = None;
            for _ in 0..HALVINGS {
                let matrix = &at.matrix - &(&of_matrix * length);
                let matrix = match self.freedom {
                    Freedom::Linear(_) => matrix,
                    Freedom::Orthogonal => {
                        let (u, _, vt) = factor::svd("the step", &matrix, false)?;
                        u.dot(&vt)
                    }
                };
                // The offset has unit curvature 2/d whatever the spread of the rows.
                let offset = &at.offset - &(&of_offset * length.min(dim / 2.0));
                let next = Point { matrix, offset };
                let value = self.objective(terms, directions, &next);
                if value < current {
                    found = Some((next, value));
                    break;
                }
                length /= 2.0;
            }
            let Some((next, value)) = found else { return Ok(step) };
            let gain = (current - value) / current;
            (*at, current) = (next, value);
            if gain < GAIN {
                return Ok(step);
            }
            length *= 2.0;
        }
        Ok(self.steps)
    }
}

fn identity(at: &Point) -> Array2<f64> {
    Array2::eye(at.offset.len())
}

/// The linear map of the source that minimises the sliced Wasserstein distance to the target.
#[cfg(feature = "settings")]
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Keys {
    /// Directions.
    #[schemars(range(min = 1))]
    directions: usize,
    /// Steps of each round.
    #[schemars(range(min = 1))]
    steps: usize,
    /// The weight of the class terms; with 0, labels are not used.
    #[schemars(range(min = 0.0))]
    class_weight: f64,
    /// ρ, how strongly the matrix is drawn to the identity.
    #[schemars(range(min = 0.0))]
    regularization: Option<f64>,
    /// Take the nearest orthogonal matrix after each step, in place of the penalty.
    orthogonal: Option<bool>,
}

#[cfg(feature = "settings")]
impl Default for Keys {
    fn default() -> Self {
        SlicedAlignment::default().into()
    }
}

#[cfg(feature = "settings")]
impl From<SlicedAlignment> for Keys {
    fn from(method: SlicedAlignment) -> Self {
        let SlicedAlignment { directions, steps, freedom, class_weight, .. } = method;
        let (regularization, orthogonal) = match freedom {
            Freedom::Linear(strength) => (Some(strength), None),
            Freedom::Orthogonal => (None, Some(true)),
        };
        Self { directions, steps, class_weight, regularization, orthogonal }
    }
}

#[cfg(feature = "settings")]
impl From<Keys> for SlicedAlignment {
    fn from(keys: Keys) -> Self {
        let Keys { directions, steps, class_weight, regularization, orthogonal } = keys;
        let default = Self::default();
        let freedom = match (orthogonal, regularization) {
            (Some(true), _) => Freedom::Orthogonal,
            (_, Some(strength)) => Freedom::Linear(strength),
            (_, None) => default.freedom,
        };
        Self { directions, steps, freedom, class_weight, ..default }
    }
}

#[cfg(feature = "settings")]
crate::declared::schema_of_keys!(SlicedAlignment, Keys);

#[cfg(feature = "settings")]
procrust_settings::declare!(SlicedAlignment, "sliced-wasserstein");
