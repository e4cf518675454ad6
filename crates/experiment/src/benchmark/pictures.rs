//! Quality against time: a point a method.

use procrust_runner::{
    Finished,
    report::{COLORS, Drawing, Figure, Picture},
};

use crate::benchmark::summary::{Line, front, kinds, lines, metric};

const WIDTH: f64 = 430.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 38.0;
const RADIUS: f64 = 3.2;
/// Height of a name.
const TEXT: f64 = 10.0;
/// Width of a letter, about; of wide fonts rather than narrow ones.
const LETTER: f64 = 6.3;

/// The picture of a benchmark, a panel a kind of plan; none for other plans.
pub(crate) fn pictures(finished: &Finished, id: &str) -> Vec<Picture> {
    let lines = lines(&finished.parts);
    let (mut panels, mut free) = (Vec::new(), Vec::new());
    for kind in kinds(&finished.parts) {
        let of_kind: Vec<&Line> = lines.iter().filter(|line| line.kind == kind).collect();
        let points = points(&of_kind);
        if points.is_empty() {
            continue;
        }
        for line in of_kind.iter().filter(|line| line.cost().is_none()) {
            let percent = line.mean.map(|mean| format!("{} {:.1} %", line.label, 100.0 * mean));
            free.extend(percent.map(|text| format!("{text} ({kind})")));
        }
        let title = format!("{kind}: {} by seconds to fit and apply", metric(kind));
        let none = of_kind.iter().find(|line| line.label == "none").and_then(|line| line.mean);
        let front: Vec<&str> = front(&lines, kind).iter().map(|line| line.label.as_str()).collect();
        let svg = draw(&title, &points, none, &front);
        panels.push(Figure { title, file: format!("{id}-quality-{kind}.svg"), svg });
    }
    if panels.is_empty() {
        return Vec::new();
    }
    let mut caption = "Means over tasks; up and left is better. The line joins methods that no other is both better and \
                       faster than; dashes: none."
        .to_owned();
    if !free.is_empty() {
        caption.push_str(&format!(" Without a fit: {}.", free.join(", ")));
    }
    let title = "Quality against time".to_owned();
    vec![Picture { title, caption, legend: Vec::new(), panels }]
}

/// A method that costs time.
struct Point<'a> {
    label: &'a str,
    cost: f64,
    quality: f64,
}

fn points<'a>(lines: &[&'a Line]) -> Vec<Point<'a>> {
    let point = |line: &&'a Line| {
        let (cost, quality) = (line.cost()?.max(1e-6), line.mean?);
        Some(Point { label: &line.label, cost, quality })
    };
    lines.iter().filter_map(point).collect()
}

/// The scales of a panel.
struct Scale {
    /// Decades, from and to.
    decades: (i32, i32),
    /// Qualities, from and to.
    qualities: (f64, f64),
    step: f64,
}

