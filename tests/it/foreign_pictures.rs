//! Pictures as PIL reads them: `tests/fixtures/pictures`.

use std::fs;
use std::path::Path;

use reid_workbench::data::decode::{decode, header};

/// The pixels of a PPM as PIL writes it.
fn ppm(path: &Path) -> (u32, u32, Vec<u8>) {
    let bytes = fs::read(path).unwrap();
    let mut lines = bytes.splitn(4, |b| *b == b'\n').map(<[u8]>::to_vec);
    let (kind, size, most) = (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
    assert_eq!((&kind[..], &most[..]), (&b"P6"[..], &b"255"[..]));
    let size = String::from_utf8(size).unwrap();
    let (w, h) = size.split_once(' ').unwrap();
    (w.parse().unwrap(), h.parse().unwrap(), lines.next().unwrap())
}

/// How far from PIL's: the largest difference of a value, and the mean.
fn differs(path: &Path) -> Result<(u8, f64), String> {
    let (w, h, expected) = ppm(&path.with_added_extension("expected"));
    let found = decode(path).map_err(|e| e.to_string())?;
    assert_eq!(found.dimensions(), (w, h));
    let far: Vec<u8> = found.as_raw().iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).collect();
    let mean = far.iter().map(|&d| f64::from(d)).sum::<f64>() / far.len() as f64;
    Ok((far.into_iter().max().unwrap(), mean))
}

/// Decoders of JPEG may round otherwise; what is without loss is equal.
#[test]
fn pictures_of_every_kind_are_as_pil_reads_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pictures");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e != "expected"));
    files.sort();
    assert!(files.len() > 40);
    let mut wrong = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        // PIL scales by its own rounding where the largest value is not 255.
        let lossy =
            name == "m100.pgm" || name.ends_with(".jpg") || name.starts_with("jpeg") || name.contains("lossy.webp");
        match differs(&path) {
            Ok((0, _)) => {}
            Ok((most, mean)) if lossy && most <= 3 && mean < 0.5 => {}
            Ok((most, mean)) => wrong.push(format!("{name}: up to {most}, {mean:.3} in the mean")),
            Err(e) if name == "p.tif" => assert!(e.contains("RGBPalette"), "{e}"),
            Err(e) => wrong.push(format!("{name}: {e}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(header(&folder.join("grey16.png")).unwrap().deep_grey);
    assert!(!header(&folder.join("rgb16.png")).unwrap().deep_grey);
}
