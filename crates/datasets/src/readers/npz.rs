//! NumPy's `.npz`: a zip archive of `.npy` files.

use std::path::Path;

use super::npy::Header;
use super::variables::{self, Array, Variable};
use super::zip::Archive;
use super::{Table, TableOptions};
use crate::DatasetError;

/// What a part of such a file is called.
const KIND: &str = "array";

pub(super) fn read(path: &Path, options: &TableOptions) -> Result<Table, DatasetError> {
    let mut archive = Archive::open(path)?;
    let mut arrays = Vec::new();
    let mut places = Vec::new(); // of the arrays among the members
    for index in 0..archive.members.len() {
        let Some(name) = archive.members[index].name.strip_suffix(".npy").map(str::to_owned) else {
            continue;
        };
        let header = Header::read(&mut archive.member(index)?.reader, path)?;
        arrays.push(Variable { name, shape: header.shape, content: (&header.item).into() });
        places.push(index);
    }

    let (features, label) = variables::choose(path, KIND, &arrays, options)?;
    let mut parts = Vec::new();
    let mut picture = None;
    for &index in &features {
        let name = &arrays[index].name;
        let array: Array = read_member(&mut archive, places[index], path, |header, member| {
            header.read_array(&mut member.reader, member.length, path, name)
        })?;
        let rows = variables::rows(path, name, array)?;
        picture = rows.picture.filter(|_| features.len() == 1);
        parts.push(rows.features);
    }
    let features = variables::beside(path, &options.features, parts)?;

    let labels = match label {
        Some(index) => {
            let name = &arrays[index].name;
            let labels = read_member(&mut archive, places[index], path, |header, member| {
                header.read_labels(&mut member.reader, member.length, path, name)
            })?;
            super::labels::check_count(path, features.nrows(), labels.len())?;
            Some(labels)
        }
        None => None,
    };
    let mut table = Table::new(path, features, labels);
    table.picture = picture;
    Ok(table)
}

/// Reads a member and compares its checksum.
fn read_member<T>(
    archive: &mut Archive,
    index: usize,
    path: &Path,
    read: impl FnOnce(Header, &mut super::zip::MemberReader<'_>) -> Result<T, DatasetError>,
) -> Result<T, DatasetError> {
    let mut member = archive.member(index)?;
    let header = Header::read(&mut member.reader, path)?;
    let value = read(header, &mut member)?;
    member.finish()?;
    Ok(value)
}
