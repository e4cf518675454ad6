//! Pages of a table, between the library that unpacks them and the library that decodes them.
//!
//! A page says itself how many values it has; the delta encodings of strings, in which the library
//! believes a number within the page, are decoded here.

use ::parquet::basic::{Encoding, Type};
use ::parquet::column::page::{Page, PageMetadata, PageReader};
use ::parquet::errors::{ParquetError, Result};

use super::delta::append_plain;
use super::general;

/// Pages that are what the library believes of them.
pub(super) struct Pages {
    pub(super) pages: Box<dyn PageReader>,
    /// The kind of the column's values.
    pub(super) kind: Type,
    /// Whether values of the column may be null.
    pub(super) nulls: bool,
    /// The most bytes of a page.
    pub(super) limit: u64,
}

impl Pages {
    fn checked(&self, page: Page) -> Result<Page> {
        let dictionary = |encoding| {
            matches!(
                encoding,
                Encoding::PLAIN | Encoding::PLAIN_DICTIONARY | Encoding::RLE_DICTIONARY
            )
        };
        match page {
            Page::DictionaryPage { ref buf, num_values, encoding, .. } => {
                // A value takes four bytes at least: a string, those of its length.
                let least = if self.kind == Type::DOUBLE { 8 } else { 4 };
                if u64::from(num_values) * least > buf.len() as u64 {
                    let length = buf.len();
                    return Err(general(format!("{num_values} values in {length} bytes")));
                }
                if !dictionary(encoding) {
                    return Err(unsupported(encoding));
                }
                Ok(page)
            }
            Page::DataPage { encoding, .. } | Page::DataPageV2 { encoding, .. }
                if dictionary(encoding)
                    || (encoding == Encoding::BYTE_STREAM_SPLIT
                        && self.kind != Type::BYTE_ARRAY) =>
            {
                Ok(page)
            }
            Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding,
                rep_level_encoding,
                statistics,
            } if self.kind == Type::BYTE_ARRAY => {
                let start = match (self.nulls, buf.first_chunk::<4>()) {
                    (false, _) => 0,
                    (true, Some(&length)) if def_level_encoding == Encoding::RLE => {
                        (u32::from_le_bytes(length) as usize).saturating_add(4)
                    }
                    _ => return Err(unsupported(encoding)),
                };
                let buf = self.plain(&buf, start, num_values, encoding)?.into();
                let encoding = Encoding::PLAIN;
                Ok(Page::DataPage {
                    buf,
                    num_values,
                    encoding,
                    def_level_encoding,
                    rep_level_encoding,
                    statistics,
                })
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls,
                num_rows,
                def_levels_byte_len,
                rep_levels_byte_len,
                is_compressed,
                statistics,
            } if self.kind == Type::BYTE_ARRAY => {
                let start = def_levels_byte_len as usize + rep_levels_byte_len as usize;
                let buf = self.plain(&buf, start, num_values, encoding)?.into();
                let encoding = Encoding::PLAIN;
                Ok(Page::DataPageV2 {
                    buf,
                    num_values,
                    encoding,
                    num_nulls,
                    num_rows,
                    def_levels_byte_len,
                    rep_levels_byte_len,
                    is_compressed,
                    statistics,
                })
            }
            Page::DataPage { encoding, .. } | Page::DataPageV2 { encoding, .. } => {
                Err(unsupported(encoding))
            }
        }
    }

    /// The page with strings, which start at a byte of it in one of the delta encodings, in the plain
    /// one.
    fn plain(&self, page: &[u8], start: usize, values: u32, encoding: Encoding) -> Result<Vec<u8>> {
        let prefixes = match encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY => false,
            Encoding::DELTA_BYTE_ARRAY => true,
            other => return Err(unsupported(other)),
        };
        let damaged = || general(format!("a damaged page in the encoding {encoding}"));
        let (levels, strings) = page.split_at_checked(start).ok_or_else(damaged)?;
        let mut plain = levels.to_vec();
        append_plain(strings, prefixes, values as usize, self.limit, &mut plain)
            .ok_or_else(damaged)?;
        Ok(plain)
    }
}

fn unsupported(encoding: Encoding) -> ParquetError {
    general(format!("expected values plain or in a dictionary, found the encoding {encoding}"))
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.pages.get_next_page()?.map(|page| self.checked(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}