impl Scale {
    #[allow(clippy::cast_possible_truncation, reason = "decades of seconds are few")]
    fn of(points: &[Point<'_>], none: Option<f64>) -> Self {
        let ends = |of: fn(&Point<'_>) -> f64| {
            let all = points.iter().map(of);
            all.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)))
        };
        let (quickest, slowest) = ends(|point| point.cost.log10());
        let (first, last) = (quickest.floor() as i32, slowest.ceil() as i32);
        let (mut low, mut high) = ends(|point| point.quality);
        // A line far from all points would press them together; the caption has its value.
        let room = 0.5 * (high - low);
        if let Some(none) = none.filter(|none| (low - room..=high + room).contains(none)) {
            (low, high) = (low.min(none), high.max(none));
        }
        let span = (high - low).max(0.01);
        let steps = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2];
        let step = steps.into_iter().find(|step| span / step <= 6.0).unwrap_or(0.5);
        let low = ((low - 0.04 * span) / step).floor() * step;
        let high = ((high + 0.04 * span) / step).ceil() * step;
        Self {
            decades: (first, last.max(first + 1)),
            qualities: (low.max(0.0), high.min(1.0)),
            step,
        }
    }

    fn x(&self, cost: f64) -> f64 {
        let (first, last) = (f64::from(self.decades.0), f64::from(self.decades.1));
        LEFT + (WIDTH - LEFT - RIGHT) * (cost.log10() - first) / (last - first)
    }

    fn y(&self, quality: f64) -> f64 {
        let (low, high) = self.qualities;
        TOP + (HEIGHT - TOP - BOTTOM) * (high - quality) / (high - low)
    }

    fn axes(&self, drawing: &mut Drawing) {
        let (low, high) = self.qualities;
        let bottom = HEIGHT - BOTTOM;
        let mut tick = low;
        while tick <= high + 1e-9 {
            drawing.line((LEFT, self.y(tick)), (WIDTH - RIGHT, self.y(tick)), "stroke=\"#ddd\"");
            let style = "text-anchor=\"end\" fill=\"#555\"";
            let digits = usize::from(self.step < 0.01);
            let text = format!("{:.digits$} %", 100.0 * tick);
            drawing.text((LEFT - 5.0, self.y(tick) + 3.5), 10.0, style, &text);
            tick += self.step;
        }
        for decade in self.decades.0..=self.decades.1 {
            let value = 10_f64.powi(decade);
            let x = self.x(value);
            drawing.line((x, bottom), (x, bottom + 4.0), "stroke=\"#555\"");
            let anchor = match decade {
                last if last == self.decades.1 => "end",
                _ => "middle",
            };
            let style = format!("text-anchor=\"{anchor}\" fill=\"#555\"");
            drawing.text((x, bottom + 15.0), 10.0, &style, &power(decade));
        }
        let style = "text-anchor=\"middle\" fill=\"#555\"";
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        drawing.text((middle, HEIGHT - 5.0), 10.0, style, "fit and apply, a task");
    }
}

/// `10 ms`.
fn power(decade: i32) -> String {
    match decade {
        ..-3 => format!("{} µs", 10_f64.powi(decade + 6)),
        -3..0 => format!("{} ms", 10_f64.powi(decade + 3)),
        _ => format!("{} s", 10_f64.powi(decade)),
    }
}

