//! Boxes drawn into the pixels of a picture.

use procrust_images::{ImagesError, Picture};
use procrust_transfer::detection::FoundBox;

/// Colours that people with any colour vision can tell apart (Okabe and Ito 2008).
const COLORS: [[u8; 3]; 6] =
    [[0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [230, 159, 0], [86, 180, 233]];

/// Letters of 3 × 5 dots, 15 bits from the upper left on.
const LETTERS: [(char, u16); 41] = [
    ('0', 0o75557),
    ('1', 0o26227),
    ('2', 0o71747),
    ('3', 0o71717),
    ('4', 0o55711),
    ('5', 0o74717),
    ('6', 0o74757),
    ('7', 0o71122),
    ('8', 0o75757),
    ('9', 0o75717),
    ('a', 0o25755),
    ('b', 0o65656),
    ('c', 0o34443),
    ('d', 0o65556),
    ('e', 0o74647),
    ('f', 0o74644),
    ('g', 0o34553),
    ('h', 0o55755),
    ('i', 0o72227),
    ('j', 0o11152),
    ('k', 0o55655),
    ('l', 0o44447),
    ('m', 0o57755),
    ('n', 0o65555),
    ('o', 0o25552),
    ('p', 0o65644),
    ('q', 0o25573),
    ('r', 0o65655),
    ('s', 0o34216),
    ('t', 0o72222),
    ('u', 0o55557),
    ('v', 0o55552),
    ('w', 0o55775),
    ('x', 0o55255),
    ('y', 0o55222),
    ('z', 0o71247),
    ('.', 0o00002),
    ('-', 0o00700),
    ('_', 0o00007),
    ('%', 0o51245),
    (' ', 0o00000),
];

/// The picture with its boxes; each has its class and probability above it. Letters that have no dots are drawn
/// as a box.
///
/// # Errors
///
/// None as yet; what may be wrong with a picture.
pub fn annotated(
    picture: &Picture,
    found: &[FoundBox],
    classes: &[String],
) -> Result<Picture, ImagesError> {
    let (width, height) = (picture.width(), picture.height());
    let mut canvas = Canvas { width, height, pixels: picture.pixels().to_vec() };
    // Lines and letters that are seen at the size at which a picture is looked at.
    let dot = (width.max(height) / 320).max(1);
    for found in found {
        let color = COLORS[found.class % COLORS.len()];
        let b = found.bounds;
        #[allow(clippy::cast_possible_truncation, reason = "boxes lie in the picture")]
        let [left, top, right, bottom] =
            [b.left(), b.top(), b.right(), b.bottom()].map(|edge| edge.round() as isize);
        let line = dot as isize;
        canvas.fill((left, top), (right, top + line), color);
        canvas.fill((left, bottom - line), (right, bottom), color);
        canvas.fill((left, top), (left + line, bottom), color);
        canvas.fill((right - line, top), (right, bottom), color);
        let name = classes.get(found.class).map_or("", String::as_str);
        let text = format!("{name} {:.0}%", 100.0 * found.score);
        let size = line * if dot == 1 && width.max(height) > 200 { 2 } else { 1 };
        canvas.text((left, (top - 7 * size).max(0)), size, color, &text);
    }
    Picture::from_rgb(width, height, canvas.pixels)
}

struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Canvas {
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "clamped to the picture")]
    fn fill(&mut self, from: (isize, isize), to: (isize, isize), color: [u8; 3]) {
        let within = |at: isize, side: usize| at.clamp(0, side as isize) as usize;
        for y in within(from.1, self.height)..within(to.1, self.height) {
            for x in within(from.0, self.width)..within(to.0, self.width) {
                self.pixels[3 * (y * self.width + x)..][..3].copy_from_slice(&color);
            }
        }
    }

    #[allow(clippy::cast_possible_wrap, reason = "texts are short")]
    fn text(&mut self, (left, top): (isize, isize), size: isize, color: [u8; 3], text: &str) {
        let length = text.chars().count() as isize;
        self.fill((left, top), (left + (4 * length + 1) * size, top + 7 * size), color);
        for (at, letter) in text.chars().enumerate() {
            let letter = letter.to_ascii_lowercase();
            let known = LETTERS.iter().find(|(known, _)| *known == letter);
            let dots = known.map_or(0o77777, |(_, dots)| *dots);
            for dot in (0..15_isize).filter(|dot| dots >> (14 - dot) & 1 == 1) {
                let x = left + (4 * at as isize + 1 + dot % 3) * size;
                let y = top + (1 + dot / 3) * size;
                self.fill((x, y), (x + size, y + size), [255; 3]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use procrust_transfer::detection::BoundingBox;

    #[test]
    fn boxes_and_letters_are_drawn() {
        let picture = Picture::from_rgb(100, 60, vec![0; 18_000]).unwrap();
        let bounds = BoundingBox::new(10.0, 20.0, 50.0, 59.6).unwrap();
        let found = [FoundBox { bounds, class: 1, score: 0.5 }];
        let drawn = annotated(&picture, &found, &["a".into(), "1".into()]).unwrap();
        let at = |x: usize, y: usize| drawn.pixels()[3 * (y * 100 + x)..][..3].to_vec();
        for (x, y) in [(10, 20), (49, 59), (10, 40), (30, 20)] {
            assert_eq!(at(x, y), COLORS[1], "{x}, {y}");
        }
        assert_eq!(at(30, 40), [0, 0, 0]);
        // The digit 1 above the box: its upper dot in the middle.
        assert_eq!((at(12, 14), at(11, 14)), (vec![255; 3], COLORS[1].to_vec()));
        // At the edge nothing is out of bounds.
        let bounds = BoundingBox::new(0.0, 0.0, 100.0, 60.0).unwrap();
        assert!(annotated(&picture, &[FoundBox { bounds, class: 7, score: 1.0 }], &[]).is_ok());
    }
}
