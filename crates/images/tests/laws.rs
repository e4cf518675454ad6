//! What holds for all pictures.

use ndarray::{Array3, Axis, s};
use procrust_images::{Describe, Descriptor, Hog, Pixels, describe};
use proptest::prelude::*;

fn pictures() -> impl Strategy<Value = Array3<u8>> {
    (1_usize..4, 1_usize..40, 1_usize..40).prop_flat_map(|(n, h, w)| {
        prop::collection::vec(any::<u8>(), n * h * w)
            .prop_map(move |pixels| Array3::from_shape_vec((n, h, w), pixels).unwrap())
    })
}

fn descriptor() -> impl Strategy<Value = Descriptor> {
    let hog = (1_usize..6, 1_usize..5, 1_usize..5, 1_usize..13).prop_map(
        |(cell, cells, block, orientations)| {
            Descriptor::Hog(Hog {
                size: cell * cells,
                cell,
                block: block.min(cells),
                orientations,
                ..Hog::default()
            })
        },
    );
    prop_oneof![(1_usize..33).prop_map(|size| Descriptor::Pixels(Pixels { size })), hog]
}

proptest! {
    /// As many rows as pictures, as many columns as said, every value in 0 to 1.
    #[test]
    fn shapes_and_ranges(images in pictures(), descriptor in descriptor()) {
        let rows = describe(&descriptor, images.view()).unwrap();
        prop_assert_eq!(rows.dim(), (images.len_of(Axis(0)), descriptor.dimensions().unwrap()));
        // Rounding of the last division may pass 1 by a unit in the last place.
        prop_assert!(rows.iter().all(|value| (0.0..=1.0 + f32::EPSILON).contains(value)));
    }

    /// A picture's row does not depend on its neighbours.
    #[test]
    fn rows_are_independent(images in pictures(), descriptor in descriptor()) {
        let rows = describe(&descriptor, images.view()).unwrap();
        for i in 0..rows.nrows() {
            let alone = describe(&descriptor, images.slice(s![i..=i, .., ..])).unwrap();
            prop_assert_eq!(alone.row(0), rows.row(i));
        }
    }

    /// Brightness does not reach HOG: no gradient, no difference.
    #[test]
    fn hog_ignores_brightness(images in pictures(), by in 0_u8..100) {
        let dark = images.mapv(|grey| grey / 2);
        let size = images.len_of(Axis(1)).min(images.len_of(Axis(2)));
        let dark = dark.slice(s![.., ..size, ..size]); // not resized: nothing is rounded
        let bright = dark.mapv(|grey| grey + by);
        let hog = Descriptor::Hog(Hog { size, cell: 1, block: 1, ..Hog::default() });
        prop_assert_eq!(
            describe(&hog, dark).unwrap(),
            describe(&hog, bright.view()).unwrap()
        );
    }
}

/// Enough pictures for several blocks, one of them not full.
#[test]
fn parallel_equals_serial() {
    let images =
        Array3::from_shape_fn((333, 28, 28), |(n, i, j)| (n * 31 + i * i * 7 + j * 13) as u8);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| describe(&Descriptor::default(), images.view()).unwrap())
    };
    let serial = with(1);
    assert_eq!(serial.dim(), (333, 324));
    assert_eq!(serial, with(2));
    assert_eq!(serial, with(7));
}
