//! Small pieces of SVG.

use std::fmt::Write;

/// Colours that people with any colour vision can tell apart (Okabe and Ito 2008), then two more.
pub(super) const COLORS: [&str; 10] = [
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
pub(super) struct Drawing {
    body: String,
}

impl Drawing {
    pub(super) fn new(width: f64, height: f64, label: &str) -> Self {
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

    pub(super) fn rect(&mut self, (x, y): (f64, f64), (w, h): (f64, f64), style: &str) {
        let (w, h) = (w.max(0.0), h.max(0.0));
        self.push(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" {style}/>"
        ));
    }

    pub(super) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), style: &str) {
        self.push(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>"
        ));
    }

    pub(super) fn circle(&mut self, (x, y): (f64, f64), r: f64, style: &str) {
        self.push(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\" {style}/>"));
    }

    pub(super) fn cross(&mut self, (x, y): (f64, f64), r: f64, color: &str) {
        let (l, t, d) = (x - r, y - r, 2.0 * r);
        self.push(format_args!(
            "<path d=\"M{l:.1} {t:.1}l{d:.1} {d:.1}m0 -{d:.1}l-{d:.1} {d:.1}\" stroke=\"{color}\" \
             stroke-width=\"1.2\" fill=\"none\"/>"
        ));
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), size: f64, style: &str, text: &str) {
        let text = escape(text);
        self.push(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" {style}>{text}</text>"
        ));
    }

    pub(super) fn finish(mut self) -> String {
        self.body.push_str("</svg>");
        self.body
    }
}

/// The same drawing as a file of its own.
pub(super) fn standalone(svg: &str) -> String {
    svg.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_data_is_escaped() {
        let mut drawing = Drawing::new(10.0, 10.0, "\"><script>");
        drawing.text((0.0, 0.0), 9.0, "", "<b>&'");
        let svg = drawing.finish();
        assert!(!svg.contains("<script>") && !svg.contains("<b>"));
        assert!(svg.contains("&lt;b&gt;&amp;&#39;"));
    }
}
