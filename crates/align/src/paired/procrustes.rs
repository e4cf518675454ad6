use ndarray::{Array2, ArrayView2};

use crate::algebra::polar::{CROSS, Polar};
use crate::algebra::{factor, product};
use crate::maps::alignment::about_means;
use crate::moments::single::Cross;
use crate::moments::sums::{PairSums, Parts, check_pairs};
use crate::{AlignError, AlignPaired, Alignment, PairMoments};

/// Orthogonal Procrustes: the orthogonal map that best carries paired rows over.
///
/// For `X ∈ ℝⁿˣᵈ, Y ∈ ℝⁿˣᵈ` the minimiser of `‖XW − Y‖_F` under `WᵀW = I` is `W = U·Vᵀ`, where
/// `U·Σ·Vᵀ = svd(XᵀY)`. Reflections are allowed. A pair that occurs twice weighs twice.
///
/// **Unequal dimensions.** The thin decomposition gives a `W` with orthonormal rows (`d_x < d_y`) or
/// columns (`d_x > d_y`), the one that maximises `tr(WᵀXᵀY)`; for `d_x ≤ d_y` that is the least
/// squares answer.
///
/// **Fewer pairs than dimensions.** When `XᵀY` has not its full rank, many maps are best. The answer
/// is the one that is nearest to the identity in the directions that the pairs leave open, and a
/// [`Warning::Rank`](crate::Warning::Rank) states the rank.
///
/// **Many pairs.** `fit` may multiply panels of 1,024 rows in `f32`, and sum the panels in `f64`, where no
/// entry of the map moves by more than about 1e-5 of 1: from 2³⁰ multiplications on, if the smallest singular
/// value says so, without `center` and `scale`. [`solve`](AlignPaired::solve) has `f64` sums always.
///
/// Schönemann (1966), "A generalized solution of the orthogonal Procrustes problem",
/// Psychometrika 31(1), doi:10.1007/BF02289451.
///
/// Reports the diagnostic `scale` when [`scale`](Self::scale) is set.
///
/// ```
/// # use procrust_blas as _;
/// use ndarray::array;
/// use procrust_align::{AlignPaired, Procrustes};
///
/// let x = array![[1.0_f32, 0.0], [0.0, 2.0], [3.0, 1.0]];
/// let turned = array![[0.0_f32, 1.0], [-2.0, 0.0], [-1.0, 3.0]];
/// let alignment = Procrustes::default().fit(x.view(), turned.view())?;
/// let mapped = alignment.source().apply(x.view())?;
/// assert!((mapped - turned).iter().all(|difference| difference.abs() < 1e-6));
/// # Ok::<(), procrust_align::AlignError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "settings",
    derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema),
    serde(default, deny_unknown_fields)
)]
pub struct Procrustes {
    /// Fit about the two means, `x ↦ (x − m_x)·W + m_y`; otherwise the origins correspond.
    pub center: bool,
    /// Also fit one factor for all dimensions, `⟨XW, Y⟩ / ‖XW‖²`. The map is then a similarity, not
    /// orthogonal.
    #[cfg_attr(feature = "settings", serde(skip))]
    pub scale: bool,
}

impl AlignPaired for Procrustes {
    fn fit(
        &self,
        source: ArrayView2<'_, f32>,
        target: ArrayView2<'_, f32>,
    ) -> Result<Alignment, AlignError> {
        let plain = !self.center && !self.scale;
        if plain && let Some(alignment) = fit_quickly(source, target)? {
            return Ok(alignment);
        }
        // ‖XW‖ is ‖X‖ unless W drops dimensions.
        let drops = source.ncols() > target.ncols();
        let parts = if self.scale && drops { Parts::SOURCE } else { Parts::CROSS };
        self.solve_sums(&PairSums::of(source, target, parts)?)
    }

    fn solve(&self, moments: &PairMoments) -> Result<Alignment, AlignError> {
        self.solve_sums(moments.sums())
    }
}

impl Procrustes {
    fn solve_sums(self, sums: &PairSums) -> Result<Alignment, AlignError> {
        check_pairs(sums)?;
        let cross = sums.cross_of(self.center); // XᵀY, d_x × d_y
        let Polar { mut w, sigma, warning } = Polar::of(&cross)?;

        let mut scale = None;
        if self.scale {
            let square = if w.nrows() > w.ncols() {
                (&sums.source_of(self.center).dot(&w) * &w).sum() // tr(WᵀXᵀXW)
            } else {
                sums.source_square(self.center)
            };
            // No extent to measure: leave it.
            let factor = if square > 0.0 { sigma.sum() / square } else { 1.0 };
            w *= factor;
            scale = Some(factor);
        }

        let means = self.center.then_some((&sums.source.mean, &sums.target.mean));
        let mut alignment = about_means(means, w)?;
        if let Some(scale) = scale {
            alignment = alignment.with_diagnostic("scale", scale);
        }
        Ok(alignment.with_warnings(warning))
    }
}

