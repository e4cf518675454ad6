//! Procrust: align.
#[cfg(test)]
mod tests {
    use ndarray_linalg::{Eigh, UPLO};
    use procrust_blas as _;
    #[test]
    fn t() {
        let a = ndarray::Array2::<f64>::eye(3);
        let (v, _) = a.eigh(UPLO::Lower).unwrap();
        assert_eq!(v[0], 1.0);
    }
}
