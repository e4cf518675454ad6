//! The same bits from any thread, wherever the matrix lies in memory.

use ndarray::{Array2, s};
use ndarray_linalg::{Eigh, Inverse, QR, SVD, UPLO};

use crate::common::Random;

fn bits(matrix: &Array2<f64>, order: usize) -> Vec<u64> {
    let a = matrix.slice(s![..order, ..order]).to_owned();
    let symmetric = &a + &a.t();
    let (q, r) = a.qr().unwrap();
    let (u, values, vt) = a.svd(true, true).unwrap();
    let (eigenvalues, vectors) = symmetric.eigh(UPLO::Lower).unwrap();
    let inverse = a.inv().unwrap();
    [q, r, u.unwrap(), vt.unwrap(), vectors, inverse]
        .iter()
        .flatten()
        .chain(&values)
        .chain(&eigenvalues)
        .map(|value| value.to_bits())
        .collect()
}

#[test]
fn threads_and_places_do_not_matter() {
    let matrix = Random(37).matrix(150, 150);
    for order in [5, 40, 150] {
        let expected = bits(&matrix, order);
        let all: Vec<_> = std::thread::scope(|scope| {
            let matrix = &matrix;
            let run = |shift: usize| {
                // Other allocations live at other places.
                let kept: Vec<Vec<u8>> = (0..shift).map(|index| vec![0; 24 * index + 8]).collect();
                let result = bits(matrix, order);
                drop(kept);
                result
            };
            let handles: Vec<_> = (0..4).map(|shift| scope.spawn(move || run(shift))).collect();
            handles.into_iter().map(|handle| handle.join().unwrap()).collect()
        });
        assert!(all.iter().all(|other| *other == expected), "order {order}");
    }
}
