//! Descriptors of 64 pictures of 200 × 200 grey levels, and decoding of jpegs of 800 × 600 with resizing to 224 ×
//! 224. Throughput is in pictures. `cargo xtask bench peers hog hog-opencv jpeg` times OpenCV and scikit-image on like work.

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array3;
use procrust_images::{
    BagOfWords, Decoding, Items, Picture, Vocabulary, VocabularySettings, WordWeights, describe,
    descriptor,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 11;
const PICTURES: usize = 64;
const SIDE: usize = 200;

/// Waves in each direction, and noise.
fn pictures() -> Array3<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    Array3::from_shape_fn((PICTURES, SIDE, SIDE), |(n, i, j)| {
        let (x, y) = (j as f64, i as f64 + n as f64);
        let waves = 50.0 * (x / 9.0 + y / 31.0).sin() + 40.0 * (x / 23.0 - y / 7.0).cos();
        (128.0 + waves + 12.0 * rng.random::<f64>()) as u8
    })
}

fn descriptors(c: &mut Criterion) {
    let stack = pictures();
    let mut group = c.benchmark_group("images/describe");
    group.throughput(Throughput::Elements(PICTURES as u64)).sample_size(10);
    for name in [
        "pixels",
        "hog(size=200,cell=8)",
        "hog-opencv(width=200,height=200)",
        "lbp",
        "color",
        "gist",
    ] {
        let made = descriptor(name).expect("the name is right");
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| describe(&*made, black_box(stack.view())).unwrap());
        });
    }
    let items = Items::of_stack(stack.clone(), None).expect("there are no labels");
    let settings = VocabularySettings { samples: 5000, rounds: 5, ..VocabularySettings::default() };
    let learn = || Vocabulary::learn(&items, &settings, || ControlFlow::Continue(())).unwrap();
    let bag = BagOfWords::new(learn().into(), WordWeights::L2);
    group.bench_function(BenchmarkId::from_parameter("bow"), |b| {
        b.iter(|| describe(&bag, black_box(stack.view())).unwrap());
    });
    group.finish();
    let mut group = c.benchmark_group("images/vocabulary");
    group.throughput(Throughput::Elements(PICTURES as u64)).sample_size(10);
    group.bench_function(BenchmarkId::from_parameter("256x5000"), |b| b.iter(learn));
    group.finish();
}

fn decoding(c: &mut Criterion) {
    let grey = pictures();
    let picture = Picture::from_grey(grey.index_axis(ndarray::Axis(0), 0)).expect("it has pixels");
    let large = picture.resized(800, 600).expect("the sides are within range");
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 90)
        .encode(large.pixels(), 800, 600, image::ExtendedColorType::Rgb8)
        .expect("memory can be written");
    let mut group = c.benchmark_group("images/decode");
    group.throughput(Throughput::Elements(1));
    group.bench_function(BenchmarkId::from_parameter("jpeg-800x600-to-224x224"), |b| {
        b.iter(|| Decoding::default().decode(black_box(&jpeg)).unwrap().resized(224, 224).unwrap());
    });
    group.finish();
}

criterion_group!(benches, descriptors, decoding);
criterion_main!(benches);
