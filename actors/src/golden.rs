//! Golden files of what services and watchers keep: `golden/<record>.<format version>.json`, one of every form that data
//! directories may hold, as `storage` has them of pipelines and executions. They are never changed: a record whose form
//! changes gets the next version, a file of that, and keeps reading these.

/// The test that a record is written as the golden file of its version has it, and that the older ones are read. Its name is
/// the files', before `_keeps_its_form`.
macro_rules! form {
    ($test:ident: $record:ty) => {
        #[test]
        fn $test() {
            $crate::golden::tests::check::<$record>(stringify!($test));
        }
    };
}

pub(crate) use form;

#[cfg(test)]
pub(crate) mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use penstock_storage::Record;
    use serde_json::Value;

    const ENDING: &str = "_keeps_its_form";

    fn sources() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
    }

    pub(crate) fn check<R: Record>(test: &str) {
        let kind = test.strip_suffix(ENDING).unwrap();
        for version in 1..=R::VERSION {
            let name = format!("golden/{kind}.{version}.json");
            let file = fs::read(sources().join(&name)).unwrap_or_else(|_| panic!("{name} is missing"));
            let golden: Value = serde_json::from_slice(&file).unwrap();
            let form = if version == R::VERSION {
                golden.clone()
            } else {
                R::upgrade(version, golden.clone()).unwrap_or_else(|why| panic!("{name}: {why}"))
            };
            let record: R = serde_json::from_value(form).unwrap_or_else(|why| panic!("{name}: {why}"));
            let written = serde_json::to_value(&record).unwrap();
            if version == R::VERSION {
                let next = version + 1;
                assert_eq!(
                    written, golden,
                    "the form of {kind} has changed: raise its VERSION and add golden/{kind}.{next}.json"
                );
            }
        }
    }

    fn walk(folder: &Path, visit: &mut dyn FnMut(&Path, &str)) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, visit);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                visit(&path, &fs::read_to_string(&path).unwrap());
            }
        }
    }

    #[test]
    fn every_record_has_golden_files_and_every_file_a_record() {
        let mut kinds = BTreeSet::new();
        walk(&sources(), &mut |path, text| {
            let records = text.lines().filter(|line| line.starts_with("impl Record for ")).count();
            let forms = text.lines().filter_map(|line| line.strip_prefix("form!(")?.split_once(ENDING));
            let forms: Vec<String> = forms.map(|(kind, _)| kind.to_owned()).collect();
            assert_eq!(records, forms.len(), "{} has records without a form!", path.display());
            kinds.extend(forms);
        });
        for entry in fs::read_dir(sources().join("golden")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let kind = name.split('.').next().unwrap();
            assert!(kinds.contains(kind), "no record has the form of golden/{name}");
        }
    }
}
