//! Figures and films with no more points than are drawn: what is kept beside the report and put into the page.

use super::decimate;
use super::figure::{BUCKETS, CLOUD};
use crate::report::{Figure, Film, FilmTrack, Mark, PanelKind, Series};

/// Frames and points of a film's curve at most.
const FRAMES: usize = 101;
const FILM_BUCKETS: usize = 240;

/// The figure thinned; drawn, it looks the same.
pub(crate) fn figure(figure: &Figure) -> Figure {
    let mut thin = figure.clone();
    for panel in &mut thin.panels {
        match &mut panel.kind {
            PanelKind::Series { series, .. } => series.iter_mut().for_each(self::series),
            PanelKind::HeatMap { x, y, values } => {
                if x.len() * y.len() == values.len() && values.len() > 360 * 260 {
                    let (field, rows, columns) = decimate::field(x, y, values, (360, 260));
                    (*x, *y) = (centres(x, columns), centres(y, rows));
                    *values = field.concat();
                }
            }
        }
    }
    thin
}

fn series(s: &mut Series) {
    if s.x.len() != s.y.len() {
        return;
    }
    let points: Vec<(f64, f64)> = s.x.iter().copied().zip(s.y.iter().copied()).collect();
    let points = match s.mark {
        Mark::Points => decimate::cloud(&points, range(s.x.iter()), range(s.y.iter()), CLOUD),
        // A NaN between the pieces keeps the gaps.
        _ => decimate::curve(&points, BUCKETS).join(&(f64::NAN, f64::NAN)),
    };
    (s.x, s.y) = points.into_iter().unzip();
}

/// Smallest and largest finite value, widened where they coincide.
fn range<'a>(values: impl Iterator<Item = &'a f64>) -> (f64, f64) {
    let finite = values.filter(|v| v.is_finite());
    let (lo, hi) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), v| (lo.min(*v), hi.max(*v)));
    let half = if lo == 0.0 { 1.0 } else { 0.5 * lo.abs() };
    match hi > lo {
        true => (lo, hi),
        false if lo.is_finite() => (lo - half, hi + half),
        false => (0.0, 1.0),
    }
}

/// Centres of `n` equal cells over the points; the points themselves where they were left as they are.
fn centres(points: &[f64], n: usize) -> Vec<f64> {
    if points.len() == n {
        return points.to_vec();
    }
    let (lo, hi) = (points[0], points[points.len() - 1]);
    (0..n).map(|i| lo + (hi - lo) * (i as f64 + 0.5) / n as f64).collect()
}

/// The film with at most [`FRAMES`] frames, first and last among them, and curves thinned in each frame to the extremes
/// of runs of points; values are rounded to a hundredth of what can be seen.
pub(crate) fn film(film: &Film) -> Film {
    let n = film.times.len();
    let frames: Vec<usize> =
        if n <= FRAMES { (0..n).collect() } else { (0..FRAMES).map(|i| i * (n - 1) / (FRAMES - 1)).collect() };
    let times = frames.iter().map(|&i| film.times[i]).collect();
    let mut tracks: Vec<FilmTrack> = film.tracks.iter().map(|t| track(t, &frames)).collect();
    let (x, y) = ranges(&film.tracks);
    for t in &mut tracks {
        t.x.iter_mut().for_each(|v| *v = rounded(*v, x));
        t.frames.iter_mut().flatten().for_each(|v| *v = rounded(*v, y));
    }
    Film { title: film.title.clone(), caption: film.caption.clone(), times, tracks }
}

/// The range of the abscissae and of the ordinates of all frames.
pub(crate) fn ranges(tracks: &[FilmTrack]) -> ((f64, f64), (f64, f64)) {
    let x = range(tracks.iter().flat_map(|t| t.x.iter()));
    (x, range(tracks.iter().flat_map(|t| t.frames.iter().flatten())))
}

/// To a power of ten that is at most a hundred-thousandth of the range.
fn rounded(value: f64, (lo, hi): (f64, f64)) -> f64 {
    let power = ((hi - lo) * 1e-5).log10().floor() as i32;
    if power < 0 {
        let inverse = 10f64.powi(-power);
        (value * inverse).round() / inverse
    } else {
        let unit = 10f64.powi(power);
        (value / unit).round() * unit
    }
}

fn track(track: &FilmTrack, frames: &[usize]) -> FilmTrack {
    let picked = frames.iter().filter_map(|&i| track.frames.get(i));
    let n = track.x.len();
    if n <= 2 * FILM_BUCKETS || track.mark == Mark::Points {
        return FilmTrack { frames: picked.cloned().collect(), ..track.clone() };
    }
    let run = n.div_ceil(FILM_BUCKETS);
    let x = track.x.chunks(run).flat_map(|c| [c[0], c[c.len() / 2]]).collect();
    let extremes = |c: &[f64]| {
        let by_value = |a: &usize, b: &usize| c[*a].total_cmp(&c[*b]);
        let low = (0..c.len()).min_by(by_value).unwrap_or(0);
        let high = (0..c.len()).max_by(by_value).unwrap_or(0);
        [c[low.min(high)], c[low.max(high)]]
    };
    let frames = picked.map(|f| f.chunks(run).flat_map(extremes).collect()).collect();
    FilmTrack { label: track.label.clone(), mark: track.mark, x, frames }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Panel;

    #[test]
    fn a_thinned_figure_stays_as_it_is() {
        let x: Vec<f64> = (0..100_000).map(f64::from).collect();
        let mut y: Vec<f64> = x.iter().map(|x| (0.1 * x).sin()).collect();
        y[5000] = f64::NAN;
        let series = vec![Series { label: "u".into(), x: x.clone(), y, mark: Mark::Line }];
        let long = PanelKind::Series { series, log_y: false };
        let values = x.iter().flat_map(|x| [*x, -x]).collect();
        let map = PanelKind::HeatMap { x: vec![0.0, 1.0], y: x, values };
        let panel = |kind| Panel { title: String::new(), x_label: "x".into(), y_label: "y".into(), kind };
        let full = Figure {
            name: "f".into(),
            title: String::new(),
            caption: String::new(),
            columns: 2,
            panels: vec![panel(long), panel(map)],
        };
        let once = figure(&full);
        let PanelKind::Series { series, .. } = &once.panels[0].kind else { panic!() };
        assert!(series[0].x.len() < 900 && series[0].y.iter().filter(|v| v.is_nan()).count() == 1);
        assert_eq!(crate::plot::svg(&once).unwrap(), crate::plot::svg(&figure(&once)).unwrap());
    }

    #[test]
    fn a_film_keeps_its_ends_and_its_extremes() {
        let x: Vec<f64> = (0..10_000).map(f64::from).collect();
        let mut frames = vec![x.iter().map(|x| (0.01 * x).sin()).collect::<Vec<_>>(); 1000];
        frames[999][7777] = 5.0;
        let tracks = vec![FilmTrack { label: "u".into(), mark: Mark::Line, x, frames }];
        let times = (0..1000).map(f64::from).collect();
        let thin = film(&Film { title: String::new(), caption: String::new(), times, tracks });
        assert_eq!((thin.times.len(), thin.times[0], thin.times[100]), (101, 0.0, 999.0));
        let track = &thin.tracks[0];
        assert!(track.x.len() <= 600 && track.frames.iter().all(|f| f.len() == track.x.len()));
        assert!(track.frames[100].contains(&5.0));
    }
}
