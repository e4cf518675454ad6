//! Pictures with boxes: what was found, missed and mistaken, and curves of precision by recall.

use procrust_images::Picture as Pixels;
use procrust_transfer::detection::{
    BoundingBox, CocoEvaluation, CurvePoint, FoundBox, Measure, PictureSource, TrueBox,
};

use procrust_runner::{
    Finished,
    report::{COLORS, Drawing, Figure, Picture},
};

use crate::detection::{DetectionTasks, plan::DetectionPlan};

/// Found boxes are drawn from this probability on, or the two surest of a picture.
const SURE: f64 = 0.3;
/// Pictures, misses and false alarms that are shown.
const SHOWN: usize = 6;
/// The longer side of a picture in the report, in pixels.
const SIDE: usize = 320;
/// A box is shown with so much of its own size around it.
const AROUND: f64 = 0.6;
const TRUE: &str = "#009e73";
const RIGHT: &str = "#0072b2";
const WRONG: &str = "#d55e00";
const QUALITY: u8 = 80;

/// The pictures of a detection plan.
pub(crate) fn pictures(
    finished: &Finished,
    plan: &DetectionPlan,
    data: &DetectionTasks,
    id: &str,
) -> Vec<Picture> {
    let Some(&seed) = finished.seeds.first() else { return Vec::new() };
    // The most pictures to train on, the last method: what transfer made of it.
    let size = |at: &usize| plan.sizes[*at].unwrap_or(usize::MAX);
    let largest = (0..plan.sizes.len()).max_by_key(size).unwrap_or(0);
    let method = plan.methods.len() - 1;
    let mut pictures = curves(finished, plan, data, seed, id);
    let Some(found) = data.found(largest, method, seed) else { return pictures };
    let setting =
        format!("{}, {}, seed {seed}", finished.methods[method].label, finished.tasks[largest]);
    let view = View { data, found: &found, id };
    pictures.push(view.gallery(&setting));
    pictures.push(view.misses(&setting));
    pictures.push(view.false_alarms(&setting));
    pictures.retain(|picture| !picture.panels.is_empty());
    pictures
}

/// Precision by recall at an IoU of 0.5, all classes together, a panel a number of pictures.
fn curves(
    finished: &Finished,
    plan: &DetectionPlan,
    data: &DetectionTasks,
    seed: u64,
    id: &str,
) -> Vec<Picture> {
    let panel = |task: usize| {
        let mut lines = Vec::new();
        for method in 0..plan.methods.len() {
            let Some(found) = data.found(task, method, seed) else { continue };
            let Ok(evaluation) = CocoEvaluation::new(&data.test.truths, &found, data.classes.len())
            else {
                continue;
            };
            lines.push((COLORS[method % COLORS.len()], evaluation.curve(&Measure::at(0.5))));
        }
        let title = finished.tasks[task].clone();
        let svg = draw_curves(&title, &lines);
        Figure { title, file: format!("{id}-precision-{}.svg", task + 1), svg }
    };
    let panels: Vec<Figure> = (0..plan.sizes.len()).map(panel).collect();
    vec![Picture {
        title: "Precision by recall".to_owned(),
        caption: format!(
            "All classes together, boxes right at an IoU of 0.5, seed {seed}: from the surest boxes on the left to all \
             of them."
        ),
        legend: Picture::legend_of(finished),
        panels,
    }]
}

fn draw_curves(title: &str, lines: &[(&str, Vec<CurvePoint>)]) -> String {
    let (width, height, left, bottom) = (300.0, 220.0, 40.0, 34.0);
    let x = |recall: f64| left + (width - left - 18.0) * recall;
    let y = |precision: f64| 8.0 + (height - 8.0 - bottom) * (1.0 - precision);
    let mut drawing = Drawing::new(width, height, &format!("precision by recall, {title}"));
    for tick in [0.0, 0.5, 1.0] {
        let text = format!("{:.0} %", 100.0 * tick);
        drawing.line((x(0.0), y(tick)), (x(1.0), y(tick)), "stroke=\"#ddd\"");
        let style = "text-anchor=\"end\" fill=\"#555\"";
        drawing.text((left - 5.0, y(tick) + 3.5), 10.0, style, &text);
        drawing.line((x(tick), y(0.0)), (x(tick), y(0.0) + 4.0), "stroke=\"#555\"");
        let style = "text-anchor=\"middle\" fill=\"#555\"";
        drawing.text((x(tick), y(0.0) + 15.0), 10.0, style, &text);
    }
    let style = "text-anchor=\"middle\" fill=\"#555\"";
    drawing.text((x(0.5), height - 5.0), 10.0, style, "recall");
    for (color, points) in lines {
        let style = format!("stroke=\"{color}\" stroke-width=\"1.6\" fill=\"none\"");
        let mut before: Option<(f64, f64)> = None;
        for point in points {
            let at = (x(point.recall), y(point.precision));
            if let Some(before) = before {
                drawing.line(before, at, &style);
            }
            before = Some(at);
        }
        if let (None, Some(point)) = (before.filter(|_| points.len() > 1), points.first()) {
            let style = format!("fill=\"{color}\"");
            drawing.circle((x(point.recall), y(point.precision)), 2.4, &style);
        }
    }
    drawing.finish()
}

