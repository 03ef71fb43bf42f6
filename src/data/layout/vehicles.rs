//! Vehicles by lists: VehicleID (`image/0000001.jpg`, `train_test_split/train_list.txt`) and VeRi-Wild
//! (`images/00001/000001.jpg`, `train_test_split/vehicle_info.txt`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::published::{PublishedCounts, PublishedNumber, SplitFigures};
use super::{DataError, Layout, Options, Sample, Splits, listing};
use crate::data::files;
use crate::method::draws::one_of_each;

const fn hint(ids: usize, images: usize) -> SplitFigures {
    SplitFigures { ids: PublishedNumber::Hint(ids), images: PublishedNumber::Hint(images) }
}

const fn form(
    form: &'static str,
    train: (usize, usize),
    query: SplitFigures,
    gallery: SplitFigures,
) -> PublishedCounts {
    PublishedCounts { form, train: hint(train.0, train.1), query, gallery, cameras: PublishedNumber::Unknown }
}

/// VehicleID: one gallery image of each vehicle, drawn by the seed; the others ask.
pub const VEHICLE_ID: Layout = Layout {
    name: "vehicleid",
    title: "VehicleID",
    expects: "the folders image and train_test_split, with train_list.txt and test_list_800.txt, 1600 or 2400",
    notice: Some(
        "VehicleID: the gallery has one image of each vehicle, drawn by the seed (seed = 0 … 9); the mean over ten draws, \
         which is what is published, stands beside the figures of this one",
    ),
    published: &[
        form("VehicleID, small", (13_164, 113_346), hint(800, 5_693), hint(800, 800)),
        form("VehicleID, medium", (13_164, 113_346), hint(1_600, 11_777), hint(1_600, 1_600)),
        form("VehicleID, large", (13_164, 113_346), hint(2_400, 17_377), hint(2_400, 2_400)),
    ],
    detect: |root| vehicle_id(root).is_some(),
    read: read_vehicle_id,
};

/// VeRi-Wild: cameras stand in `vehicle_info.txt`.
pub const VERI_WILD: Layout = Layout {
    name: "veriwild",
    title: "VeRi-Wild",
    expects: "the folders images and train_test_split, with train_list.txt, vehicle_info.txt, test_3000_query.txt and \
              test_3000.txt (or 5000, 10000)",
    notice: None,
    published: &[
        form("VeRi-Wild, small", (30_671, 277_797), hint(3_000, 3_000), hint(3_000, 38_861)),
        form("VeRi-Wild, medium", (30_671, 277_797), hint(5_000, 5_000), hint(5_000, 64_389)),
        form("VeRi-Wild, large", (30_671, 277_797), hint(10_000, 10_000), hint(10_000, 128_517)),
    ],
    detect: |root| veri_wild(root).is_some(),
    read: read_veri_wild,
};

/// Image folder and list folder.
fn vehicle_id(root: &Path) -> Option<(PathBuf, PathBuf)> {
    listing::find(root, |dir| {
        let (images, lists) = (listing::folder(dir, "image")?, listing::folder(dir, "train_test_split")?);
        lists.join("train_list.txt").is_file().then_some((images, lists))
    })
}

fn veri_wild(root: &Path) -> Option<(PathBuf, PathBuf)> {
    listing::find(root, |dir| {
        let (images, lists) = (listing::folder(dir, "images")?, listing::folder(dir, "train_test_split")?);
        lists.join("vehicle_info.txt").is_file().then_some((images, lists))
    })
}

/// The size of the test: as the variant says, else the smallest that is there.
fn size(
    lists: &Path,
    options: &Options,
    sizes: [(&str, &str); 3],
    file: impl Fn(&str) -> String,
) -> Result<String, DataError> {
    let there = |n: &str| lists.join(file(n)).is_file();
    match options.variant.as_deref() {
        Some(wanted) => {
            sizes.iter().find(|(name, n)| *name == wanted || *n == wanted).map(|(_, n)| (*n).to_owned()).ok_or_else(
                || DataError::BadSetting(format!("there is no variant `{wanted}`: it is small, medium or large")),
            )
        }
        None => sizes.iter().find(|(_, n)| there(n)).map(|(_, n)| (*n).to_owned()).ok_or_else(|| {
            DataError::BadSetting(format!("{} has no list of a test: expected {}", lists.display(), file(sizes[0].1)))
        }),
    }
}

