//! What this binary was built from.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Build data; none of the texts is empty except for `tag`.
#[derive(Clone, Debug)]
pub struct BuildData {
    /// Version of the package.
    pub version: &'static str,
    /// Tag of a release build.
    pub tag: &'static str,
    /// Commit; `unknown` when the build was not told.
    pub commit: &'static str,
    /// When it was built, RFC 3339 in UTC.
    pub date: String,
    /// Target triple.
    pub target: &'static str,
    /// Version of the compiler.
    pub rust_version: &'static str,
    /// Version of cargo.
    pub cargo_version: &'static str,
    /// Locked packages, `name version` a line.
    pub packages: &'static str,
}

impl BuildData {
    /// The data of the running binary.
    pub fn of_this_binary() -> Self {
        let epoch = env!("PODHERD_BUILD_BUILD_EPOCH").parse().unwrap_or(0);
        let date = OffsetDateTime::from_unix_timestamp(epoch).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            tag: env!("PODHERD_BUILD_TAG"),
            commit: env!("PODHERD_BUILD_COMMIT"),
            date: date.format(&Rfc3339).unwrap_or_default(),
            target: env!("PODHERD_BUILD_TARGET"),
            rust_version: env!("PODHERD_BUILD_RUST_VERSION"),
            cargo_version: env!("PODHERD_BUILD_CARGO_VERSION"),
            packages: include_str!(concat!(env!("OUT_DIR"), "/packages.txt")),
        }
    }

    /// For people.
    pub fn text(&self, full: bool) -> String {
        let mut text = String::new();
        for (name, value) in self.fields() {
            text.push_str(&format!("{name}: {value}\n"));
        }
        if full {
            text.push_str("packages:\n");
            self.packages
                .lines()
                .for_each(|line| text.push_str(&format!("  {line}\n")));
        }
        text
    }

    /// For programs, with conmon-rs's keys.
    pub fn json(&self, full: bool) -> String {
        let mut object = serde_json::Map::new();
        for (name, value) in self.fields() {
            object.insert(name.into(), value.into());
        }
        object.insert("cargo_tree".into(), if full { self.packages } else { "" }.into());
        serde_json::Value::Object(object).to_string()
    }

    fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("version", self.version),
            ("tag", self.tag),
            ("commit", self.commit),
            ("build_date", &self.date),
            ("target", self.target),
            ("rust_version", self.rust_version),
            ("cargo_version", self.cargo_version),
        ]
    }
}
