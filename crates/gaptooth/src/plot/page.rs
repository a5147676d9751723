//! The page of a report: one file, no network, readable without scripts but for the films.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, context};
use serde_json::json;

use super::figure::{PALETTE, svg};
use super::number::{duration, number};
use super::thin;
use crate::report::{Check, Film, FilmTrack, Report, Table, Timing};
use crate::{Error, Result};

/// The report as a self-contained HTML text.
///
/// # Errors
/// As [`svg`] for a figure that cannot be drawn, [`Error::Shape`] for a film whose frames do not fit.
///
/// ```
/// use gaptooth::report::{Check, Report};
/// let report = Report {
///     study: "diffusion-1d".into(),
///     title: "Diffusion in one dimension".into(),
///     checks: vec![Check::at_most("a_star_abs_error", 2.0e-16, 1e-12)],
///     ..Report::default()
/// };
/// let page = gaptooth::plot::page(&report)?;
/// assert!(page.contains("1 of 1 check passed") && page.contains("2e-16"));
/// # Ok::<(), gaptooth::Error>(())
/// ```
pub fn page(report: &Report) -> Result<String> {
    let figures = report
        .figures
        .iter()
        .map(|f| {
            let drawing = Value::from_safe_string(svg(f)?);
            Ok(context! { name => &f.name, title => &f.title, caption => &f.caption, svg => drawing })
        })
        .collect::<Result<Vec<Value>>>()?;
    let films = report.films.iter().map(film_data).collect::<Result<Vec<_>>>()?;
    // `<` could end the script element that holds it.
    let data = serde_json::Value::Array(films).to_string().replace('<', "\\u003c");
    let texts = report.films.iter().map(|f| context! { title => &f.title, caption => &f.caption });
    let title = if report.title.is_empty() { &report.study } else { &report.title };
    let context = context! {
        title,
        study => &report.study,
        summary => &report.summary,
        verdict => verdict(&report.checks),
        checks => report.checks.iter().map(check).collect::<Vec<_>>(),
        figures,
        films => texts.collect::<Vec<_>>(),
        film_data => Value::from_safe_string(data),
        tables => report.tables.iter().map(table).collect::<Vec<_>>(),
        timings => timings(&report.timings),
        total => duration(report.wall_seconds),
        version => &report.version,
        seed => report.seed.to_string(),
        threads => report.threads.to_string(),
        notes => &report.notes,
        files => &report.files,
        css => Value::from_safe_string(include_str!("page/page.css").into()),
        script => Value::from_safe_string(include_str!("page/page.js").into()),
    };
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().unwrap_or_default());
    let rendered = environment
        .add_template("page.html", include_str!("page/page.html"))
        .and_then(|()| environment.get_template("page.html"))
        .and_then(|template| template.render(context));
    rendered.map_err(|e| Error::parameter("report", &report.study, "a report that the page can show", e.to_string()))
}

fn verdict(checks: &[Check]) -> Value {
    let bound: Vec<&Check> = checks.iter().filter(|c| c.bound.is_some() || !c.passed).collect();
    let passed = bound.iter().filter(|c| c.passed).count();
    let failed: Vec<String> = bound.iter().filter(|c| !c.passed).map(|c| c.name.clone()).collect();
    let text = match bound.len() {
        0 => "no check has a bound".to_string(),
        1 => format!("{passed} of 1 check passed"),
        n => format!("{passed} of {n} checks passed"),
    };
    let class = if bound.is_empty() { "none" } else { ["good", "bad"][usize::from(!failed.is_empty())] };
    context! { text, class, failed }
}

fn check(c: &Check) -> Value {
    let with_unit = |v: f64| match c.unit.as_str() {
        "" | "1" => number(v),
        unit => format!("{}\u{a0}{unit}", number(v)),
    };
    // The side of the bound follows from the verdict.
    let sign = |bound: f64| match (c.value <= bound) == c.passed {
        _ if c.value.is_nan() => "",
        true => "≤ ",
        false => "≥ ",
    };
    context! {
        name => &c.name,
        value => with_unit(c.value),
        exact => format!("{:e}", c.value),
        bound => c.bound.map(|b| format!("{}{}", sign(b), with_unit(b))),
        paper => c.paper.map(with_unit),
        passed => c.passed,
        judged => c.bound.is_some() || !c.passed,
    }
}

