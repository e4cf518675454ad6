//! Log-log pictures of growth.

use std::fmt::Write;

/// A named curve of positive points.
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 430.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 62.0;
const TOP: f64 = 34.0;
/// Okabe and Ito's colours, which most eyes tell apart.
const COLORS: [&str; 8] =
    ["#000000", "#e69f00", "#56b4e9", "#009e73", "#8a7f00", "#0072b2", "#d55e00", "#cc79a7"];

/// Panels side by side, each a title, the name of its upright axis and curves; one legend.
pub(crate) fn panels(across: &str, panels: &[(&str, &str, Vec<Curve>)]) -> String {
    let legend = panels.first().map_or(0, |panel| panel.2.len());
    let width = panels.len() as f64 * (LEFT + WIDTH + 24.0);
    let height = TOP + HEIGHT + 52.0 + 18.0 * (legend.div_ceil(3) as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" \
         fill=\"white\"/>\n"
    );
    for (at, (title, upright, curves)) in panels.iter().enumerate() {
        let left = at as f64 * (LEFT + WIDTH + 24.0) + LEFT;
        panel(&mut svg, left, (title, upright, across), curves);
    }
    let names = panels.first().map_or(&[][..], |panel| &panel.2);
    for (at, curve) in names.iter().enumerate() {
        let x = LEFT + (at % 3) as f64 * 300.0;
        let y = TOP + HEIGHT + 54.0 + 18.0 * (at / 3) as f64;
        let (color, dash) = style(at);
        let _ = writeln!(
            svg,
            "<path d=\"M{x} {} h28\" stroke=\"{color}\" stroke-width=\"2\"{dash}/><text x=\"{}\" \
             y=\"{y}\">{}</text>",
            y - 4.0,
            x + 34.0,
            escaped(&curve.name)
        );
    }
    svg + "</svg>\n"
}

fn panel(svg: &mut String, left: f64, names: (&str, &str, &str), curves: &[Curve]) {
    let all = || curves.iter().flat_map(|curve| &curve.points);
    let (low_x, high_x) = decades(all().map(|point| point.0));
    let (low_y, high_y) = decades(all().map(|point| point.1));
    let x = |value: f64| left + WIDTH * (value.log10() - low_x) / (high_x - low_x);
    let y = |value: f64| TOP + HEIGHT * (1.0 - (value.log10() - low_y) / (high_y - low_y));
    let (title, upright, across) = names;
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"{}\" font-weight=\"bold\">{}</text>\n<rect x=\"{left}\" y=\"{TOP}\" \
         width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"none\" stroke=\"#888\"/>",
        TOP - 14.0,
        escaped(title)
    );
    for decade in low_x as i32..=high_x as i32 {
        let at = x(10.0_f64.powi(decade));
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {TOP} v{HEIGHT}\" stroke=\"#ddd\"/><text x=\"{at:.1}\" y=\"{}\" \
             text-anchor=\"middle\">{}</text>",
            TOP + HEIGHT + 16.0,
            power(decade)
        );
    }
    for decade in low_y as i32..=high_y as i32 {
        let at = y(10.0_f64.powi(decade));
        let _ = writeln!(
            svg,
            "<path d=\"M{left} {at:.1} h{WIDTH}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" \
             text-anchor=\"end\">{}</text>",
            left - 6.0,
            at + 4.0,
            power(decade)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text><text x=\"{left}\" y=\"{}\" \
         text-anchor=\"end\">{}</text>",
        left + WIDTH / 2.0,
        TOP + HEIGHT + 34.0,
        escaped(across),
        TOP - 4.0,
        escaped(upright)
    );
    for (at, curve) in curves.iter().enumerate() {
        let path: Vec<String> = curve
            .points
            .iter()
            .map(|&(size, value)| format!("{:.1} {:.1}", x(size), y(value)))
            .collect();
        let (color, dash) = style(at);
        let _ = writeln!(
            svg,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"{dash}/>",
            path.join(" L")
        );
    }
}

fn style(at: usize) -> (&'static str, &'static str) {
    (COLORS[at % COLORS.len()], if at < COLORS.len() { "" } else { " stroke-dasharray=\"5 3\"" })
}

/// The whole decades around positive values, at least one.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| *value > 0.0)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (value.log10().min(low), value.log10().max(high))
        });
    if low > high {
        return (0.0, 1.0);
    }
    let (low, high) = (low.floor(), high.ceil());
    (low, if high > low { high } else { low + 1.0 })
}

fn power(decade: i32) -> String {
    match decade {
        0..=3 => 10_i32.pow(decade as u32).to_string(),
        -3..=-1 => format!("{}", 10.0_f64.powi(decade)),
        _ => format!("1e{decade}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_of_slope_one_is_a_diagonal() {
        let curve = Curve { name: "a < b".to_owned(), points: vec![(1.0, 1.0), (10.0, 10.0)] };
        let svg = panels("size", &[("time", "s", vec![curve])]);
        assert!(svg.contains(&format!(
            "M{LEFT:.1} {:.1} L{:.1} {TOP:.1}",
            TOP + HEIGHT,
            LEFT + WIDTH
        )));
        assert!(svg.contains("a &lt; b"));
    }

    #[test]
    fn decades_hold_their_values() {
        assert_eq!(decades([0.02, 3.0].into_iter()), (-2.0, 1.0));
        assert_eq!(decades([10.0].into_iter()), (1.0, 2.0));
        assert_eq!(decades([].into_iter()), (0.0, 1.0));
    }
}