fn draw(title: &str, points: &[Point<'_>], none: Option<f64>, front: &[&str]) -> String {
    let scale = Scale::of(points, none);
    let mut drawing = Drawing::new(WIDTH, HEIGHT, title);
    scale.axes(&mut drawing);
    let shown = |none: &f64| (scale.qualities.0..=scale.qualities.1).contains(none);
    if let Some(none) = none.filter(shown) {
        let (y, style) = (scale.y(none), "stroke=\"#555\" stroke-dasharray=\"4 3\"");
        drawing.line((LEFT, y), (WIDTH - RIGHT, y), style);
    }
    let place = |point: &Point<'_>| (scale.x(point.cost), scale.y(point.quality));
    let on_front = front.iter().filter_map(|label| points.iter().find(|p| p.label == *label));
    let on_front: Vec<(f64, f64)> = on_front.map(place).collect();
    for two in on_front.windows(2) {
        drawing.line(two[0], two[1], "stroke=\"#999\" stroke-width=\"1.2\"");
    }
    let places: Vec<(f64, f64)> = points.iter().map(place).collect();
    let names: Vec<&str> = points.iter().map(|point| point.label).collect();
    let boxes = Label::place_all(&places, &names);
    for (at, (point, label)) in points.iter().zip(&boxes).enumerate() {
        let color = COLORS[at % COLORS.len()];
        if label.far {
            let style = format!("stroke=\"{color}\" stroke-width=\"0.8\" stroke-opacity=\"0.7\"");
            let end = (places[at].0.clamp(label.x, label.x + label.width), label.y + TEXT / 2.0);
            drawing.line(places[at], end, &style);
        }
        let style = format!("fill=\"{color}\"");
        drawing.circle(places[at], RADIUS, &style);
        let weight = if front.contains(&point.label) { "600" } else { "400" };
        let style =
            format!("fill=\"#111\" font-weight=\"{weight}\" text-anchor=\"{}\"", label.anchor);
        let x = match label.anchor {
            "end" => label.x + label.width,
            "middle" => label.x + label.width / 2.0,
            _ => label.x,
        };
        drawing.text((x, label.y + TEXT - 1.5), TEXT, &style, point.label);
    }
    drawing.finish()
}

/// Where a name stands: the upper left corner and the width of its box.
#[derive(Debug, Clone, Copy)]
struct Label {
    x: f64,
    y: f64,
    width: f64,
    /// Which end of the box the name starts from: letters are not all as wide as was reckoned.
    anchor: &'static str,
    /// Whether a line must tell whose it is.
    far: bool,
}

impl Label {
    /// A name a point, each as near to its own as there is room beside the points and other names.
    fn place_all(points: &[(f64, f64)], names: &[&str]) -> Vec<Self> {
        let mut placed: Vec<Self> = Vec::with_capacity(points.len());
        for (&point, name) in points.iter().zip(names) {
            #[allow(clippy::cast_precision_loss, reason = "names are short")]
            let width = LETTER * name.chars().count() as f64;
            let fits = |label: &Self| {
                label.inside()
                    && !placed.iter().any(|other| label.meets(other))
                    && !points.iter().any(|&point| label.covers(point))
            };
            let mut candidates = Self::candidates(point, width);
            let first = candidates.next().expect("there are candidates");
            let label = [first].into_iter().chain(candidates).find(fits);
            placed.push(label.unwrap_or(first));
        }
        placed
    }

    /// Places for a name, the nearest first.
    fn candidates((x, y): (f64, f64), width: f64) -> impl Iterator<Item = Self> {
        let aside = RADIUS + 2.5;
        (0..40).flat_map(move |round| {
            let step = 6.0 * f64::from(round);
            let right = x + aside;
            let left = x - aside - width;
            let middle = x - width / 2.0;
            let rows = [y - TEXT / 2.0 - step, y - TEXT / 2.0 + step];
            rows.into_iter().flat_map(move |y| {
                let columns = [(right, "start"), (left, "end"), (middle, "middle")];
                columns.map(|(x, anchor)| Self { x, y, width, anchor, far: round > 1 })
            })
        })
    }

    fn inside(&self) -> bool {
        self.x >= LEFT + 2.0
            && self.x + self.width <= WIDTH - 2.0
            && self.y >= 1.0
            && self.y + TEXT <= HEIGHT - BOTTOM - 1.0
    }

    fn meets(&self, other: &Self) -> bool {
        self.x < other.x + other.width + 3.0
            && other.x < self.x + self.width + 3.0
            && (self.y - other.y).abs() < TEXT
    }

    fn covers(&self, (x, y): (f64, f64)) -> bool {
        let (r, wide) = (RADIUS + 0.5, self.x..self.x + self.width);
        x + r > wide.start && x - r < wide.end && y + r > self.y + 1.0 && y - r < self.y + TEXT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_crowd_do_not_cover_each_other_or_points() {
        let points: Vec<(f64, f64)> = (0..22)
            .map(|i| (150.0 + f64::from(i % 5) * 9.0, 140.0 + f64::from(i / 5) * 5.0))
            .collect();
        let names = vec!["sliced-wasserstein"; 22];
        let labels = Label::place_all(&points, &names);
        for (at, label) in labels.iter().enumerate() {
            assert!(label.inside(), "{label:?}");
            assert!(!labels[..at].iter().any(|other| label.meets(other)), "{label:?}");
            assert!(!points.iter().any(|&point| label.covers(point)), "{label:?}");
        }
    }

    #[test]
    fn the_scale_holds_all_points_and_a_line_that_is_near() {
        let point = |cost, quality| Point { label: "m", cost, quality };
        let points = [point(0.002, 0.4), point(30.0, 0.6)];
        let scale = Scale::of(&points, Some(0.35));
        assert_eq!(scale.decades, (-3, 2));
        assert!(scale.qualities.0 <= 0.35 && scale.qualities.1 >= 0.6);
        assert!(Scale::of(&points, Some(0.01)).qualities.0 > 0.3);
        assert_eq!(
            (power(-6), power(-2), power(1)),
            ("1 µs".into(), "10 ms".into(), "10 s".into())
        );
        let svg = draw("t", &points, None, &["m"]);
        assert_eq!(svg.matches("<circle").count(), 2);
    }
}
