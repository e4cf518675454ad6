//! Good and bad folders of boxes.

use super::*;
use proptest::prelude::*;
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn xml(name: &str, class: &str, edges: [i32; 4]) -> String {
    let [left, top, right, bottom] = edges;
    format!(
        "<annotation>\n<filename>{name}</filename>\n<size><width>60</width><height>40</height></size>\n\
         <object><name>{class}</name>\n<difficult>1</difficult>\n<bndbox><xmin>{left}</xmin><ymin>{top}</ymin>\
         <xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>\n</annotation>\n"
    )
}

fn voc(text: &str) -> Result<AnnotatedPictures, String> {
    let folder = folder(&[("Annotations/a.xml", text), ("JPEGImages/a.jpg", "x")]);
    read_voc(folder.path(), &BoxOptions::default())
        .map_err(|error| error.to_string().rsplit('/').next().unwrap().to_owned())
}

#[test]
fn voc_counts_from_one_to_the_last_pixel() {
    let read = voc(&xml("a.jpg", "cat", [1, 2, 60, 40])).unwrap();
    assert_eq!(read.classes, ["cat"]);
    let found = &read.pictures[0].boxes[0];
    assert_eq!((found.left, found.top, found.right, found.bottom), (0.0, 1.0, 60.0, 40.0));
    assert!(found.difficult && !found.crowd);
    assert_eq!((read.pictures[0].size, found.line), (Some((60, 40)), 6));
}

