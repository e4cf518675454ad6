//! The readers of data files: files of other programs, broken files, files broken at random.

mod broken;
mod broken_text;
mod golden;
mod hdf5;
mod mutations;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use procrust_datasets::{DatasetError, Table, TableOptions, read_table};

/// A file made by `tests/golden/make_readers.py` or `make_hdf5.py`.
fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/readers").join(name)
}

fn golden_bytes(name: &str) -> Vec<u8> {
    fs::read(golden(name)).unwrap()
}

/// Options by names; empty `labels` leave them out.
fn options(features: &[&str], labels: &str) -> TableOptions {
    TableOptions {
        features: features.iter().map(ToString::to_string).collect(),
        labels: (!labels.is_empty()).then(|| labels.to_owned()),
    }
}

/// Writes the bytes to a file of this name and reads it; paths in errors lose their folder.
fn read_bytes(
    name: &str,
    bytes: impl AsRef<[u8]>,
    options: &TableOptions,
) -> Result<Table, DatasetError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    read_table(&path, options)
}

/// The error for such a file, with the name of the file alone in place of its path.
fn error(name: &str, bytes: impl AsRef<[u8]>, options: &TableOptions) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let error = read_table(&path, options).expect_err("the file is broken");
    error.to_string().replace(&format!("{}/", folder.path().display()), "")
}

/// A zip archive of one member with this data, deflated or stored.
fn zip(name: &str, data: &[u8], deflate: bool) -> Vec<u8> {
    use std::io::Write as _;
    let mut crc = flate2::Crc::new();
    crc.update(data);
    let packed = if deflate {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Default::default());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    } else {
        data.to_vec()
    };
    let mut common = Vec::new(); // the part that both kinds of headers share
    for short in [20, 0, if deflate { 8 } else { 0 }, 0, 0x21u16] {
        common.extend(short.to_le_bytes());
    }
    for long in [crc.sum(), packed.len() as u32, data.len() as u32, name.len() as u32] {
        common.extend(long.to_le_bytes()); // the last: length of the name, none of the extra field
    }
    let mut archive = b"PK\x03\x04".to_vec();
    archive.extend(&common);
    archive.extend(name.as_bytes());
    archive.extend(&packed);
    let directory = archive.len() as u32;
    archive.extend(b"PK\x01\x02\x14\0");
    archive.extend(&common);
    archive.extend([0; 14]); // no comment, disk 0, no attributes, offset 0
    archive.extend(name.as_bytes());
    let size = archive.len() as u32 - directory;
    archive.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    archive.extend(size.to_le_bytes());
    archive.extend(directory.to_le_bytes());
    archive.extend([0; 2]);
    archive
}

/// An `.npy` file of version 1.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\0".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(data);
    file
}

/// A little-endian element of a `.mat` file, padded.
fn element(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// A little-endian `.mat` file of one variable; `values` is the element of the values.
fn mat(name: &str, class: u32, shape: [u32; 2], values: &[u8], packed: bool) -> Vec<u8> {
    use std::io::Write as _;
    let flags = [class.to_le_bytes(), 0u32.to_le_bytes()].concat();
    let shape = shape.map(u32::to_le_bytes).concat();
    let inside = [element(6, &flags), element(5, &shape), element(1, name.as_bytes())].concat();
    let mut variable = element(14, &[&inside, values].concat());
    if packed {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Default::default());
        encoder.write_all(&variable).unwrap();
        let data = encoder.finish().unwrap();
        variable = [15u32.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
        variable.extend(data);
    }
    let mut file = b"MATLAB 5.0 MAT-file".to_vec();
    file.resize(124, b' ');
    file.extend(b"\0\x01IM");
    file.extend(variable);
    file
}