struct View<'a> {
    data: &'a DetectionTasks,
    found: &'a [Vec<FoundBox>],
    id: &'a str,
}

/// Whether a found box is right: the surest that overlaps a true box of its class by half.
fn right(truths: &[TrueBox], found: &[FoundBox]) -> (Vec<bool>, Vec<bool>) {
    let mut taken = vec![false; truths.len()];
    let mut right = vec![false; found.len()];
    for (found, right) in found.iter().zip(&mut right) {
        let own = truths.iter().enumerate().filter(|(at, t)| t.class == found.class && !taken[*at]);
        let overlaps = own.map(|(at, truth)| (at, truth.bounds.iou(&found.bounds)));
        let best = overlaps.filter(|(_, iou)| *iou >= 0.5).max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((at, _)) = best {
            (taken[at], *right) = (true, true);
        }
    }
    (right, taken)
}

/// What is drawn: bounds, colour, dashes, text.
type Mark = (BoundingBox, &'static str, bool, String);

impl View<'_> {
    fn shown(&self, picture: usize) -> usize {
        let found = &self.found[picture];
        found.iter().filter(|found| found.score >= SURE).count().max(found.len().min(2))
    }

    fn text(&self, found: &FoundBox) -> String {
        format!("{} {:.0} %", self.data.classes[found.class], 100.0 * found.score)
    }

    fn marks(&self, picture: usize) -> Vec<Mark> {
        let truths = &self.data.test.truths[picture];
        let found = &self.found[picture][..self.shown(picture)];
        let (right, _) = right(truths, found);
        let of_truth =
            |truth: &TrueBox| (truth.bounds, TRUE, true, self.data.classes[truth.class].clone());
        let of_found = |(found, right): (&FoundBox, &bool)| {
            (found.bounds, if *right { RIGHT } else { WRONG }, false, self.text(found))
        };
        truths.iter().map(of_truth).chain(found.iter().zip(&right).map(of_found)).collect()
    }

    /// The first test pictures, with what was found.
    fn gallery(&self, setting: &str) -> Picture {
        let panels = (0..self.found.len())
            .take(SHOWN)
            .filter_map(|at| {
                let picture = self.data.test.picture(at).ok()?;
                let title = self.data.test.name(at);
                let svg = draw(&picture, None, &self.marks(at), &title)?;
                Some(Figure { title, file: format!("{}-found-{}.svg", self.id, at + 1), svg })
            })
            .collect();
        Picture {
            title: "True and found boxes".to_owned(),
            caption: format!(
                "The first test pictures; {setting}. Found boxes from a probability of {:.0} % on, or the two \
                 surest.",
                100.0 * SURE
            ),
            legend: [("true", TRUE), ("found, right", RIGHT), ("found, wrong", WRONG)]
                .map(|(name, color)| (name.to_owned(), color.to_owned()))
                .to_vec(),
            panels,
        }
    }

    /// True boxes that nothing found, the largest first.
    fn misses(&self, setting: &str) -> Picture {
        let mut missed: Vec<(usize, TrueBox)> = Vec::new();
        for (at, (truths, found)) in self.data.test.truths.iter().zip(self.found).enumerate() {
            let shown = &found[..self.shown(at)];
            let (_, taken) = right(truths, shown);
            let left =
                truths.iter().zip(taken).filter(|(truth, taken)| !taken && !truth.is_set_aside());
            missed.extend(left.map(|(truth, _)| (at, *truth)));
        }
        let total = missed.len();
        missed.sort_by(|a, b| b.1.bounds.area().total_cmp(&a.1.bounds.area()));
        let panels = missed.iter().take(SHOWN).enumerate().filter_map(|(rank, (at, truth))| {
            let title =
                format!("{} in {}", self.data.classes[truth.class], self.data.test.name(*at));
            let picture = self.data.test.picture(*at).ok()?;
            let svg = draw(&picture, Some(truth.bounds), &self.marks(*at), &title)?;
            Some(Figure { title, file: format!("{}-missed-{}.svg", self.id, rank + 1), svg })
        });
        Picture {
            title: "The worst misses".to_owned(),
            caption: format!(
                "Of {total} true boxes that none of the shown ones found, the largest; {setting}."
            ),
            legend: Vec::new(),
            panels: panels.collect(),
        }
    }

    /// Found boxes that are wrong, the surest first.
    fn false_alarms(&self, setting: &str) -> Picture {
        let mut wrong: Vec<(usize, FoundBox)> = Vec::new();
        for (at, (truths, found)) in self.data.test.truths.iter().zip(self.found).enumerate() {
            let (right, _) = right(truths, found);
            wrong
                .extend(found.iter().zip(right).filter(|(_, r)| !r).map(|(found, _)| (at, *found)));
        }
        wrong.sort_by(|a, b| b.1.score.total_cmp(&a.1.score));
        let panels = wrong.iter().take(SHOWN).enumerate().filter_map(|(rank, (at, found))| {
            let title = format!("{} in {}", self.text(found), self.data.test.name(*at));
            let picture = self.data.test.picture(*at).ok()?;
            let mut marks = self.marks(*at);
            marks.retain(|mark| mark.2 || mark.0 == found.bounds);
            let svg = draw(&picture, Some(found.bounds), &marks, &title)?;
            Some(Figure { title, file: format!("{}-alarm-{}.svg", self.id, rank + 1), svg })
        });
        Picture {
            title: "The worst false alarms".to_owned(),
            caption: format!(
                "Of all boxes that are wrong (no true box of their class, one that was found already, or too little of \
                 it), the surest; {setting}."
            ),
            legend: Vec::new(),
            panels: panels.collect(),
        }
    }
}

