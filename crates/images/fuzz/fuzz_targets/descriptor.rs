//! Descriptors as people write them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| procrust_images_fuzz::written(bytes));