fn table(t: &Table) -> Value {
    let numeric = |cell: &str| cell.starts_with(|c: char| c.is_ascii_digit() || "-−–<>≤≥≈".contains(c));
    let cell = |text: &String| context! { text, numeric => numeric(text) };
    let rows: Vec<Value> = t.rows.iter().map(|r| Value::from(r.iter().map(cell).collect::<Vec<_>>())).collect();
    // A heading stands over its cells as they do.
    let heading = |(i, text): (usize, &String)| {
        context! { text, numeric => t.rows.first().and_then(|r| r.get(i)).is_some_and(|c| numeric(c)) }
    };
    let columns: Vec<Value> = t.columns.iter().enumerate().map(heading).collect();
    context! { name => &t.name, title => &t.title, columns, rows }
}

fn timings(timings: &[Timing]) -> Vec<Value> {
    let longest = timings.iter().map(|t| t.seconds).fold(f64::MIN_POSITIVE, f64::max);
    let work = |t: &Timing| {
        let count = |(name, n): (&String, &u64)| format!("{}\u{a0}{name}", number(*n as f64));
        t.work.iter().map(count).collect::<Vec<_>>().join(" · ")
    };
    let share = |t: &Timing| format!("{:.1}", (100.0 * t.seconds / longest).clamp(0.0, 100.0));
    let row =
        |t: &Timing| context! { name => &t.name, time => duration(t.seconds), share => share(t), work => work(t) };
    timings.iter().map(row).collect()
}

/// What the script draws.
fn film_data(film: &Film) -> Result<serde_json::Value> {
    for t in &film.tracks {
        let odd = t.frames.iter().map(Vec::len).find(|n| *n != t.x.len());
        if odd.is_some() || t.frames.len() != film.times.len() {
            return Err(Error::Shape {
                what: format!("track `{}` of film `{}`", t.label, film.title),
                expected: vec![film.times.len(), t.x.len()],
                found: vec![t.frames.len(), odd.unwrap_or(t.x.len())],
            });
        }
    }
    let film = thin::film(film);
    let (x, y) = thin::ranges(&film.tracks);
    let margin = 0.05 * (y.1 - y.0);
    let y = (y.0 - margin, y.1 + margin);
    let color = |i: usize| PALETTE[i % PALETTE.len()];
    let track = |(i, t): (usize, &FilmTrack)| json!({"label": t.label, "mark": t.mark, "color": color(i), "x": t.x, "frames": t.frames});
    let tracks: Vec<_> = film.tracks.iter().enumerate().map(track).collect();
    Ok(json!({"times": film.times, "x": [x.0, x.1], "y": [y.0, y.1], "tracks": tracks}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_of_a_bound_follows_from_the_verdict() {
        for (c, text) in [
            (Check::at_most("a", 1.0, 2.0), "≤ 2"),
            (Check::at_most("a", 3.0, 2.0), "≤ 2"),
            (Check::at_least("a", 3.0, 2.0), "≥ 2"),
            (Check::at_least("a", 1.0, 2.0), "≥ 2"),
            (Check::at_most("a", f64::NAN, 2.0), "2"),
        ] {
            assert_eq!(check(&c).get_attr("bound").unwrap().to_string(), text, "{c:?}");
        }
    }

    #[test]
    fn the_banner_counts_checks_with_bounds() {
        let text = |checks: &[Check]| verdict(checks).get_attr("text").unwrap().to_string();
        let (good, bad) = (Check::at_most("a", 1.0, 2.0), Check::at_most("b", 3.0, 2.0));
        assert_eq!(text(&[good.clone(), bad.clone(), Check::figure("c", 1.0)]), "1 of 2 checks passed");
        assert_eq!(text(&[Check::figure("c", f64::NAN), good]), "1 of 2 checks passed");
        assert_eq!(verdict(&[bad]).get_attr("class").unwrap().to_string(), "bad");
        assert_eq!(text(&[]), "no check has a bound");
    }
}
