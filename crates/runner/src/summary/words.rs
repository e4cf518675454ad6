//! Tables in words.

use procrust_classify::statistics::Estimate;

use super::{Column, Row};
use crate::{MethodRow, Role};

/// The gain or loss of each row against the reference, one sentence per row.
#[must_use]
pub fn sentences_of_rows(
    rows: &[Row],
    columns: &[Column],
    reference: &MethodRow,
    variants: usize,
) -> Vec<String> {
    // Of several metrics, the first that can be compared item by item.
    let compared = |at: &usize| rows.iter().any(|row| row.cells[*at].gain.is_some());
    let first_metric =
        (0..columns.len()).find(compared).map(|column| columns[column].metric.as_str());
    let several = columns.iter().any(|column| Some(column.metric.as_str()) != first_metric);
    let mut sentences = Vec::new();
    let mut clear = vec![false; columns.len()];
    for row in rows.iter().filter(|row| row.method != reference.label) {
        let mut gains = Vec::new();
        for (at, (cell, column)) in row.cells.iter().zip(columns).enumerate() {
            if Some(column.metric.as_str()) != first_metric {
                continue;
            }
            let Some(gain) = cell.gain else { continue };
            clear[at] |= !row.upper_bound && gain.value > gain.half_width;
            let name = match several {
                true => format!("{} {}", column.task, column.metric),
                false => column.task.clone(),
            };
            gains.push((name, gain));
        }
        let mut subject = row.label(variants);
        if reference.role != Role::Baseline {
            subject = format!("{subject} against {}", reference.label);
        }
        if row.upper_bound {
            subject = format!("{subject} (an upper bound: it has seen target labels)");
        }
        sentences.extend(sentence_of_gains(&subject, &gains));
    }
    let others = rows.iter().any(|row| row.method != reference.label && !row.upper_bound);
    if reference.role == Role::Baseline && others {
        let tasks = clear.len();
        let not = clear.iter().filter(|clear| !**clear).count();
        sentences.push(match (not, tasks) {
            (0, 1) => "Adapting pays on the only task.".to_owned(),
            (_, 1) => "On the only task no method is clearly better than none.".to_owned(),
            (0, _) => "On every task some method is clearly better than none.".to_owned(),
            _ if not == tasks => "On no task is any method clearly better than none.".to_owned(),
            _ => format!("On {not} of {tasks} tasks no method is clearly better than none."),
        });
    }
    sentences
}

/// `coral helps on a>b by 6.7 ± 2.1 points and hurts on …`
#[must_use]
pub fn sentence_of_gains(subject: &str, gains: &[(String, Estimate)]) -> Option<String> {
    let points = |gain: &Estimate| {
        format!("{:.1} ± {:.1} points", 100.0 * gain.value.abs(), 100.0 * gain.half_width)
    };
    let mut helps: Vec<_> = gains.iter().filter(|(_, g)| g.value > g.half_width).collect();
    let mut hurts: Vec<_> = gains.iter().filter(|(_, g)| -g.value > g.half_width).collect();
    helps.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
    hurts.sort_by(|a, b| a.1.value.total_cmp(&b.1.value));
    let unclear = gains.len() - helps.len() - hurts.len();
    if gains.is_empty() {
        return None;
    }
    let part = |verb: &str, group: &[&(String, Estimate)]| match group {
        [] => None,
        [only] => Some(format!("{verb} on {} by {}", only.0, points(&only.1))),
        few if gains.len() <= 4 => {
            let few: Vec<String> =
                few.iter().map(|(task, gain)| format!("{task} by {}", points(gain))).collect();
            Some(format!("{verb} on {}", few.join(" and ")))
        }
        [most, ..] => Some(format!(
            "{verb} on {} of {} tasks (most on {}, by {})",
            group.len(),
            gains.len(),
            most.0,
            points(&most.1)
        )),
    };
    let rest = match unclear {
        0 => None,
        _ if unclear == gains.len() && gains.len() > 1 => {
            Some("makes no clear difference on any task".to_owned())
        }
        _ if gains.len() <= 4 => {
            let clear = |gain: &Estimate| gain.value.abs() > gain.half_width;
            let names: Vec<String> = gains
                .iter()
                .filter(|(_, gain)| !clear(gain))
                .map(|(task, g)| {
                    format!("{task} ({:+.1} ± {:.1})", 100.0 * g.value, 100.0 * g.half_width)
                })
                .collect();
            Some(format!("makes no clear difference on {}", names.join(" and ")))
        }
        _ => Some(format!("makes no clear difference on {unclear}")),
    };
    let parts: Vec<String> =
        [part("helps", &helps), part("hurts", &hurts), rest].into_iter().flatten().collect();
    let mut text = match parts.as_slice() {
        [first, second, third] => format!("{subject} {first}, {second}, and {third}"),
        parts => format!("{subject} {}", parts.join(" and ")),
    };
    if gains.len() > 4 {
        #[allow(clippy::cast_precision_loss, reason = "there are few tasks")]
        let mean = gains.iter().map(|(_, gain)| gain.value).sum::<f64>() / gains.len() as f64;
        text = format!("{text}; {:+.1} points on average", 100.0 * mean);
    }
    Some(format!("{text}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(task: &str, value: f64, half_width: f64) -> (String, Estimate) {
        (task.to_owned(), Estimate { value, half_width })
    }

    #[test]
    fn words_for_two_tasks() {
        let gains = [gain("a>b", 0.067, 0.021), gain("b>a", -0.04, 0.01)];
        assert_eq!(
            sentence_of_gains("coral", &gains).unwrap(),
            "coral helps on a>b by 6.7 ± 2.1 points and hurts on b>a by 4.0 ± 1.0 points."
        );
    }

    #[test]
    fn a_difference_inside_its_interval_is_no_help() {
        let gains = [gain("a>b", 0.02, 0.021), gain("b>a", 0.05, 0.01)];
        assert_eq!(
            sentence_of_gains("coral", &gains).unwrap(),
            "coral helps on b>a by 5.0 ± 1.0 points and makes no clear difference on a>b (+2.0 ± 2.1)."
        );
        assert_eq!(
            sentence_of_gains("coral", &gains[..1]).unwrap(),
            "coral makes no clear difference on a>b (+2.0 ± 2.1)."
        );
    }

    #[test]
    fn many_tasks_are_counted() {
        let mut gains: Vec<_> = (0..5).map(|i| gain(&format!("t{i}"), 0.1, 0.01)).collect();
        gains[3].1.value = 0.3;
        gains[4].1.value = 0.0;
        assert_eq!(
            sentence_of_gains("coral", &gains).unwrap(),
            "coral helps on 4 of 5 tasks (most on t3, by 30.0 ± 1.0 points) and makes no clear \
             difference on 1; +12.0 points on average."
        );
    }
}
