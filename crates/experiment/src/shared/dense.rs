//! Descriptors of maps by their names: a detector's file knows no more.

use procrust_images::{DescribeDense, EfficientNetMap, HogCells};

/// The descriptor that has this name, as `hog-cells(cell=8,floor=1)`, if there is one.
#[must_use]
pub fn dense_by_name(name: &str) -> Option<Box<dyn DescribeDense>> {
    let (kind, settings) = name.strip_suffix(')')?.split_once('(')?;
    let setting =
        |key: &str| settings.split(',').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    let found: Box<dyn DescribeDense> = match kind {
        "hog-cells" => {
            let (cell, floor) = (setting("cell")?.parse().ok()?, setting("floor")?.parse().ok()?);
            Box::new(HogCells { cell, floor })
        }
        "efficientnet-lite0-map" => {
            let unit = setting("unit")?.parse().ok()?;
            Box::new(EfficientNetMap { unit, ..EfficientNetMap::named(setting("level")?)? })
        }
        _ => return None,
    };
    // What the name does not say in the same words is another descriptor.
    (found.channels().is_ok() && found.name() == name).then_some(found)
}

/// The descriptor of a full name, or of its kind with default settings.
#[must_use]
pub fn descriptor_named(name: &str) -> Option<Box<dyn DescribeDense>> {
    match name {
        "hog-cells" => Some(Box::new(HogCells::default())),
        "efficientnet-lite0-map" => Some(Box::new(EfficientNetMap::default())),
        other => dense_by_name(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        for hog in [HogCells::default(), HogCells { cell: 4, floor: 0.5 }] {
            assert_eq!(dense_by_name(&hog.name()).unwrap().name(), hog.name());
        }
        for name in
            ["", "hog-cells", "hog-cells(cell=8)", "hog-cells(cell=1,floor=1)", "x(cell=8,floor=1)"]
        {
            assert!(dense_by_name(name).is_none(), "{name}");
        }
    }
}