/// A picture, or the surroundings of a box, with marks.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "places in a picture"
)]
fn draw(
    picture: &Pixels,
    around: Option<BoundingBox>,
    marks: &[Mark],
    title: &str,
) -> Option<String> {
    let (width, height) = (picture.width() as f64, picture.height() as f64);
    let (left, top, part) = match around {
        None => (0, 0, picture.clone()),
        Some(b) => {
            let room = AROUND * b.width().max(b.height());
            let (left, top) =
                ((b.left() - room).max(0.0) as usize, (b.top() - room).max(0.0) as usize);
            let right = (b.right() + room).min(width).ceil() as usize;
            let bottom = (b.bottom() + room).min(height).ceil() as usize;
            (left, top, picture.cropped((left, top), (right - left, bottom - top)).ok()?)
        }
    };
    let scale = SIDE as f64 / part.width().max(part.height()) as f64;
    let side = |side: usize| ((side as f64 * scale).round() as usize).max(1);
    let (across, down) = (side(part.width()), side(part.height()));
    let jpeg = part.resized(across, down).ok()?.to_jpeg(QUALITY).ok()?;
    let (across, down) = (across as f64, down as f64);
    let mut drawing = Drawing::new(across, down, title);
    drawing.jpeg((across, down), &jpeg);
    for (bounds, color, dashed, text) in marks {
        let x = |x: f64| ((x - left as f64) * scale).clamp(-2.0, across + 2.0);
        let y = |y: f64| ((y - top as f64) * scale).clamp(-2.0, down + 2.0);
        let (x0, y0) = (x(bounds.left()), y(bounds.top()));
        let (x1, y1) = (x(bounds.right()), y(bounds.bottom()));
        if x1 <= 0.0 || y1 <= 0.0 || x0 >= across || y0 >= down {
            continue;
        }
        let dashes = if *dashed { " stroke-dasharray=\"5 3\"" } else { "" };
        let size = (x1 - x0, y1 - y0);
        // White below, so that a line shows on any ground.
        drawing.rect((x0, y0), size, "fill=\"none\" stroke=\"#fff\" stroke-width=\"3.5\"");
        let style = format!("fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"{dashes}");
        drawing.rect((x0, y0), size, &style);
        // Truths are named below their box, what was found above it.
        let line = if *dashed { (y1 + 10.0).min(down - 2.0) } else { (y0 - 3.0).max(9.0) };
        let style = format!(
            "fill=\"{color}\" stroke=\"#fff\" stroke-width=\"3\" paint-order=\"stroke\" font-weight=\"600\""
        );
        drawing.text((x0.max(1.0), line), 10.0, &style, text);
    }
    Some(drawing.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_truth_is_found_once() {
        let bounds = BoundingBox::sized(0.0, 0.0, 10.0, 10.0).unwrap();
        let truths = [TrueBox::new(bounds, 0)];
        let found = |class, score| FoundBox { bounds, class, score };
        let (right, taken) = right(&truths, &[found(1, 0.9), found(0, 0.8), found(0, 0.7)]);
        assert_eq!((right, taken), (vec![false, true, false], vec![true]));
    }

    #[test]
    fn pictures_stand_in_the_drawing() {
        let pixels = Pixels::from_rgb(40, 20, vec![90; 2400]).unwrap();
        let bounds = BoundingBox::sized(30.0, 5.0, 8.0, 8.0).unwrap();
        let marks = [(bounds, TRUE, true, "<cat>".to_owned())];
        let svg = draw(&pixels, Some(bounds), &marks, "a & b").unwrap();
        assert!(svg.contains("href=\"data:image/jpeg;base64,/9j/"), "{svg}");
        assert!(svg.contains("&lt;cat&gt;") && !svg.contains("<cat>"));
        let far = BoundingBox::sized(0.0, 0.0, 2.0, 2.0).unwrap();
        let svg = draw(&pixels, Some(bounds), &[(far, TRUE, true, "far".to_owned())], "").unwrap();
        assert!(!svg.contains("far"));
    }
}
