//! What holds for whatever bytes a file has.

use std::path::Path;

use procrust_images::{
    Decoding, Describe, ImagesError, Items, Pixels, Vocabulary, WrittenBag, descriptor,
};

/// Pictures have at most this many pixels here: 1 MB of memory.
const MAX_PIXELS: u64 = 1 << 16;

/// A picture within the limit, which can be described; or an error that says what is wrong. When the decoder of
/// a foreign library panics, the fuzzer hears of it, although the panic ends in ours.
pub fn picture(bytes: &[u8]) {
    let decoding = Decoding { max_pixels: MAX_PIXELS, ..Decoding::default() };
    match decoding.decode(bytes) {
        Ok(picture) => {
            let (width, height) = (picture.width(), picture.height());
            assert!(width > 0 && height > 0 && (width * height) as u64 <= MAX_PIXELS);
            assert_eq!(picture.pixels().len(), 3 * width * height);
            let mut row = [f32::NAN; 16];
            Pixels { size: 4 }.describe(&picture, &mut row).expect("a picture has pixels");
            assert!(row.iter().all(|value| (0.0..=1.0).contains(value)));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Items whose names fit into a line; or an error that names a line of the list.
pub fn list(bytes: &[u8]) {
    let lines = bytes.split(|&byte| byte == b'\n').count();
    match Items::parse_list(bytes, Path::new("folder")) {
        Ok(items) => {
            assert!(items.items.len() <= lines);
            for item in &items.items {
                let mut texts = [Some(&item.name), item.label.as_ref()].into_iter().flatten();
                assert!(texts.all(|text| !text.is_empty() && !text.contains(char::is_control)));
            }
        }
        Err(ImagesError::List { line, .. }) => assert!((1..=lines).contains(&line)),
        Err(error) => panic!("{error}"),
    }
}

/// A descriptor that its own name leads back to; or an error.
pub fn written(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(Ok(bag)) = WrittenBag::parse(text) {
        assert!(!format!("{bag:?}").is_empty());
    }
    // The filters of a large bank take long to make.
    if text.contains("gist") {
        return;
    }
    if let Ok(made) = descriptor(text) {
        let again = descriptor(&made.name()).expect("its own name is one");
        assert_eq!(again.name(), made.name());
        let dimensions = |made: &dyn Describe| made.dimensions().expect("it was checked");
        assert_eq!(dimensions(&*again), dimensions(&*made));
    }
}

/// A vocabulary that comes back from its own bytes; or an error.
pub fn vocabulary(bytes: &[u8]) {
    if let Ok(found) = Vocabulary::from_bytes(bytes) {
        let again = Vocabulary::from_bytes(&found.to_bytes()).expect("it was written just now");
        assert_eq!(again, found);
    }
}
