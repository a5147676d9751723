//! The book's includes, links and pictures exist, every page is in its summary, and the README's links hold too.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
}

/// The targets of `](target)` and of `{{#include target}}`.
fn targets(text: &str) -> (Vec<&str>, Vec<&str>) {
    let between = |open: &str, close: char| -> Vec<&str> {
        text.split(open).skip(1).filter_map(|rest| rest.split(close).next()).collect()
    };
    let links = between("](", ')').into_iter().map(|l| l.split('#').next().unwrap_or_default());
    (links.filter(|l| !l.is_empty() && !l.starts_with("http")).collect(), between("{{#include ", '}'))
}

#[test]
fn everything_that_a_page_names_exists() {
    let pieces = ["README.md", "docs/performance.md", "docs/reliability.md", "docs/scaling.md"];
    let mut all: Vec<PathBuf> = pieces.iter().map(|piece| root().join(piece)).collect();
    pages(&root().join("docs/src"), &mut all);
    assert!(all.len() > 10);
    for page in &all {
        let text = fs::read_to_string(page).unwrap();
        let folder = page.parent().unwrap();
        let (links, includes) = targets(&text);
        for link in links {
            assert!(folder.join(link).exists(), "{}: no {link}", page.display());
        }
        for include in includes {
            let (file, anchor) = include.split_once(':').unwrap_or((include, ""));
            let included = fs::read_to_string(folder.join(file));
            let included = included.unwrap_or_else(|e| panic!("{}: {include}: {e}", page.display()));
            assert!(anchor.is_empty() || included.contains(&format!("ANCHOR: {anchor}")), "{include}");
        }
    }
}

#[test]
fn every_page_is_in_the_summary() {
    let source = root().join("docs/src");
    let summary = fs::read_to_string(source.join("SUMMARY.md")).unwrap();
    let listed: Vec<PathBuf> =
        targets(&summary).0.into_iter().map(|l| source.join(l).canonicalize().unwrap()).collect();
    let mut all = Vec::new();
    pages(&source, &mut all);
    for page in all {
        let page = page.canonicalize().unwrap();
        assert!(page.ends_with("SUMMARY.md") || listed.contains(&page), "{} is not in SUMMARY.md", page.display());
    }
}
