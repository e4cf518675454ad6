//! What Arrow programs are told of the columns: that the lists have a fixed size.
//!
//! Parquet has no lists of a fixed size. Programs that use Arrow store the schema that they know
//! beside Parquet's, under the key `ARROW:schema`: a message of Arrow's IPC format
//! (<https://arrow.apache.org/docs/format/Columnar.html#schema-message>), a flatbuffer
//! (<https://flatbuffers.dev/internals/>; tables of `Message.fbs` and `Schema.fbs`), in base64.

/// The key.
pub(super) const KEY: &str = "ARROW:schema";

// Numbers from Arrow's definitions.
const VERSION_5: i32 = 4;
const HEADER_SCHEMA: i32 = 1;
const TYPE_FLOATING_POINT: i32 = 3;
const TYPE_UTF8: i32 = 5;
const TYPE_FIXED_SIZE_LIST: i32 = 16;
const PRECISION_SINGLE: i32 = 1;

/// The value: columns `word`, strings, and `vector`, lists of so many `f32` called `element`; none
/// may be null. `None` for more dimensions than Arrow can say.
pub(super) fn message(columns: usize) -> Option<String> {
    let columns = i32::try_from(columns).ok()?;
    let mut flat = Flat(vec![0; 4]);
    // Version, kind of header, header.
    let [_, _, header] = flat.table(0, [Field(VERSION_5), Field(HEADER_SCHEMA), Link]);
    // Byte order (little), fields.
    let [_, fields] = flat.table(header, [Field(0), Link]);
    let [word, vector] = flat.vector(fields);

    flat.field(word, "word", TYPE_UTF8, [], |flat, kind| {
        let [] = flat.table(kind, []);
    });
    let [element] = flat.field(vector, "vector", TYPE_FIXED_SIZE_LIST, [()], |flat, kind| {
        flat.table(kind, [Field(columns)]);
    });
    flat.field(element, "element", TYPE_FLOATING_POINT, [], |flat, kind| {
        flat.table(kind, [Field(PRECISION_SINGLE)]);
    });

    // A mark of four bytes, the length, the message up to a multiple of eight.
    let mut message = flat.0;
    message.resize(message.len().next_multiple_of(8), 0);
    let length = message.len() as u32;
    let framed = [&[0xff; 4], &length.to_le_bytes()[..], &message].concat();
    Some(base64(&framed))
}

/// What is in a table's place for a field: a number, which takes four bytes whatever its kind has, or
/// the distance of something that comes later, or nothing.
#[derive(Clone, Copy)]
enum Slot {
    Number(i32),
    Link,
    None,
}
use Slot::{Link, Number as Field};

/// A flatbuffer that is written from its start: what a table links to comes behind it. Whatever takes
/// a `link` is where the distance to it is filled in.
struct Flat(Vec<u8>);

impl Flat {
    /// What comes next is what the link leads to.
    fn link(&mut self, link: usize) {
        let distance = (self.0.len() - link) as u32;
        self.0[link..link + 4].copy_from_slice(&distance.to_le_bytes());
    }

    fn align(&mut self) {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    /// A table, behind the list of where its fields are; where their places are in the buffer.
    fn table<const N: usize>(&mut self, link: usize, fields: [Slot; N]) -> [usize; N] {
        self.align();
        if N % 2 == 1 {
            self.0.extend([0; 2]); // so that the table is at a multiple of four
        }
        let list = self.0.len();
        let there = fields.iter().filter(|field| !matches!(field, Slot::None)).count();
        let mut lengths = vec![4 + 2 * N as u16, 4 + 4 * there as u16];
        let mut next = 4;
        for field in fields {
            lengths.push(if let Slot::None = field { 0 } else { next });
            next += if let Slot::None = field { 0 } else { 4 };
        }
        self.0.extend(lengths.iter().flat_map(|length| length.to_le_bytes()));
        self.link(link);
        let table = self.0.len();
        self.0.extend(((table - list) as i32).to_le_bytes());
        for field in fields {
            match field {
                Slot::Number(number) => self.0.extend(number.to_le_bytes()),
                Slot::Link => self.0.extend([0; 4]),
                Slot::None => {}
            }
        }
        std::array::from_fn(|i| table + usize::from(lengths[2 + i]))
    }

    /// A list of links.
    fn vector<const N: usize>(&mut self, link: usize) -> [usize; N] {
        self.align();
        self.link(link);
        self.0.extend((N as u32).to_le_bytes());
        let start = self.0.len();
        self.0.extend(vec![0; 4 * N]);
        std::array::from_fn(|i| start + 4 * i)
    }

    /// A column, its kind, which `kind` writes, and links to its children.
    fn field<const N: usize>(
        &mut self,
        link: usize,
        name: &str,
        number: i32,
        _: [(); N],
        kind: impl FnOnce(&mut Self, usize),
    ) -> [usize; N] {
        // Name, whether it may be null, number of its kind, kind, dictionary, children.
        let fields = [Link, Field(0), Field(number), Link, Slot::None, Link];
        let [text, _, _, table, _, children] = self.table(link, fields);
        self.align();
        self.link(text);
        self.0.extend((name.len() as u32).to_le_bytes());
        self.0.extend(name.as_bytes());
        self.0.push(0);
        kind(self, table);
        self.vector(children)
    }
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, i| bits << 8 | usize::from(*three.get(i).unwrap_or(&0)));
        for i in 0..4 {
            let digit = DIGITS[bits >> (18 - 6 * i) & 63];
            text.push(if i <= three.len() { digit.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648.
    #[test]
    fn base64_of_the_rfc() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (bytes, text) in pairs {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    /// Walks the links of a message: tables are at multiples of four and hold what was put there.
    #[test]
    fn links_lead_to_tables() {
        let mut flat = Flat(vec![0; 4]);
        let [_, link, list] = flat.table(0, [Field(7), Link, Link]);
        let [] = flat.table(link, []);
        let [one] = flat.vector(list);
        flat.table(one, [Slot::None, Field(-3)]);
        let bytes = &flat.0;
        let number = |at: usize| i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let field = |table: usize, i: usize| {
            let list = table - number(table) as usize;
            let at = list + 4 + 2 * i;
            let there = u16::from_le_bytes([bytes[at], bytes[at + 1]]);
            (there > 0).then(|| table + usize::from(there))
        };
        let follow = |at: usize| at + number(at) as usize;
        let root = follow(0);
        assert_eq!(root % 4, 0);
        assert_eq!(number(field(root, 0).unwrap()), 7);
        let list = follow(field(root, 2).unwrap());
        assert_eq!(number(list), 1);
        let last = follow(list + 4);
        assert_eq!(field(last, 0), None);
        assert_eq!(number(field(last, 1).unwrap()), -3);
    }

    /// What pyarrow has understood (`tests/golden/tables.py`).
    #[test]
    fn as_pyarrow_reads_it() {
        let golden = include_str!("../../tests/golden/arrow-schema.txt");
        assert_eq!(message(5).unwrap(), golden.trim_end());
    }

    #[test]
    fn as_many_dimensions_as_arrow_can_say() {
        assert!(message(300).unwrap().starts_with("/////"));
        assert!(message(usize::MAX).is_none());
    }
}
