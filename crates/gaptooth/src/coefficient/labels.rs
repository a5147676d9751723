//! What labels an image holds and how often: what a user must know before a map can be written.

use std::collections::BTreeMap;

use super::Samples;

/// More distinct values than this are measurements, not labels.
pub(super) const MOST_LABELS: usize = 4096;
/// An error lists no more labels than this.
const LISTED: usize = 8;

/// The distinct values, ascending, with their counts.
pub(super) fn count(samples: &Samples) -> Option<Vec<(f64, usize)>> {
    let counts = match samples {
        Samples::U8(values) => histogram(256, values.iter().map(|&v| v.into())),
        Samples::U16(values) => histogram(65536, values.iter().map(|&v| v.into())),
        Samples::I64(values) => collect(values.iter().map(|&v| v as f64))?,
        Samples::F64(values) => collect(values.iter().copied())?,
    };
    (counts.len() <= MOST_LABELS).then_some(counts)
}

fn histogram(levels: usize, values: impl Iterator<Item = usize>) -> Vec<(f64, usize)> {
    let mut counts = vec![0; levels];
    values.for_each(|v| counts[v] += 1);
    counts.into_iter().enumerate().filter(|c| c.1 > 0).map(|(v, n)| (v as f64, n)).collect()
}

/// Runs of equal values are the rule in a segmented image: only their ends look into the tree.
fn collect(values: impl Iterator<Item = f64>) -> Option<Vec<(f64, usize)>> {
    let mut counts: BTreeMap<Ordered, usize> = BTreeMap::new();
    let mut run: Option<(Ordered, usize)> = None;
    for value in values.map(Ordered::new) {
        match &mut run {
            Some((last, n)) if last.0.to_bits() == value.0.to_bits() => *n += 1,
            _ => {
                if let Some((last, n)) = run.replace((value, 1)) {
                    *counts.entry(last).or_default() += n;
                }
                if counts.len() > MOST_LABELS {
                    return None;
                }
            }
        }
    }
    if let Some((last, n)) = run {
        *counts.entry(last).or_default() += n;
    }
    Some(counts.into_iter().map(|(v, n)| (v.0, n)).collect())
}

/// A number in total order, with one zero and one NaN.
#[derive(Clone, Copy)]
struct Ordered(f64);

impl Ordered {
    fn new(value: f64) -> Self {
        Ordered(if value.is_nan() { f64::NAN } else { value + 0.0 })
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

/// `0 (37.5 %, 3 voxels), 255 (62.5 %, 5 voxels)` of `total` voxels.
pub(super) fn list(labels: &[(f64, usize)], total: usize) -> String {
    let one = |&(label, n): &(f64, usize)| {
        let voxels = if n == 1 { "voxel" } else { "voxels" };
        format!("{label} ({:.3} %, {n} {voxels})", 100.0 * n as f64 / total as f64)
    };
    let mut text = labels.iter().take(LISTED).map(one).collect::<Vec<_>>().join(", ");
    if labels.len() > LISTED {
        text += &format!(" and {} more", labels.len() - LISTED);
    }
    text
}

/// A map to begin with: `0=1.0,255=0.0`.
pub(super) fn example(labels: &[(f64, usize)]) -> String {
    let value = |i: usize| if i == 0 { "1.0" } else { "0.0" };
    let named = labels.iter().take(LISTED).enumerate().map(|(i, (label, _))| format!("{label}={}", value(i)));
    let rest = (labels.len() > LISTED).then(|| "*=0.0".to_string());
    named.chain(rest).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_counted_in_every_type() {
        let counts = Some(vec![(0.0, 2), (3.0, 3)]);
        assert_eq!(count(&Samples::U8(vec![3, 0, 3, 3, 0])), counts);
        assert_eq!(count(&Samples::U16(vec![3, 0, 3, 3, 0])), counts);
        assert_eq!(count(&Samples::I64(vec![3, 0, 3, 3, 0])), counts);
        assert_eq!(count(&Samples::F64(vec![3.0, -0.0, 3.0, 3.0, 0.0])), counts);
        let odd = count(&Samples::F64(vec![f64::NAN, -1.5, -f64::NAN])).unwrap();
        assert_eq!((odd[0], odd[1].0.is_nan(), odd[1].1), ((-1.5, 1), true, 2));
    }

    #[test]
    fn too_many_values_are_no_labels() {
        let most = MOST_LABELS as i64;
        assert_eq!(count(&Samples::I64((0..most).collect())).unwrap().len(), MOST_LABELS);
        assert_eq!(count(&Samples::I64((0..most + 1).collect())), None);
        assert_eq!(count(&Samples::U16((0..=most as u16).collect())), None);
    }

    #[test]
    fn long_lists_are_cut() {
        let labels: Vec<(f64, usize)> = (0..10).map(|i| (i as f64, 1)).collect();
        assert!(list(&labels, 10).ends_with("7 (10.000 %, 1 voxel) and 2 more"));
        assert!(example(&labels).ends_with("7=0.0,*=0.0"));
    }
}
