//! Fewer points, the same picture: the extremes of each pixel column are kept.

/// A curve cut at values that are not finite, each piece with at most about `2 · buckets` points (over the whole
/// curve): the smallest and the largest of each bucket, in their order, and both ends.
pub(crate) fn curve(points: &[(f64, f64)], buckets: usize) -> Vec<Vec<(f64, f64)>> {
    let finite = |p: &(f64, f64)| p.0.is_finite() && p.1.is_finite();
    let pieces = points.split(|p| !finite(p)).filter(|piece| !piece.is_empty());
    if points.len() <= 2 * buckets + 2 {
        return pieces.map(<[_]>::to_vec).collect();
    }
    let lo = points.iter().filter(|p| finite(p)).map(|p| p.0).fold(f64::INFINITY, f64::min);
    let hi = points.iter().filter(|p| finite(p)).map(|p| p.0).fold(f64::NEG_INFINITY, f64::max);
    let width = (hi - lo) / buckets as f64;
    pieces
        .map(|piece| {
            let ascending = piece.windows(2).all(|w| w[0].0 <= w[1].0);
            if ascending && width > 0.0 {
                extremes(piece, |p, _| ((p.0 - lo) / width) as usize)
            } else {
                let chunk = points.len().div_ceil(buckets);
                extremes(piece, |_, i| i / chunk)
            }
        })
        .collect()
}

fn extremes(piece: &[(f64, f64)], bucket: impl Fn(&(f64, f64), usize) -> usize) -> Vec<(f64, f64)> {
    let mut kept = vec![0];
    let mut start = 0;
    while start < piece.len() {
        let this = bucket(&piece[start], start);
        let length = piece[start..].iter().enumerate().take_while(|(i, p)| bucket(p, start + i) == this).count();
        let range = start..start + length;
        let by_value = |a: &usize, b: &usize| piece[*a].1.total_cmp(&piece[*b].1);
        let low = range.clone().min_by(by_value).unwrap_or(start);
        let high = range.max_by(by_value).unwrap_or(start);
        kept.extend([low.min(high), low.max(high)]);
        start += length;
    }
    kept.push(piece.len() - 1);
    kept.dedup();
    kept.into_iter().map(|i| piece[i]).collect()
}

/// Finite points, at most about `most`: of those in one cell of a square grid over `x` and `y`, fine at first and then
/// coarser, the first is kept, since the others would be drawn over it.
pub(crate) fn cloud(points: &[(f64, f64)], x: (f64, f64), y: (f64, f64), most: usize) -> Vec<(f64, f64)> {
    let finite: Vec<(f64, f64)> = points.iter().filter(|p| p.0.is_finite() && p.1.is_finite()).copied().collect();
    let mut kept = finite.clone();
    for n in [400.0, 200.0, 100.0, 50.0] {
        if kept.len() <= most {
            break;
        }
        let cell = |v: f64, (lo, hi): (f64, f64)| ((v - lo) / (hi - lo) * n).floor() as i64;
        let mut taken = std::collections::HashSet::new();
        kept = finite.iter().filter(|p| taken.insert((cell(p.0, x), cell(p.1, y)))).copied().collect();
    }
    kept
}

/// A field on a grid of its own as `[rows, columns]` equal cells: the mean of the values that fall into a cell, else the
/// nearest value. A small field on equal steps comes back as it is.
pub(crate) fn field(x: &[f64], y: &[f64], values: &[f64], most: (usize, usize)) -> (Vec<Vec<f64>>, usize, usize) {
    let columns = cells(x, most.0);
    let rows = cells(y, most.1);
    let field = rows
        .iter()
        .map(|from| {
            columns
                .iter()
                .map(|column| {
                    let picked = from.iter().flat_map(|&i| column.iter().map(move |&j| values[i * x.len() + j]));
                    let (sum, n) = picked.filter(|v| v.is_finite()).fold((0.0, 0), |(s, n), v| (s + v, n + 1));
                    if n == 0 { f64::NAN } else { sum / n as f64 }
                })
                .collect()
        })
        .collect();
    (field, rows.len(), columns.len())
}

