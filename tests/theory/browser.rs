//! The report of `dinv validate --html` in headless Chromium.
//!
//! Chromium is `DINV_CHROMIUM`, else what is on the path; without one the test is left out, unless
//! the variable asks for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Reports on a phone and on a desk.
const WIDTHS: [u32; 2] = [390, 1280];

/// What the page looks like from inside, written into the title of the outer page.
const PROBE: &str = r#"
const page = document.querySelector("iframe").contentDocument;
const heights = [...page.querySelectorAll("math")].map(m => m.getBoundingClientRect().height);
const fractions = [...page.querySelectorAll("mfrac")].map(m =>
  m.children[1].getBoundingClientRect().top - m.children[0].getBoundingClientRect().top);
const style = page.defaultView.getComputedStyle(page.body);
const wide = [...page.querySelectorAll("body *")].filter(e => {
  if (e.closest(".scroll, .equation, pre, details")) return false;
  return e.getBoundingClientRect().right > page.documentElement.clientWidth + 1;
}).map(e => e.tagName);
document.title = JSON.stringify({
  ground: style.backgroundColor, overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
  formulas: heights.length, flat: heights.filter(h => h < 12).length,
  fractions: fractions.length, unstacked: fractions.filter(h => h < 5).length,
  plots: page.querySelectorAll("svg.plot").length, wide: wide.slice(0, 5), sections: page.querySelectorAll("section").length,
});
"#;

fn chromium() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("DINV_CHROMIUM") {
        return Some(path.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}

fn browse(chromium: &Path, folder: &Path, page: &Path, is_dark: bool, extra: &[&str]) -> String {
    let mut command = Command::new(chromium);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
        // Whatever the page asked for from the network would fail.
        .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=2000"])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!is_dark)))
        .args(extra)
        .arg(format!("file://{}", page.display()));
    let output = command.output().expect("Chromium starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The report inside a frame of this width, with the probe.
fn frame(report: &str, width: u32) -> String {
    let escaped = report.replace('&', "&amp;").replace('"', "&quot;");
    format!(
        "<!DOCTYPE html><meta charset=utf-8><title></title><body style=\"margin:0\">\
         <iframe style=\"border:0;width:{width}px;height:3000px\" srcdoc=\"{escaped}\"></iframe>\
         <script>addEventListener('load', () => {{ {PROBE} }})</script>"
    )
}

fn probe(
    chromium: &Path,
    folder: &Path,
    report: &str,
    width: u32,
    is_dark: bool,
) -> serde_json::Value {
    let page = folder.join("frame.html");
    fs::write(&page, frame(report, width)).unwrap();
    let dom = browse(chromium, folder, &page, is_dark, &["--dump-dom", "--window-size=1300,3000"]);
    let title = dom.split("<title>").nth(1).and_then(|t| t.split("</title>").next()).unwrap();
    serde_json::from_str(&title.replace("&amp;", "&")).unwrap_or_else(|e| panic!("{e}: {title}"))
}

fn report(folder: &Path) -> String {
    let mut command = assert_cmd::Command::cargo_bin("dinv").expect("cargo builds the program");
    let ids = ["theorem-1-*", "theorem-4-*", "tikhonov", "composition", "dfc-steady-state"];
    let file = folder.join("report.html");
    command.arg("validate").args(ids).arg("--html").arg(&file).assert().success();
    fs::read_to_string(file).unwrap()
}

#[test]
fn the_report_is_whole_offline_on_phones_and_desks_light_and_dark() {
    let folder = tempfile::tempdir().unwrap();
    let page = report(folder.path());
    for foreign in ["<script", "<link", "<img", "src=", "url(", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let Some(chromium) = chromium() else {
        eprintln!("no Chromium (DINV_CHROMIUM): the page was not looked at");
        return;
    };
    let mut grounds = Vec::new();
    for is_dark in [false, true] {
        for width in WIDTHS {
            let seen = probe(&chromium, folder.path(), &page, width, is_dark);
            let count =
                |name: &str| seen[name].as_u64().unwrap_or_else(|| panic!("{name}: {seen}"));
            assert_eq!(seen["overflow"], 0, "width {width}: {seen}");
            assert_eq!(seen["wide"].as_array().unwrap().len(), 0, "width {width}: {seen}");
            // Formulas are typeset: nothing is flat, and fractions stand one above the other.
            assert_eq!(count("sections"), 8);
            assert_eq!(count("formulas"), 8);
            assert_eq!(count("flat"), 0);
            assert!(count("fractions") > 5);
            assert_eq!(count("unstacked"), 0);
            assert!(count("plots") > 8);
            grounds.push(seen["ground"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(grounds[0], grounds[1]);
    assert_ne!(grounds[1], grounds[2], "light and dark differ");
}