#[test]
fn bad_voc_is_told_with_its_line() {
    let said = |edges| voc(&xml("a.jpg", "cat", edges)).unwrap_err();
    assert_eq!(
        said([1, 1, 61, 40]),
        "a.xml, line 6: the box from (0, 0) to (61, 40) reaches outside the picture of 60 × 40 pixels"
    );
    assert!(said([0, 1, 9, 9]).contains("reaches outside"));
    assert_eq!(said([9, 1, 8, 40]), "a.xml, line 6: the box from (8, 0) to (8, 40) has no area");
    assert_eq!(
        said([30, 1, 8, 40]),
        "a.xml, line 6: the box from (29, 0) to (8, 40) has swapped corners: expected the first to be left \
         of and above the second"
    );
    let good = xml("a.jpg", "cat", [1, 1, 9, 9]);
    let cases = [
        ("</object>", "", "a.xml, line 7: broken XML: "),
        ("<xmin>1</xmin>", "", "a.xml, line 6: <bndbox> has no <xmin>"),
        ("<xmin>1<", "<xmin>one<", "a.xml, line 6: <xmin>: expected a number, found `one`"),
        ("<xmin>1<", "<xmin>inf<", "a.xml, line 6: <xmin>: expected a number, found `inf`"),
        ("<name>cat</name>", "<name/>", "a.xml, line 4: <name>: expected a class, found nothing"),
        ("<width>60<", "<width>-6<", "a.xml, line 3: <width>: expected a whole number, found -6"),
        ("annotation>", "note>", "a.xml, line 1: expected <annotation>, found <note>"),
    ];
    for (from, to, expected) in cases {
        let error = voc(&good.replace(from, to)).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(voc("").unwrap_err().contains("the file is empty"));
    for cut in 0..good.len() - "</annotation>\n".len() {
        assert!(voc(&good[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn what_has_no_counterpart_is_listed() {
    let (a, b) = (xml("a.jpg", "cat", [1, 1, 9, 9]), xml("../../b.jpg", "dog", [1, 1, 9, 9]));
    let folder = folder(&[
        ("annotations/a.xml", &a),
        ("annotations/b.xml", &b),
        ("images/a.jpg", "x"),
        ("images/c.png", "x"),
        ("images/notes.txt", "x"),
    ]);
    let read = read_voc(folder.path(), &BoxOptions::default()).unwrap();
    assert_eq!(read.classes, ["cat"]);
    assert_eq!(read.missing_pictures, [folder.path().join("images/b.jpg")]);
    assert_eq!(read.not_annotated, [folder.path().join("images/c.png")]);
    std::fs::remove_file(folder.path().join("images/a.jpg")).unwrap();
    let error = read_voc(folder.path(), &BoxOptions::default()).unwrap_err().to_string();
    assert!(error.contains("none of 2 annotated pictures is there; the first is"), "{error}");
}

#[test]
fn classes_may_be_given_and_bad_boxes_passed_over() {
    let text = xml("a.jpg", "raccon", [1, 1, 99, 9]);
    let folder = folder(&[("a.xml", &text), ("a.jpg", "x")]);
    let classes = Some(vec!["fox".to_owned(), "raccoon".to_owned()]);
    let options = BoxOptions { classes, skip_bad: true };
    let read = read_voc(folder.path(), &options).unwrap();
    assert!(read.pictures[0].boxes.is_empty() && read.skipped[0].contains("reaches outside"));
    std::fs::write(folder.path().join("a.xml"), text.replace("99", "9")).unwrap();
    let error = read_voc(folder.path(), &options).unwrap_err().to_string();
    let expected =
        "a.xml, line 6: `raccon` is none of the classes fox, raccoon (did you mean `raccoon`?)";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn lists_pick_pictures() {
    let text = |name| xml(name, "cat", [1, 1, 9, 9]);
    let folder = folder(&[
        ("a.xml", &text("a.jpg")),
        ("b.xml", &text("b.jpg")),
        ("a.jpg", "x"),
        ("b.jpg", "x"),
        ("train.csv", "filename,width\nb.jpg,60\nb.jpg,60\n"),
        ("voc.txt", "a  1\nb -1\n"),
        ("empty.csv", "filename,width\n"),
        ("bad.txt", "a\n\nc.jpg\n"),
    ]);
    let all = read_voc(folder.path(), &BoxOptions::default()).unwrap();
    let names = |list: &str| -> Result<Vec<String>, String> {
        let picked = all.listed(folder.path().join(list)).map_err(|error| error.to_string())?;
        Ok(picked.pictures.iter().map(|p| p.name().to_string_lossy().into_owned()).collect())
    };
    assert_eq!(names("train.csv").unwrap(), ["b.jpg"]);
    assert_eq!(names("voc.txt").unwrap(), ["a.jpg", "b.jpg"]);
    assert!(
        names("empty.csv").unwrap_err().ends_with("expected the names of pictures, one a line")
    );
    assert!(
        names("bad.txt").unwrap_err().contains("line 3: no annotated picture is called `c.jpg`")
    );
    assert!(names("none.txt").unwrap_err().starts_with("cannot read"));
}

const COCO: &str = "{\"info\": {},\n\"images\": [\n{\"id\": 7, \"file_name\": \"a.jpg\", \"width\": 60, \"height\": 40}],\n\
                    \"annotations\": [\n{\"id\": 1, \"image_id\": 7, \"category_id\": 3,\n \"bbox\": [1, 2, 3, 4.5], \
                    \"area\": 9, \"iscrowd\": 1}],\n\"categories\": [{\"id\": 3, \"name\": \"cat\"},\n\
                    {\"id\": 1, \"name\": \"zebra\"}]}";

fn coco(text: &str) -> Result<AnnotatedPictures, String> {
    let folder = folder(&[("boxes.json", text), ("images/a.jpg", "x"), ("images/b.jpg", "x")]);
    let images = folder.path().join("images");
    read_coco(folder.path().join("boxes.json"), images, &BoxOptions::default())
        .map_err(|error| error.to_string().rsplit('/').next().unwrap().to_owned())
}

#[test]
fn coco_is_read() {
    let read = coco(COCO).unwrap();
    assert_eq!(read.classes, ["zebra", "cat"]); // by their numbers
    let found = &read.pictures[0].boxes[0];
    assert_eq!((found.class, found.left, found.right, found.bottom), (1, 1.0, 4.0, 6.5));
    assert!(found.crowd && found.area == Some(9.0) && found.line == 5);
    assert!(read.not_annotated[0].ends_with("b.jpg"));
}

#[test]
fn bad_coco_is_told_with_its_line() {
    let cases = [
        ("\"image_id\": 7", "\"image_id\": 8", "boxes.json, line 5: no image has the id 8"),
        ("category_id\": 3", "category_id\": 4", "boxes.json, line 5: no category has the id 4"),
        (
            "3, 4.5]",
            "-3, 4.5]",
            "boxes.json, line 5: the box from (1, 2) to (-2, 6.5) has swapped corners",
        ),
        ("3, 4.5]", "0, 4.5]", "boxes.json, line 5: the box from (1, 2) to (1, 6.5) has no area"),
        ("3, 4.5]", "3, 45]", "boxes.json, line 5: the box from (1, 2) to (4, 47) reaches outside"),
        ("3, 4.5]", "3]", "boxes.json, line 5: annotation: invalid length 3"),
        (
            "\"id\": 1, \"name\"",
            "\"id\": 3, \"name\"",
            "boxes.json, line 8: a second category has the id 3",
        ),
        ("}],\n\"categories\"", "}\n\"categories\"", "boxes.json, line 7: broken JSON: "),
        ("\"images\"", "\"pictures\"", "boxes.json, line 8: broken JSON: missing field `images`"),
        ("a.jpg", "../a.jpg", "a.jpg"),
    ];
    for (from, to, expected) in cases {
        assert!(COCO.contains(from), "{from}");
        let error = coco(&COCO.replace(from, to)).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
    for cut in 0..COCO.len() {
        assert!(coco(&COCO[..cut]).is_err(), "cut at {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// What is written is read again: COCO's to the bit, VOC's to the whole pixel.
    #[test]
    fn round_trip(edges in proptest::collection::vec((0_u32..50, 0_u32..30, 1_u32..10, 1_u32..10, 0_usize..2), 0..6)) {
        let folder = folder(&[("images/a&b.jpg", "x")]);
        let images = folder.path().join("images");
        let boxes: Vec<AnnotatedBox> = edges
            .iter()
            .map(|&(x, y, w, h, class)| {
                let [x, y, w, h] = [x, y, w, h].map(f64::from);
                AnnotatedBox::new(class, x, y, x + w, y + h)
            })
            .collect();
        let picture = AnnotatedPicture::new(images.join("a&b.jpg"), (60, 40), boxes);
        let classes = vec!["cat & dog".to_owned(), "<fox>".to_owned()];
        let written = AnnotatedPictures::new(classes.clone(), vec![picture]);
        written.write_coco(folder.path().join("boxes.json")).unwrap();
        written.write_voc(folder.path().join("Annotations")).unwrap();
        let options = BoxOptions { classes: Some(classes), skip_bad: false };
        let readings = [
            read_coco(folder.path().join("boxes.json"), &images, &options).unwrap(),
            read_voc(folder.path(), &options).unwrap(),
        ];
        for read in readings {
            prop_assert_eq!(&read.classes, &written.classes);
            let plain = |b: &AnnotatedBox| (b.class, b.left, b.top, b.right, b.bottom);
            let (a, b) = (&read.pictures[0], &written.pictures[0]);
            prop_assert_eq!(a.size, b.size);
            prop_assert_eq!(a.boxes.iter().map(plain).collect::<Vec<_>>(), b.boxes.iter().map(plain).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_real_size_is_checked() {
    let read = voc(&xml("a.jpg", "cat", [1, 2, 60, 40])).unwrap();
    let picture = &read.pictures[0];
    assert!(picture.check_size(60, 40).is_ok());
    let error = picture.check_size(60, 39).unwrap_err().to_string();
    assert!(error.contains("has 60 × 39 pixels, the annotation says 60 × 40"), "{error}");
}