fn lines(file: &Path) -> Result<Vec<(usize, String)>, DataError> {
    let text = files::text(file)?;
    Ok(text.lines().enumerate().map(|(i, l)| (i + 1, l.trim().to_owned())).filter(|(_, l)| !l.is_empty()).collect())
}

fn bad(file: &Path, line: usize, text: &str, form: &str) -> DataError {
    DataError::BadLine { path: file.to_path_buf(), line, message: format!("`{text}` is not of the form {form}") }
}

fn read_vehicle_id(root: &Path, options: &Options) -> Result<Splits, DataError> {
    let (images, lists) = vehicle_id(root).ok_or_else(|| VEHICLE_ID.wrong(root))?;
    let list = |name: &str| -> Result<Vec<Sample>, DataError> {
        let file = lists.join(name);
        lines(&file)?
            .into_iter()
            .map(|(line, text)| {
                let parsed = text.split_once(char::is_whitespace).and_then(|(i, v)| Some((i, v.trim().parse().ok()?)));
                let (image, pid) = parsed.ok_or_else(|| bad(&file, line, &text, "0000001 7"))?;
                Ok(Sample::new(images.join(format!("{image}.jpg")), pid, 0))
            })
            .collect()
    };
    let file = |n: &str| format!("test_list_{n}.txt");
    let n = size(&lists, options, [("small", "800"), ("medium", "1600"), ("large", "2400")], file)?;
    let mut splits = Splits { train: list("train_list.txt")?, ..Splits::default() };
    let mut test = list(&file(&n))?;
    test.sort_by(|a, b| a.path.cmp(&b.path));
    let seed = options.seed.unwrap_or(0);
    let pids: Vec<i32> = test.iter().map(|s| s.pid).collect();
    let (query, gallery) = one_of_each(&pids, seed);
    let pick = |rows: Vec<usize>| rows.into_iter().map(|i| test[i].clone()).collect();
    (splits.query, splits.gallery, splits.drawn) = (pick(query), pick(gallery), true);
    splits.notes.push(format!("test of {n} vehicles, draw {seed}"));
    Ok(splits)
}

fn read_veri_wild(root: &Path, options: &Options) -> Result<Splits, DataError> {
    let (images, lists) = veri_wild(root).ok_or_else(|| VERI_WILD.wrong(root))?;
    let info = lists.join("vehicle_info.txt");
    let mut cameras: HashMap<String, i32> = HashMap::new();
    // The first line is a header: id/image;Camera ID;Time;Model;Type;Color.
    for (line, text) in lines(&info)?.into_iter().skip(1) {
        let mut fields = text.split(';');
        let parsed = fields.next().zip(fields.next()).and_then(|(i, c)| Some((i, c.trim().parse::<i32>().ok()?)));
        let (image, camera) = parsed.ok_or_else(|| bad(&info, line, &text, "00001/000001;34;2018-03-05 08:05:00;…"))?;
        cameras.insert(image.trim().to_owned(), camera - 1);
    }
    let list = |name: &str| -> Result<Vec<Sample>, DataError> {
        let file = lists.join(name);
        lines(&file)?
            .into_iter()
            .map(|(line, text)| {
                let image = text.trim_end_matches(".jpg");
                let pid = image.split_once('/').and_then(|(pid, _)| pid.parse().ok());
                let pid = pid.ok_or_else(|| bad(&file, line, &text, "00001/000001.jpg"))?;
                let camid = cameras.get(image).copied().ok_or_else(|| DataError::BadLine {
                    path: file.clone(),
                    line,
                    message: format!("`{image}` has no camera in vehicle_info.txt"),
                })?;
                Ok(Sample::new(images.join(format!("{image}.jpg")), pid, camid))
            })
            .collect()
    };
    let sizes = [("small", "3000"), ("medium", "5000"), ("large", "10000")];
    let n = size(&lists, options, sizes, |n| format!("test_{n}.txt"))?;
    Ok(Splits {
        train: list("train_list.txt")?,
        query: list(&format!("test_{n}_query.txt"))?,
        gallery: list(&format!("test_{n}.txt"))?,
        has_cameras: true,
        notes: vec![format!("test of {n} vehicles")],
        ..Splits::default()
    })
}