/// How far rounded sums may turn a map: entries of an orthogonal matrix of order 1.
const TURN: f64 = 1e-5;

/// The map from sums of products in `f32`, if that moves it by less than [`TURN`].
fn fit_quickly(
    source: ArrayView2<'_, f32>,
    target: ArrayView2<'_, f32>,
) -> Result<Option<Alignment>, AlignError> {
    let Some(Cross { sum, error }) = Cross::of(source, target) else { return Ok(None) };
    let Some((w, least)) = well_conditioned(&sum)? else { return Ok(None) };
    // ‖ΔW‖ ≤ 2‖E‖ / (σₙ + σₙ₋₁) for a square W (Li 1995, SIAM J. Matrix Anal. Appl. 16(1)), and ‖E‖ / σₙ is more.
    if error > TURN * least {
        return Ok(None);
    }
    Ok(Some(about_means(None, w)?))
}

/// The polar factor `C·(CᵀC)^−½` of a matrix and its smallest singular value, by the eigenvalues of `CᵀC` (or
/// `CCᵀ`, the smaller one): quicker than singular values. None where those are more than 10⁴ apart, since
/// squares leave half as many digits.
fn well_conditioned(cross: &Array2<f64>) -> Result<Option<(Array2<f64>, f64)>, AlignError> {
    let wide = cross.nrows() < cross.ncols();
    let gram = if wide {
        product::of(cross.view(), cross.t())
    } else {
        product::of(cross.t(), cross.view())
    };
    let (squares, axes) = factor::eigh(CROSS, &gram)?;
    let (largest, least) = (squares[0], squares[squares.len() - 1]);
    if least.is_nan() || least <= 1e-8 * largest {
        return Ok(None);
    }
    let scaled = factor::scale_columns(&axes, &squares.mapv(|square| square.sqrt().recip()));
    let root = product::of(scaled.view(), axes.t());
    let w = if wide {
        product::of(root.view(), cross.view())
    } else {
        product::of(cross.view(), root.view())
    };
    Ok(Some((w, least.sqrt())))
}

