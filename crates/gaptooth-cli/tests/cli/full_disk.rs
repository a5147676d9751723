//! A full disk: a clear error, and what was there before stays whole.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Place, files};

/// Files limited to 8 KiB stand in for a full disk.
#[test]
fn a_full_disk_is_named_and_leaves_earlier_results_whole() {
    let place = Place::with_study();
    place.run(&["run", "tiny.toml", "--out", "out"]).done();
    let kept = ["report.json", "report.html", "figures/data.json", "figures/figure-4.png"];
    let before = kept.map(|f| fs::read(place.path("out").join(f)).unwrap());
    let listing = files(&place.path("out"));
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" run tiny.toml --out out --seed 9 --json";
    let output = std::process::Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_gaptooth")])
        .current_dir(place.path("."))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("cannot write") && stderr.contains("too large"), "{stderr}");
    assert_eq!(output.stdout, b"");
    assert_eq!(kept.map(|f| fs::read(place.path("out").join(f)).unwrap()), before);
    let mut after = files(&place.path("out"));
    after.retain(|f| !f.starts_with("checkpoints/"));
    assert_eq!(after, listing, "no temporary is left");
    assert!(place.path("out/checkpoints/law-net.checkpoint").exists(), "with room again, --resume goes on");
}

/// Everything below `folder` but the checkpoints.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let results = files(folder).into_iter().filter(|name| !name.starts_with("checkpoints/"));
    results.map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
}

/// A file system of so many KiB in memory, for as long as this lives.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// None where this machine lets nobody mount.
    fn new(at: &'a Path, kib: u64) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let size = format!("size={kib}k");
        if !as_root("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).status().is_ok_and(|s| s.success()) {
            return None;
        }
        let open = as_root("chmod").arg("777").arg(at).status().unwrap();
        assert!(open.success());
        Some(Disk(at))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = as_root("umount").arg(self.0).status();
    }
}

fn as_root(command: &str) -> Command {
    let user = Command::new("id").arg("-u").output().unwrap().stdout;
    if user == b"0\n" {
        return Command::new(command);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", command]);
    sudo
}

#[test]
#[ignore = "mounts a file system as root: CI's slow step"]
fn wherever_the_disk_fills_earlier_results_stay_whole() {
    let place = Place::with_study();
    let at = place.path("disk");
    let Some(disk) = Disk::new(&at, 16 << 10) else {
        return eprintln!("not tried: no file system can be mounted here");
    };
    let run = |seed: &str| place.run(&["run", "tiny.toml", "--out", "disk/out", "--seed", seed, "--json"]);
    run("3").done();
    let before = contents(&at.join("out"));
    let size: u64 = before.values().map(|bytes| bytes.len() as u64).sum();
    let mut full = 0;
    for part in 0..12 {
        // the rest of the disk, but for a part of what the results need
        let room = size * part / 10;
        let free =
            String::from_utf8(Command::new("df").args(["--output=avail", "-B1"]).arg(&at).output().unwrap().stdout);
        let free: u64 = free.unwrap().lines().nth(1).unwrap().trim().parse().unwrap();
        fs::write(at.join("ballast"), vec![0; free.saturating_sub(room) as usize]).unwrap();
        let answer = run("9");
        fs::remove_file(at.join("ballast")).unwrap();
        if answer.code == Some(0) {
            assert!(part > 5, "{part}");
            run("3").done();
            continue;
        }
        full += 1;
        assert_eq!(answer.code, Some(1), "{part}: {}", answer.stderr);
        assert!(answer.stderr.contains("No space left on device"), "{part}: {}", answer.stderr);
        let after = contents(&at.join("out"));
        let changed: Vec<_> =
            after.iter().filter(|(name, bytes)| before.get(*name) != Some(bytes)).map(|(n, _)| n).collect();
        assert!(after.len() == before.len() && changed.is_empty(), "{part}: {changed:?}");
    }
    assert!(full > 3, "the disk was full {full} times");
    drop(disk);
}
