//! Files to pictures.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::error::ImagesError;
use crate::picture::Picture;

/// Reads files of pictures: jpeg, png, gif, bmp, webp, tiff, and the pnm family (pbm, pgm, ppm, pam).
///
/// The content tells the format, whatever the file is called. What comes out is always 8-bit RGB:
///
/// - the orientation that a camera wrote (EXIF) is applied;
/// - 16 bits become 8, rounded; palettes and CMYK become RGB; colour profiles are not looked at;
/// - what is transparent lies on white;
/// - of a moving picture, the first frame.
///
/// No header is believed. Decoding takes at most 16 bytes for each of `max_pixels`, beside the file
/// itself. A file that ends before its picture does is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoding {
    /// The most pixels that a picture may have. Default: 2²⁶, about 67 million.
    pub max_pixels: u64,
    /// The most bytes that a file may have. Default: 2²⁸, 256 MB.
    pub max_bytes: u64,
}

impl Default for Decoding {
    fn default() -> Self {
        Self { max_pixels: 1 << 26, max_bytes: 1 << 28 }
    }
}

/// The greatest width and height; jpeg has no greater.
const MAX_SIDE: u32 = 65_535;

/// Bytes for each of `max_pixels` that a decoder may fill, so that with the conversion to RGB no more
/// than 16 are taken.
const DECODED_BYTES: u64 = 8;

/// The formats and what they are called.
const FORMATS: [(ImageFormat, &str); 7] = [
    (ImageFormat::Jpeg, "jpeg"),
    (ImageFormat::Png, "png"),
    (ImageFormat::Gif, "gif"),
    (ImageFormat::Bmp, "bmp"),
    (ImageFormat::WebP, "webp"),
    (ImageFormat::Tiff, "tiff"),
    (ImageFormat::Pnm, "pnm"),
];

impl Decoding {
    /// Reads the bytes of a file, as many as are allowed.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Read`] when the system does not give them; [`ImagesError::NotAFile`] for
    /// folders, pipes and devices; [`ImagesError::LongFile`] when there are more than `max_bytes`.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, ImagesError> {
        // Asked before opening: to open a pipe waits for its other end.
        let metadata = std::fs::metadata(path).map_err(ImagesError::Read)?;
        if !metadata.is_file() {
            return Err(ImagesError::NotAFile);
        }
        let most = self.max_bytes;
        if metadata.len() > most {
            return Err(ImagesError::LongFile { most });
        }
        let file = std::fs::File::open(path).map_err(ImagesError::Read)?;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(ImagesError::Read)?;
        if bytes.len() as u64 > most {
            return Err(ImagesError::LongFile { most });
        }
        Ok(bytes)
    }

    /// Reads a file and decodes it.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read) and [`decode`](Self::decode).
    pub fn open(&self, path: &Path) -> Result<Picture, ImagesError> {
        self.decode(&self.read(path)?)
    }

    /// Decodes the bytes of a file.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Format`] when this is no picture of a known format; [`ImagesError::ManyPixels`];
    /// [`ImagesError::CutOff`]; [`ImagesError::Decode`] when the content is damaged or of a kind that
    /// is not supported; [`ImagesError::Panicked`] when the decoder of a foreign library did: its
    /// panics end there.
    pub fn decode(&self, bytes: &[u8]) -> Result<Picture, ImagesError> {
        let found = image::guess_format(bytes).ok();
        let known = FORMATS.iter().find(|(format, _)| Some(*format) == found);
        let Some(&(format, name)) = known else {
            return Err(if bytes.is_empty() { ImagesError::NoBytes } else { ImagesError::Format });
        };
        if format == ImageFormat::Jpeg && !jpeg_ends(bytes) {
            // The decoder would fill the rest with grey.
            return Err(ImagesError::CutOff { format: name });
        }
        catch_unwind(AssertUnwindSafe(|| self.decode_as(format, name, bytes)))
            .unwrap_or(Err(ImagesError::Panicked { format: name }))
    }

    fn decode_as(
        &self,
        format: ImageFormat,
        name: &'static str,
        bytes: &[u8],
    ) -> Result<Picture, ImagesError> {
        let failed =
            |cause: image::ImageError| ImagesError::Decode { format: name, cause: Box::new(cause) };
        let allowed = self.max_pixels.saturating_mul(DECODED_BYTES);
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        // Sides are looked at below, so that the message can name them.
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(allowed);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(failed)?;

        let (width, height) = decoder.dimensions();
        let many = ImagesError::ManyPixels { width, height, most: self.max_pixels };
        let pixels = u64::from(width) * u64::from(height);
        if pixels > self.max_pixels || width > MAX_SIDE || height > MAX_SIDE {
            return Err(many);
        }
        if decoder.total_bytes() > allowed {
            return Err(many);
        }
        let orientation = decoder.orientation().map_err(failed)?;
        let mut decoded = DynamicImage::from_decoder(decoder).map_err(failed)?;
        decoded.apply_orientation(orientation);
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        let rgb = if decoded.color().has_alpha() { on_white(decoded) } else { decoded.into_rgb8() };
        Picture::from_rgb(width, height, rgb.into_raw())
    }
}

