//! Pictures that are unusual, damaged or none: each is decoded right or skipped with a reason.
//! `hostile/make.py` made the files and says what is to be found.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use procrust_images::{Color, Decoding, Extraction, ImagesError, Items, Picture};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Good { size: [usize; 2], colours: Vec<[u8; 3]>, within: u8 },
    Bad { reason: String },
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile")
}

fn expected() -> BTreeMap<String, Expected> {
    let text = fs::read_to_string(folder().join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The bytes of a file; what is packed is unpacked, twice where it was packed twice.
fn bytes(name: &str) -> Vec<u8> {
    let mut bytes = fs::read(folder().join("files").join(name)).unwrap();
    while bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).unwrap();
        bytes = unpacked;
    }
    bytes
}

fn whole_reason(error: &ImagesError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// What is wrong with how a file was decoded, if anything is.
fn verdict(expected: &Expected, found: &Result<Picture, ImagesError>) -> Option<String> {
    match (expected, found) {
        (_, Err(error @ ImagesError::Panicked { .. })) => Some(error.to_string()),
        (Expected::Bad { reason }, Err(error)) => {
            let text = whole_reason(error);
            (!text.contains(reason)).then(|| format!("expected `{reason}`, found `{text}`"))
        }
        (Expected::Bad { .. }, Ok(picture)) => {
            Some(format!("decoded to {} × {}", picture.width(), picture.height()))
        }
        (Expected::Good { .. }, Err(error)) => Some(whole_reason(error)),
        (Expected::Good { size, colours, within }, Ok(picture)) => {
            let found = [picture.width(), picture.height()];
            if found != *size {
                return Some(format!("expected {size:?}, found {found:?}"));
            }
            colours.iter().enumerate().find_map(|(at, colour)| {
                // The middle of the quarter.
                let (x, y) = ((2 * (at % 2) + 1) * found[0] / 4, (2 * (at / 2) + 1) * found[1] / 4);
                let pixel = &picture.pixels()[3 * (y * found[0] + x)..][..3];
                let off = pixel.iter().zip(colour).any(|(a, b)| a.abs_diff(*b) > *within);
                off.then(|| format!("quarter {at}: expected {colour:?}, found {pixel:?}"))
            })
        }
    }
}

#[test]
fn every_file_is_decoded_right_or_refused() {
    let expected = expected();
    assert!(expected.len() >= 60);
    let in_folder = fs::read_dir(folder().join("files")).unwrap().count();
    assert_eq!(in_folder, expected.len(), "run make.py");
    let mut wrong = Vec::new();
    for (name, expected) in &expected {
        let found = Decoding::default().decode(&bytes(name));
        if let Some(what) = verdict(expected, &found) {
            wrong.push(format!("{name}: {what}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), expected.len(), wrong.join("\n"));
}

/// The most memory that this process has ever had, in bytes.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// All the files in a folder, with what a repository cannot hold: the extraction ends, has a row for each good
/// picture and a reason for every other, and takes no more memory than it says: 16 bytes for each of
/// `max_pixels`, and the file, a thread.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_of_them_is_extracted_in_little_memory() {
    use std::os::unix::{ffi::OsStrExt, fs::symlink};

    let place = tempfile::tempdir().unwrap();
    let class = place.path().join("class");
    fs::create_dir(&class).unwrap();
    let expected = expected();
    for name in expected.keys() {
        fs::write(class.join(name.trim_end_matches(".gz")), bytes(name)).unwrap();
    }
    let plain = bytes("plain.png");
    let no_text = |name: &[u8]| class.join(std::ffi::OsStr::from_bytes(name));
    fs::write(no_text(b"caf\xe9.png"), &plain).unwrap();
    fs::write(no_text(b"tab\tand\nline.png"), &plain).unwrap();
    fs::create_dir(class.join("x.jpg")).unwrap();
    symlink("nowhere.png", class.join("dangling.png")).unwrap();
    symlink("self.png", class.join("self.png")).unwrap();
    symlink("plain.png", class.join("link.png")).unwrap();
    symlink(place.path(), class.join("up")).unwrap();
    let pipe = class.join("pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::File::create(class.join("long.png")).unwrap().set_len(1 << 40).unwrap();

    let decoding = Decoding { max_pixels: 1 << 20, ..Decoding::default() };
    let descriptor = Color::default();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let items = Items::of_folder(place.path()).unwrap();
    let before = peak();
    let (rows, extracted) = pool
        .install(|| {
            let extraction = Extraction::new(&descriptor).decoding(decoding);
            extraction.to_array(&items, |_| ControlFlow::Continue(()))
        })
        .unwrap();
    let taken = peak() - before;

    let good = expected.values().filter(|e| matches!(e, Expected::Good { .. })).count();
    let bad = expected.len() - good;
    // Two names that are no text, and the link; a folder, two links, a link to a folder, a pipe, a long file.
    assert_eq!((rows.nrows(), extracted.skipped.len()), (good + 3, bad + 6));
    let name = |at: &usize| items.items[*at].name.as_str();
    let names: Vec<&str> = extracted.kept.iter().map(name).collect();
    assert!(names.contains(&"class/caf\\xe9.png") && names.contains(&"class/tab\\tand\\nline.png"));
    for skipped in &extracted.skipped {
        assert!(!skipped.reason().is_empty() && !skipped.reason().contains('\n'));
        assert!(!matches!(skipped.error, ImagesError::Panicked { .. }), "{}", skipped.name);
    }
    let reason = |name: &str| {
        let found = extracted.skipped.iter().find(|skipped| skipped.name == name);
        found.unwrap_or_else(|| panic!("{name} is skipped")).reason()
    };
    assert!(reason("class/x.jpg").contains("found a folder, a pipe or a device"));
    assert!(reason("class/pipe.png").contains("found a folder, a pipe or a device"));
    assert!(reason("class/dangling.png").starts_with("cannot read the file: "));
    assert!(reason("class/self.png").starts_with("cannot read the file: "));
    assert!(reason("class/up").contains("a link to a folder is not followed"));
    assert!(reason("class/long.png").contains("expected at most"));

    // Two threads, the longest file, and 4 MB for what the allocator and the stacks keep.
    let longest = expected.keys().map(|name| bytes(name).len() as u64).max().unwrap();
    let bound = 2 * (16 * decoding.max_pixels + longest) + (4 << 20);
    assert!(taken <= bound, "{taken} bytes taken, at most {bound} said");
}
