//! Descriptors of pictures as people write them, with what takes more than settings: bags of words, and networks
//! whose files lie beside a plan.

use std::path::Path;

use procrust_images::{BagOfWords, Describe, ImagesError, OnnxModel, WrittenBag, descriptor_with};

/// Checks a descriptor before anything is read for it; whether there is a bag of words in it.
pub(crate) fn check(written: &str, folder: &Path) -> Result<bool, ImagesError> {
    let mut bag = false;
    descriptor_with(written, |part| {
        if let Some(read) = WrittenBag::parse(part) {
            bag = true;
            // Stands in for the bag, whose words are not known yet.
            let stand_in = |_| Box::new(procrust_images::Pixels::default()) as Box<dyn Describe>;
            return Some(read.map(stand_in));
        }
        network(part, folder)
    })?;
    Ok(bag)
}

/// Makes a descriptor; `bag` makes the bags of words in it. Paths of networks start at `folder`.
pub(crate) fn make<E: From<ImagesError>>(
    written: &str,
    folder: &Path,
    mut bag: impl FnMut(&WrittenBag) -> Result<BagOfWords, E>,
) -> Result<Box<dyn Describe>, E> {
    let mut failed = None;
    let made = descriptor_with(written, |part| {
        let read = match WrittenBag::parse(part) {
            None => return network(part, folder),
            Some(Err(error)) => return Some(Err(error)),
            Some(Ok(read)) => read,
        };
        Some(match bag(&read) {
            Ok(bag) => Ok(Box::new(bag) as Box<dyn Describe>),
            Err(error) => {
                failed = Some(error);
                Err(ImagesError::NoParts)
            }
        })
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(made?),
    }
}

fn network(part: &str, folder: &Path) -> Option<Result<Box<dyn Describe>, ImagesError>> {
    let open = |model: OnnxModel| Box::new(model) as Box<dyn Describe>;
    part.ends_with(".onnx").then(|| OnnxModel::open(folder.join(part)).map(open))
}

/// Short names for written descriptors, all different: without their settings where that is enough.
pub(crate) fn labels(written: &[String]) -> Vec<String> {
    let short: Vec<String> = written.iter().map(|written| without_settings(written)).collect();
    let twice = |label: &String| short.iter().filter(|other| *other == label).count() > 1;
    let label = |(short, written): (&String, &String)| match twice(short) {
        true => written.clone(),
        false => short.clone(),
    };
    short.iter().zip(written).map(label).collect()
}

fn without_settings(written: &str) -> String {
    let (mut depth, mut short) = (0_usize, String::new());
    for c in written.chars().filter(|c| !c.is_whitespace()) {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => short.push(c),
            _ => {}
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_and_different() {
        let of =
            |written: &[&str]| labels(&written.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(&["hog(size=16, cell=4) + color", "bow(words=9)"]), ["hog+color", "bow"]);
        assert_eq!(
            of(&["hog(size=16)", "lbp", "hog(size=32)"]),
            ["hog(size=16)", "lbp", "hog(size=32)"]
        );
    }

    #[test]
    fn what_is_wrong_is_said_at_once() {
        let folder = Path::new(".");
        assert!(check("hog+bow(words=9)", folder).unwrap());
        assert!(!check("hog", folder).unwrap());
        let said = |written| check(written, folder).unwrap_err().to_string();
        assert!(said("bow(words=x)").contains("a whole number for `words`, found `x`"));
        assert!(said("hog+nothing.onnx").contains("nothing.toml"), "{}", said("nothing.onnx"));
    }
}
