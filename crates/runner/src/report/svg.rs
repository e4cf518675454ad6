//! Small pieces of SVG.

use std::fmt::Write;

/// Colours that people with any colour vision can tell apart (Okabe and Ito 2008), then two more.
pub const COLORS: [&str; 10] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c6d1f",
    "#444444", "#b3b300",
];

/// Text of the data, harmless in SVG and HTML.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A drawing under construction, `width` × `height` units.
#[derive(Debug)]
pub struct Drawing {
    body: String,
}

impl Drawing {
    /// An empty drawing; `label` says what it shows to those who do not see it.
    #[must_use]
    pub fn new(width: f64, height: f64, label: &str) -> Self {
        let label = escape(label);
        let body = format!(
            "<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{label}\" \
             font-family=\"system-ui, sans-serif\">"
        );
        Self { body }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.body.write_fmt(text).expect("writing to a String does not fail");
    }

    /// A rectangle by its upper left corner and its size.
    pub fn rect(&mut self, (x, y): (f64, f64), (w, h): (f64, f64), style: &str) {
        let (w, h) = (w.max(0.0), h.max(0.0));
        self.push(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" {style}/>"
        ));
    }

    /// A line.
    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), style: &str) {
        self.push(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>"
        ));
    }

    /// A circle.
    pub fn circle(&mut self, (x, y): (f64, f64), r: f64, style: &str) {
        self.push(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\" {style}/>"));
    }

    /// A diagonal cross.
    pub fn cross(&mut self, (x, y): (f64, f64), r: f64, color: &str) {
        let (l, t, d) = (x - r, y - r, 2.0 * r);
        self.push(format_args!(
            "<path d=\"M{l:.1} {t:.1}l{d:.1} {d:.1}m0 -{d:.1}l-{d:.1} {d:.1}\" stroke=\"{color}\" \
             stroke-width=\"1.2\" fill=\"none\"/>"
        ));
    }

    /// Text of the data, escaped.
    pub fn text(&mut self, (x, y): (f64, f64), size: f64, style: &str, text: &str) {
        let text = escape(text);
        self.push(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" {style}>{text}</text>"
        ));
    }

    /// A JPEG that fills the drawing from its upper left corner, inside the file.
    pub fn jpeg(&mut self, (width, height): (f64, f64), bytes: &[u8]) {
        let data = base64(bytes);
        self.push(format_args!(
            "<image width=\"{width:.1}\" height=\"{height:.1}\" href=\"data:image/jpeg;base64,{data}\"/>"
        ));
    }

    /// The drawing as text.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.body.push_str("</svg>");
        self.body
    }
}

/// Bytes as text (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= three.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// The same drawing as a file of its own.
pub(super) fn standalone(svg: &str) -> String {
    svg.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 4648.
    #[test]
    fn bytes_as_text() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn text_of_the_data_is_escaped() {
        let mut drawing = Drawing::new(10.0, 10.0, "\"><script>");
        drawing.text((0.0, 0.0), 9.0, "", "<b>&'");
        let svg = drawing.finish();
        assert!(!svg.contains("<script>") && !svg.contains("<b>"));
        assert!(svg.contains("&lt;b&gt;&amp;&#39;"));
    }
}