/// For each of at most `most` equal cells over the points: the points in it, or the nearest one.
fn cells(points: &[f64], most: usize) -> Vec<Vec<usize>> {
    let n = points.len();
    if n < 2 {
        return vec![(0..n).collect()];
    }
    let step = (points[n - 1] - points[0]) / (n - 1) as f64;
    let equal = points.windows(2).all(|w| ((w[1] - w[0]) - step).abs() < 1e-6 * step.abs());
    if equal && n <= most {
        return (0..n).map(|i| vec![i]).collect();
    }
    let count = if equal { most } else { most.min(4 * n) };
    let width = (points[n - 1] - points[0]) / count as f64;
    (0..count)
        .map(|c| {
            let (lo, hi) = (points[0] + c as f64 * width, points[0] + (c + 1) as f64 * width);
            let inside: Vec<usize> =
                (0..n).filter(|&i| points[i] >= lo && (points[i] < hi || c + 1 == count)).collect();
            if !inside.is_empty() {
                return inside;
            }
            let centre = 0.5 * (lo + hi);
            let distance = |i: &usize| (points[*i] - centre).abs();
            (0..n).min_by(|a, b| distance(a).total_cmp(&distance(b))).into_iter().collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_in_a_million_points_is_kept() {
        let mut points: Vec<(f64, f64)> = (0..1_000_000).map(|i| (i as f64, (i as f64 * 0.01).sin())).collect();
        points[654_321].1 = 9.0;
        points[654_322].1 = -9.0;
        let pieces = curve(&points, 300);
        assert_eq!(pieces.len(), 1);
        assert!(pieces[0].len() <= 602, "{}", pieces[0].len());
        assert!(pieces[0].contains(&points[654_321]) && pieces[0].contains(&points[654_322]));
        assert_eq!((pieces[0][0], pieces[0][pieces[0].len() - 1]), (points[0], points[999_999]));
        assert!(pieces[0].windows(2).all(|w| w[0].0 < w[1].0));
    }

    #[test]
    fn a_gap_stays_a_gap_and_a_loop_a_loop() {
        let mut points: Vec<(f64, f64)> = (0..10).map(|i| (i as f64, 1.0)).collect();
        points[4].1 = f64::NAN;
        assert_eq!(curve(&points, 100).iter().map(Vec::len).collect::<Vec<_>>(), [4, 5]);
        let circle: Vec<(f64, f64)> = (0..5000).map(|i| (0.01 * i as f64).sin_cos()).collect();
        let drawn = curve(&circle, 200);
        assert!(drawn[0].len() <= 402 && drawn[0].len() > 200);
    }

    #[test]
    fn uneven_fields_are_put_on_equal_cells() {
        let (field, rows, columns) = super::field(&[0.0, 1.0, 2.0], &[0.0, 1.0, 3.0], &[1.0; 9], (10, 10));
        assert_eq!((rows, columns), (10, 3));
        assert!(field.iter().flatten().all(|v| *v == 1.0));
        let fine: Vec<f64> = (0..1000).map(|i| i as f64).collect();
        let (field, _, columns) = super::field(&fine, &[0.0, 1.0], &[fine.clone(), fine.clone()].concat(), (100, 10));
        assert_eq!((columns, field[0][0], field[0][99]), (100, 4.5, 994.5), "means of ten");
    }

    #[test]
    fn points_over_one_another_are_drawn_once() {
        let points: Vec<(f64, f64)> = (0..100_000).map(|i| ((i % 100) as f64, (i % 7) as f64)).collect();
        assert_eq!(cloud(&points, (0.0, 100.0), (0.0, 7.0), 2000).len(), 700);
    }
}
