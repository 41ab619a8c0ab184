//! How the ids of a user namespace are mapped to those outside, `CONTAINER HOST SIZE` (user_namespaces(7)).

use crate::error::{Code, Error, Result};

/// A checked map of user or group ids: what the kernel would refuse without saying why is refused here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdMap {
    extents: Vec<Extent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    inside: u32,
    outside: u32,
    size: u32,
}

/// More entries the kernel does not take (since Linux 4.15).
const MOST_ENTRIES: usize = 340;

/// The kernel takes a map in one write of less than a page; this is the smallest page there is.
const MOST_BYTES: usize = 4095;

impl IdMap {
    /// Checks the entries of the request's field `field`.
    pub fn parse(field: &str, entries: &[String]) -> Result<Self> {
        let invalid = |message: String| Error::new(Code::InvalidArgument, message);
        if entries.is_empty() {
            let message =
                format!("{field}: a user namespace needs at least one entry \"CONTAINER HOST SIZE\"");
            return Err(invalid(message));
        }
        if entries.len() > MOST_ENTRIES {
            return Err(invalid(format!(
                "{field}: {} entries, and the kernel takes at most {MOST_ENTRIES}",
                entries.len()
            )));
        }
        let mut extents: Vec<Extent> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let named = |why: &str| invalid(format!("{field}[{index}] {entry:?}: {why}"));
            let extent = Extent::parse(entry).map_err(named)?;
            if let Some(other) = extents.iter().position(|other| extent.overlaps(other)) {
                return Err(named(&format!("overlaps entry {other}, {:?}", entries[other])));
            }
            extents.push(extent);
        }
        let map = Self { extents };
        let bytes = map.text().len();
        if bytes > MOST_BYTES {
            return Err(invalid(format!(
                "{field}: the map has {bytes} bytes, and the kernel takes at most {MOST_BYTES}"
            )));
        }
        Ok(map)
    }

    /// The whole map, for one write.
    pub fn text(&self) -> String {
        self.extents
            .iter()
            .map(|extent| format!("{} {} {}\n", extent.inside, extent.outside, extent.size))
            .collect()
    }

    /// An id inside that is mapped: 0 if that is, else the lowest.
    pub fn lowest(&self) -> u32 {
        self.extents.iter().map(|extent| extent.inside).min().unwrap_or(0)
    }
}

impl Extent {
    fn parse(entry: &str) -> std::result::Result<Self, &'static str> {
        let numbers: Vec<u32> = entry
            .split_ascii_whitespace()
            .map(|word| {
                if word.starts_with('+') {
                    None
                } else {
                    word.parse().ok()
                }
            })
            .collect::<Option<_>>()
            .ok_or("is not \"CONTAINER HOST SIZE\" in numbers from 0 to 4294967295")?;
        let [inside, outside, size] = numbers[..] else {
            return Err("is not \"CONTAINER HOST SIZE\"");
        };
        if size == 0 {
            return Err("has a size of 0");
        }
        // The highest id is "none" to the kernel.
        if inside.checked_add(size).is_none() || outside.checked_add(size).is_none() {
            return Err("goes past the highest id, 4294967294");
        }
        Ok(Self {
            inside,
            outside,
            size,
        })
    }

    fn overlaps(&self, other: &Self) -> bool {
        let meets = |one: u32, other_one: u32| {
            u64::from(one) < u64::from(other_one) + u64::from(other.size)
                && u64::from(other_one) < u64::from(one) + u64::from(self.size)
        };
        meets(self.inside, other.inside) || meets(self.outside, other.outside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(entries: &[&str]) -> Result<IdMap> {
        let entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
        IdMap::parse("uidMappings", &entries)
    }

    #[test]
    fn a_map_is_written_as_the_kernel_wants_it() {
        let map = parse(&["0 100000 65536", " 65536\t1 1 "]).unwrap();
        assert_eq!((&*map.text(), map.lowest()), ("0 100000 65536\n65536 1 1\n", 0));
        assert_eq!(parse(&["5 0 4294967290", "1 4294967294 1"]).unwrap().lowest(), 1);
    }

    #[test]
    fn what_the_kernel_would_refuse_is_named() {
        for (entries, named) in [
            (&[][..], "at least one"),
            (&["0 100000"], "uidMappings[0] \"0 100000\""),
            (&["0 100000 1 1"], "uidMappings[0]"),
            (&["0 0 1", "x 1 1"], "uidMappings[1] \"x 1 1\""),
            (&["0 -1 1"], "uidMappings[0]"),
            (&["0 +1 1"], "uidMappings[0]"),
            (&["0 4294967296 1"], "uidMappings[0]"),
            (&["0 1 0"], "size of 0"),
            (&["0 1 4294967295"], "highest id"),
            (&["4294967295 1 1"], "highest id"),
            (&["0 10 5", "4 100 1"], "overlaps entry 0"),
            (&["0 10 5", "7 14 1"], "overlaps entry 0"),
            (&["5 10 5", "0 0 6"], "overlaps entry 0"),
            (&[""], "uidMappings[0]"),
        ] {
            let error = parse(entries).unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument);
            assert!(error.message.contains(named), "{error}");
        }
        let entries = |count: u32| -> Vec<String> {
            (0..count)
                .map(|n| format!("{n} {} 1", 3_000_000_000 + n))
                .collect()
        };
        let error = |count| {
            IdMap::parse("gidMappings", &entries(count))
                .unwrap_err()
                .to_string()
        };
        assert!(error(341).contains("at most 340"), "{}", error(341));
        assert!(error(340).contains("at most 4095"), "{}", error(340));
    }
}
