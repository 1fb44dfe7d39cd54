#[test]
fn look() {
    let Some(dir) = std::env::var_os("LOOK") else { return };
    let dir = std::path::PathBuf::from(dir);
    use super::files::Rows;
    let copy = |folder: &super::files::Folder, name: &str| {
        std::fs::copy(folder.file(), dir.join(name)).unwrap();
    };
    copy(&Rows::new(3, 400).file(), "three.h5");
    copy(&Rows::new(1000, 2000).file(), "thousand.h5");
    copy(&Rows { targets: 4, ..Rows::new(3, 300) }.file(), "targets.h5");
    copy(&super::stability::everything(), "stability.h5");
    copy(&Rows::new(3, 1).file(), "one.h5");
    copy(
        &Rows {
            state: |_, _| 3.0,
            residual: |t| if t > 200.0 { 0.0 } else { (-t * 0.1).exp() },
            ..Rows::new(3, 100)
        }
        .file(),
        "constant.h5",
    );
    copy(&Rows::new(1000, 20_000).file(), "long.h5");
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "h5") {
            for e in ["png", "svg"] {
                let start = std::time::Instant::now();
                let drawn = dynamic_inversion::plot::draw(
                    &path,
                    &path.with_extension(e),
                    true,
                    &Default::default(),
                );
                println!("{path:?} {e} {:?} {:?}", drawn.map(|d| d.bytes), start.elapsed());
            }
        }
    }
}
