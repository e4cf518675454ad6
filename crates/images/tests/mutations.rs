//! The laws that `fuzz` tests for hours, on seeds that are changed a few hundred times.

#[path = "../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a crate of its own for the fuzzer")]
mod laws;

use std::path::Path;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Of each seed some copies, each with a few bytes changed, taken out or put in.
fn changed(seeds: &[Vec<u8>], copies: usize, check: fn(&[u8])) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for seed in seeds {
        check(seed);
        for _ in 0..copies {
            let mut bytes = seed.clone();
            for _ in 0..rng.random_range(1..6) {
                let at = rng.random_range(0..=bytes.len());
                match rng.random_range(0..4) {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at, rng.random()),
                    _ if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8_u8),
                    _ => {}
                }
            }
            check(&bytes);
        }
    }
}

#[test]
fn pictures() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/files");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(seeds.len() >= 60);
    changed(&seeds, 20, laws::picture);
}

#[test]
fn lists() {
    let seeds = ["a/b.png,cat\nc.jpg, two words\r\n\nd,e.png,\n", "\u{feff}é\t.png,\u{7}\n"];
    changed(&seeds.map(|text| text.as_bytes().to_vec()), 2000, laws::list);
}

#[test]
fn descriptors() {
    let seeds = [
        "hog(size=64,cell=8)+color(space=hsv,bins=8x4x4)",
        "hog-opencv(gamma=false,signed=true,clip=0.3)",
        "lbp(points=16,radius=2.5,grid=2,size=64)+pixels",
        "bow(weights=tf-idf,words=50,cells=3x5,seed=9)",
    ];
    changed(&seeds.map(|text| text.as_bytes().to_vec()), 2000, laws::written);
}

#[test]
fn vocabularies() {
    use procrust_images::{DenseSift, Items, Vocabulary, VocabularySettings};
    let stack = ndarray::Array3::from_shape_fn((4, 16, 16), |(n, i, j)| (n * 40 + i * j) as u8);
    let sift = DenseSift { size: 16, step: 4, cells: vec![2] };
    let settings = VocabularySettings { sift, words: 3, ..VocabularySettings::default() };
    let items = Items::of_stack(stack, None).unwrap();
    let learned =
        Vocabulary::learn(&items, &settings, || std::ops::ControlFlow::Continue(())).unwrap();
    changed(&[learned.to_bytes()], 3000, laws::vocabulary);
}
