//! Descriptions of classes, by name.

use ndarray::{Array2, ArrayView2, Axis};

use crate::TransferError;
use crate::checks::check_rows;

/// How alike two names must be for one to be offered for the other, out of 1.
const ALIKE: f64 = 0.6;

/// What is known of classes beside their rows: a vector of attributes or of a word for each.
///
/// ```
/// use ndarray::array;
/// use procrust_transfer::Descriptions;
///
/// let known = Descriptions::new(
///     vec!["zebra".into(), "horse".into()],
///     array![[1.0_f32, 1.0], [0.0, 1.0]],
/// )?;
/// assert_eq!(known.of(&["horse", "zebra"])?, array![[0.0, 1.0], [1.0, 1.0]]);
/// let error = known.of(&["zerba"]).unwrap_err();
/// assert_eq!(error.to_string(), "class `zerba` has no description; did you mean `zebra`?");
/// # Ok::<(), procrust_transfer::TransferError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptions {
    names: Vec<String>,
    rows: Array2<f32>,
}

impl Descriptions {
    /// Descriptions, one row a name.
    ///
    /// # Errors
    ///
    /// [`TransferError::Names`] unless there are as many names as rows, [`TransferError::Twice`] when
    /// two names are equal, [`TransferError::Empty`] and [`TransferError::NonFinite`].
    pub fn new(names: Vec<String>, rows: Array2<f32>) -> Result<Self, TransferError> {
        if names.len() != rows.nrows() {
            return Err(TransferError::Names { rows: rows.nrows(), names: names.len() });
        }
        check_rows("descriptions", rows.view())?;
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        if let Some(two) = sorted.windows(2).find(|two| two[0] == two[1]) {
            return Err(TransferError::Twice { name: two[0].clone() });
        }
        Ok(Self { names, rows })
    }

    /// The names, in the order of the rows.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// One row a name.
    #[must_use]
    pub fn rows(&self) -> ArrayView2<'_, f32> {
        self.rows.view()
    }

    /// The descriptions of these classes, in this order; others may be left over.
    ///
    /// # Errors
    ///
    /// [`TransferError::NoDescription`] with the nearest name for the first class without one.
    pub fn of<S: AsRef<str>>(&self, classes: &[S]) -> Result<Array2<f32>, TransferError> {
        let find = |class: &S| {
            let class = class.as_ref();
            self.names.iter().position(|name| name == class).ok_or_else(|| {
                let nearest = nearest(class, self.names.iter().map(String::as_str));
                TransferError::NoDescription { class: class.to_owned(), nearest }
            })
        };
        let places = classes.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        Ok(self.rows.select(Axis(0), &places))
    }

    /// The descriptions of these classes, in this order, which must be all that there are.
    ///
    /// # Errors
    ///
    /// As [`Descriptions::of`]; [`TransferError::NoClass`] for the first description that belongs to
    /// none of them.
    pub fn of_exactly<S: AsRef<str>>(&self, classes: &[S]) -> Result<Array2<f32>, TransferError> {
        let rows = self.of(classes)?;
        let known = |name: &&String| !classes.iter().any(|class| class.as_ref() == name.as_str());
        match self.names.iter().find(known) {
            None => Ok(rows),
            Some(name) => Err(TransferError::NoClass {
                name: name.clone(),
                nearest: nearest(name, classes.iter().map(AsRef::as_ref)),
            }),
        }
    }
}

/// The known name that is nearest, if one is near.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let name = name.to_lowercase();
    let alike = |other: &str| strsim::normalized_damerau_levenshtein(&name, &other.to_lowercase());
    known
        .map(|other| (alike(other), other))
        .filter(|&(likeness, _)| likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, other)| other.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn what_does_not_fit_is_named() {
        let rows = array![[1.0_f32], [2.0]];
        let names = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        let said = |names, rows| Descriptions::new(names, rows).unwrap_err().to_string();
        assert_eq!(said(names("a", "a"), rows.clone()), "two descriptions are called `a`");
        assert_eq!(
            said(vec!["a".to_owned()], rows.clone()),
            "2 descriptions have 1 names: expected one name each"
        );
        let bad = array![[1.0_f32], [f32::NAN]];
        assert_eq!(
            said(names("a", "b"), bad),
            "descriptions: the value at row 1, column 0 is NaN, expected a finite number"
        );
        let known = Descriptions::new(names("striped", "plain"), rows).unwrap();
        let error = known.of_exactly(&["plain", "striped"]);
        assert!(error.is_ok());
        let error = known.of_exactly(&["plain"]).unwrap_err();
        assert_eq!(error.to_string(), "the description `striped` belongs to no class");
        let error = known.of(&["plain", "stripped"]).unwrap_err();
        assert!(error.to_string().ends_with("did you mean `striped`?"), "{error}");
        assert_eq!(known.of(&["quux"]).unwrap_err().to_string(), "class `quux` has no description");
    }
}