#[cfg(feature = "settings")]
procrust_settings::declare!(Procrustes, "procrustes");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Warning;
    use approx::assert_abs_diff_eq;
    use ndarray::array;
    use procrust_blas as _;

    /// Enough pairs for products in `f32`: the map is that of `f64` sums, the same for any number of threads.
    #[test]
    fn many_pairs() {
        let (x, y) = (wave(12_000, 300, 1), wave(12_000, 300, 2) * 0.3 + wave(12_000, 300, 1));
        let cross = Cross::of(x.view(), y.view()).unwrap();
        let mut moments = PairMoments::new(300, 300);
        moments.add(x.view(), y.view()).unwrap();
        let exact = moments.sums().cross_of(false);
        let off = (&cross.sum - &exact).mapv(|off| off * off).sum().sqrt();
        assert!(off > 0.0 && off < cross.error, "{off} {}", cross.error);

        let fit = || Procrustes::default().fit(x.view(), y.view()).unwrap();
        let fitted = fit();
        assert!(fit_quickly(x.view(), y.view()).unwrap().is_some());
        let solved = Procrustes::default().solve(&moments).unwrap();
        let apart = &fitted.source().matrix() - &solved.source().matrix();
        assert!(apart.iter().all(|apart| apart.abs() < 1e-6));
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(fit);
        assert_eq!(fitted, one);
    }

    /// A direction in which next to nothing happens: `f32` would turn it about.
    #[test]
    fn many_pairs_with_a_small_direction() {
        let (mut x, y) = (wave(12_000, 300, 1), wave(12_000, 300, 1));
        // The last column is almost that before it.
        for mut row in x.rows_mut() {
            row[299] = row[298] + row[299] * 1e-4;
        }
        assert!(fit_quickly(x.view(), y.view()).unwrap().is_none());
        let mut moments = PairMoments::new(300, 300);
        moments.add(x.view(), y.view()).unwrap();
        let solved = Procrustes::default().solve(&moments).unwrap();
        let fitted = Procrustes::default().fit(x.view(), y.view()).unwrap();
        let apart = &fitted.source().matrix() - &solved.source().matrix();
        assert!(apart.iter().all(|apart| apart.abs() < 1e-10));
    }

    #[test]
    fn polar_factors_by_eigenvalues_are_those_by_singular_values() {
        for (rows, columns) in [(6, 6), (7, 4), (4, 7)] {
            let cross = wave(rows, columns, 3).mapv(f64::from);
            let (w, least) = well_conditioned(&cross).unwrap().unwrap();
            let polar = Polar::of(&cross).unwrap();
            assert_abs_diff_eq!(w, polar.w, epsilon = 1e-10);
            assert_abs_diff_eq!(least, polar.sigma[rows.min(columns) - 1], epsilon = 1e-10);
        }
        let mut flat = Array2::<f64>::eye(3);
        flat[[2, 2]] = 1e-5;
        assert!(well_conditioned(&flat).unwrap().is_none());
    }

    #[test]
    fn many_pairs_of_which_one_is_bad() {
        let mut x = wave(12_000, 300, 1);
        x[[7_000, 3]] = f32::NAN;
        let error = Procrustes::default().fit(x.view(), x.view()).unwrap_err().to_string();
        assert_eq!(
            error,
            "source: the value at row 7000, column 3 is NaN, expected a finite number"
        );
    }

    /// Numbers between −1 and 1 that look drawn.
    fn wave(rows: usize, columns: usize, seed: usize) -> Array2<f32> {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            let mixed = (i * 2_654_435_761 + j * 40_503 + seed * 97_003) as u32;
            let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b);
            let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae35);
            (mixed ^ (mixed >> 16)) as f32 / u32::MAX as f32 * 2.0 - 1.0
        })
    }

    #[test]
    fn open_directions_stay_as_they_are() {
        // The pairs turn the first two axes and say nothing about the other two.
        let x = array![[1.0_f32, 0.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]];
        let y = array![[0.0_f32, 1.0, 0.0, 0.0], [-2.0, 0.0, 0.0, 0.0], [-1.0, 1.0, 0.0, 0.0]];
        let alignment = Procrustes::default().fit(x.view(), y.view()).unwrap();
        let expected = array![
            [0.0, 1.0, 0.0, 0.0],
            [-1.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0],
            [0.0, 0.0, 0.0, 1.0]
        ];
        assert_abs_diff_eq!(alignment.source().matrix(), expected, epsilon = 1e-12);
        assert_eq!(
            alignment.warnings(),
            [Warning::Rank { what: "the cross-covariance", rank: 2, full: 4 }]
        );
        assert_eq!(
            alignment.warnings()[0].to_string(),
            "the cross-covariance has rank 2 of 4: the map is not unique; more rows or fewer \
             dimensions would settle it"
        );
    }

    #[test]
    fn rows_of_zeros_give_the_identity() {
        for (dx, dy) in [(3, 3), (2, 4), (4, 2)] {
            for (center, scale) in [(false, false), (true, true)] {
                let (x, y) = (Array2::zeros((5, dx)), Array2::zeros((5, dy)));
                let alignment = Procrustes { center, scale }.fit(x.view(), y.view()).unwrap();
                let identity =
                    Array2::from_shape_fn((dx, dy), |(i, j)| f64::from(u8::from(i == j)));
                assert_abs_diff_eq!(alignment.source().matrix(), identity, epsilon = 1e-12);
            }
        }
    }

    #[test]
    fn scale_and_centre_recover_a_similarity() {
        let x = array![[1.0_f32, 0.0], [0.0, 2.0], [3.0, 1.0], [-1.0, -1.5]];
        let y = x.dot(&array![[0.0_f32, 2.5], [2.5, 0.0]]) + array![[10.0_f32, -20.0]];
        let fit = Procrustes { center: true, scale: true }.fit(x.view(), y.view()).unwrap();
        assert_abs_diff_eq!(fit.diagnostic("scale").unwrap(), 2.5, epsilon = 1e-6);
        assert_abs_diff_eq!(fit.source().apply(x.view()).unwrap(), y, epsilon = 1e-5);
    }

    #[test]
    fn bad_pairs_are_errors() {
        let fit = |n, dx, m, dy| {
            let (x, y) = (Array2::<f32>::zeros((n, dx)), Array2::<f32>::zeros((m, dy)));
            Procrustes::default().fit(x.view(), y.view()).unwrap_err().to_string()
        };
        assert_eq!(fit(3, 2, 4, 2), "paired rows expected, found 3 source rows and 4 target rows");
        assert_eq!(fit(1, 2, 1, 2), "pairs: 1 rows, expected at least 2");
        assert_eq!(fit(0, 2, 0, 2), "pairs: 0 rows, expected at least 2");
        assert_eq!(fit(3, 0, 3, 2), "source: rows have no columns");
        assert_eq!(fit(3, 2, 3, 0), "target: rows have no columns");
    }
}