/// Lays a picture over white.
fn on_white(picture: DynamicImage) -> image::RgbImage {
    let rgba = picture.into_rgba8();
    let (width, height) = rgba.dimensions();
    let mut rgb = Vec::with_capacity(rgba.as_raw().len() / 4 * 3);
    for pixel in rgba.as_raw().chunks_exact(4) {
        let alpha = u32::from(pixel[3]);
        let over = |value: u8| ((u32::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        rgb.extend([over(pixel[0]), over(pixel[1]), over(pixel[2])]);
    }
    image::RgbImage::from_raw(width, height, rgb).expect("there are three bytes a pixel")
}

/// Whether a jpeg goes on to its end-of-image marker.
///
/// Headers are skipped by their lengths; a preview among them has an end of its own. In the picture's data
/// 0xFF is followed by 0 or a restart marker (D0 to D7), so that anything else there is a marker.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut at = 2; // behind the start-of-image marker
    let mut in_data = false;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr(0xFF, rest)) {
        at += found + 1;
        match bytes.get(at) {
            None => return false,
            Some(0xFF) => {} // padding: the next may be the marker
            Some(0x00 | 0x01 | 0xD0..=0xD7) => at += 1,
            Some(0xD9) => return in_data,
            Some(&marker) => {
                in_data |= marker == 0xDA;
                let Some(length) = bytes.get(at + 1..at + 3) else { return false };
                at += 1 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, Rgb, Rgba};

    fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn checked() -> DynamicImage {
        let pixel = |x, y| Rgb([(40 * x) as u8, (50 * y) as u8, (10 * (x + y)) as u8]);
        ImageBuffer::from_fn(5, 4, pixel).into()
    }

    #[test]
    fn lossless_formats_come_back() {
        let picture = checked();
        let expected = picture.to_rgb8().into_raw();
        for (format, name) in FORMATS {
            let lossy = matches!(format, ImageFormat::Jpeg | ImageFormat::Gif);
            let decoded = Decoding::default().decode(&encode(&picture, format)).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (5, 4), "{name}");
            if !lossy {
                assert_eq!(decoded.pixels(), expected, "{name}");
            }
        }
    }

    #[test]
    fn transparent_lies_on_white() {
        let pixels = vec![10, 20, 30, 255, 10, 20, 30, 0, 10, 20, 30, 51];
        let rgba: DynamicImage = ImageBuffer::<Rgba<u8>, _>::from_raw(3, 1, pixels).unwrap().into();
        let decoded = Decoding::default().decode(&encode(&rgba, ImageFormat::Png)).unwrap();
        // 51 is a fifth of 255: 0.2 · 10 + 0.8 · 255 = 206.
        assert_eq!(decoded.pixels(), [10, 20, 30, 255, 255, 255, 206, 208, 210]);
    }

    #[test]
    fn sixteen_bits_are_rounded() {
        let pixels: Vec<u16> = vec![0, 257, 65535, 128, 129, 40000];
        let deep: DynamicImage = ImageBuffer::<Rgb<u16>, _>::from_raw(2, 1, pixels).unwrap().into();
        let decoded = Decoding::default().decode(&encode(&deep, ImageFormat::Png)).unwrap();
        assert_eq!(decoded.pixels(), [0, 1, 255, 0, 1, 156]);
    }

    #[test]
    fn what_is_refused() {
        let png = encode(&checked(), ImageFormat::Png);
        let error = |bytes: &[u8]| Decoding::default().decode(bytes).unwrap_err().to_string();
        assert_eq!(error(b""), "the file is empty");
        assert_eq!(
            error(b"GIF is what it says"),
            "expected a picture: jpeg, png, gif, bmp, webp, tiff or pnm"
        );
        assert_eq!(error(&png[..png.len() / 2]), "the png is damaged or of a kind not supported");
        let few = Decoding { max_pixels: 19, ..Decoding::default() };
        assert_eq!(
            few.decode(&png).unwrap_err().to_string(),
            "a picture of 5 × 4 pixels: expected at most 19 pixels, 65535 a side and 8 bytes a pixel"
        );
        let short = Decoding { max_bytes: 10, ..Decoding::default() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.png");
        std::fs::write(&path, &png).unwrap();
        assert_eq!(short.open(&path).unwrap_err().to_string(), "expected at most 10 bytes");
        assert_eq!(Decoding::default().open(&path).unwrap().width(), 5);
        assert!(matches!(short.open(folder.path()), Err(ImagesError::NotAFile)));
        assert!(matches!(short.open(&folder.path().join("y")), Err(ImagesError::Read(_))));
    }

    /// Wherever a jpeg is cut, it is refused: its last two bytes say that it ends.
    #[test]
    fn cut_jpegs_are_refused() {
        let jpeg = encode(&checked(), ImageFormat::Jpeg);
        assert!(Decoding::default().decode(&jpeg).is_ok());
        for length in 3..jpeg.len() {
            let error = Decoding::default().decode(&jpeg[..length]).unwrap_err();
            assert!(matches!(error, ImagesError::CutOff { .. }), "{length}: {error}");
        }
        let trailing = [jpeg.as_slice(), b"more"].concat();
        assert!(Decoding::default().decode(&trailing).is_ok());
    }
}
