//! Who may import whom: the picture of `lib.rs`, kept true. A new arrow is a redesign, not a patch.

use std::{fs, path::Path};

/// Each room and the rooms it may name, lowest first. nn never sees a PDE, patch never sees nn, cell sees neither.
const MAY_IMPORT: [(&str, &str); 22] = [
    ("error", ""),
    ("fourier", ""),
    ("observer", "error"),
    ("store", "error"),
    ("team", "error"),
    ("grid", "error"),
    ("stencil", "error grid"),
    ("linalg", "error"),
    ("legendre", ""),
    ("coefficient", "error grid"),
    ("ode", "error observer team linalg"),
    ("nn", "error observer linalg"),
    ("patch", "error fourier observer team grid stencil linalg coefficient ode"),
    ("cell", "error fourier observer store grid stencil linalg legendre coefficient"),
    ("fem", "error grid linalg legendre coefficient"),
    ("closure", "error fourier observer grid stencil linalg ode patch nn"),
    ("pinn", "error observer linalg coefficient nn cell"),
    ("problems", "error coefficient ode patch cell fem closure nn pinn"),
    ("report", "error"),
    (
        "study",
        "error fourier observer store team grid stencil linalg coefficient ode nn patch cell fem closure pinn problems report",
    ),
    ("io", "error observer store grid coefficient ode nn patch cell fem closure pinn problems report study"),
    ("plot", "error observer grid report study io"),
];

/// The rooms that `crate::room` and `crate::{room, room::…}` name; comments are left out.
fn imports(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().map(|l| l.split("//").next().unwrap_or_default()).collect();
    let word = |s: &str| s.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for rest in code.join("\n").split("crate::").skip(1) {
        let (mut depth, mut starts) = (0, if rest.starts_with('{') { vec![] } else { vec![0] });
        for (i, c) in rest.char_indices().take_while(|_| rest.starts_with('{')) {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if depth == 1 && (c == ',' || c == '{') {
                starts.push(i + 1);
            }
            if depth == 0 {
                break;
            }
        }
        found.extend(starts.into_iter().map(|i| word(&rest[i..])));
    }
    found
}

fn check(folder: &Path, room: Option<&str>, wrong: &mut Vec<String>) {
    for path in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_string();
        let room = room.unwrap_or(&name);
        if path.is_dir() {
            check(&path, Some(room), wrong);
        } else if path.extension().is_some_and(|e| e == "rs") && room != "lib" {
            let may = MAY_IMPORT.iter().find(|(r, _)| *r == room);
            let may = may.unwrap_or_else(|| panic!("the new room `{room}` has no place in the picture")).1;
            let known = |to: &String| MAY_IMPORT.iter().any(|(r, _)| r == to) && to != room;
            let bad = imports(&fs::read_to_string(&path).unwrap()).into_iter().filter(known);
            let bad = bad.filter(|to| !may.split(' ').any(|m| m == to));
            wrong.extend(bad.map(|to| format!("{}: `{room}` may not import `{to}`", path.display())));
        }
    }
}

#[test]
fn arrows_point_down() {
    let text = "use crate::{\n    Error,\n    nn::{Mlp, grid},\n    plot, // crate::io\n};\nlet a = crate::ode::x();";
    assert_eq!(imports(text), ["Error", "nn", "plot", "", "ode"]);
    let mut wrong = Vec::new();
    check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), None, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
