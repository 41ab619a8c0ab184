//! The user that the container's process will be, and what it may do with a file (path_resolution(7),
//! capabilities(7)).

use rustix::fs::Stat;

use crate::preflight::files::Handle;
use crate::preflight::node::Node;

/// User, groups and capabilities, as the host sees them.
#[derive(Clone, Debug)]
pub struct Credentials {
    user: Id,
    groups: Vec<Id>,
    /// CAP_DAC_OVERRIDE: mode bits don't count, but one must allow execution.
    overrides: bool,
    /// CAP_DAC_READ_SEARCH: any directory may be searched.
    searches: bool,
    maps: Maps,
}

/// The id on the host; None: not known.
type Id = Option<u32>;

/// Whether it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// It may.
    Yes,
    /// It may not.
    No,
    /// More than mode bits decide.
    Unknown,
}

/// How ids of the container are those of the host.
#[derive(Clone, Debug)]
enum Maps {
    /// They are the same.
    Same,
    /// By these maps, of users and groups.
    Mapped(Vec<Range>, Vec<Range>),
    /// By those of a namespace that exists already.
    Unknown,
}

/// A line of a map (user_namespaces(7)).
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The first id in the container.
    pub inside: u64,
    /// The first on the host.
    pub outside: u64,
    /// How many.
    pub size: u64,
}

impl Credentials {
    /// Those of `process`.
    pub fn of(config: &Node<'_>) -> Self {
        let process = config.get("process");
        let user = process.get("user");
        let maps = Maps::of(config);
        let group = user.get("gid").unsigned().unwrap_or(0);
        let groups = user
            .get("additionalGids")
            .items()
            .filter_map(|item| item.unsigned());
        let has = |name| {
            process
                .path(&["capabilities", "effective"])
                .texts()
                .any(|capability| capability == name)
        };
        Self {
            user: maps.user(user.get("uid").unsigned().unwrap_or(0)),
            groups: std::iter::once(group)
                .chain(groups)
                .map(|id| maps.group(id))
                .collect(),
            overrides: has("CAP_DAC_OVERRIDE"),
            searches: has("CAP_DAC_READ_SEARCH") || has("CAP_DAC_OVERRIDE"),
            maps,
        }
    }

    /// Whether it may execute this file.
    pub fn may_execute(&self, file: &Handle) -> May {
        let stat = file.stat();
        if stat.st_mode & 0o111 == 0 {
            return May::No;
        }
        if self.overrides && self.is_mapped(stat) {
            return May::Yes;
        }
        match self.has_bit(stat) {
            May::No if file.has_access_list() => May::Unknown,
            other => other,
        }
    }

    /// Whether it may search this directory; where that is not known, it may.
    pub fn may_search(&self, directory: &Handle) -> bool {
        let stat = directory.stat();
        (self.searches && self.is_mapped(stat))
            || self.has_bit(stat) != May::No
            || directory.has_access_list()
    }

    /// Whether the one `x` bit that counts for this user is set.
    fn has_bit(&self, stat: &Stat) -> May {
        let Some(user) = self.user else {
            return May::Unknown;
        };
        let shift = if user == stat.st_uid {
            6
        } else if self.groups.contains(&Some(stat.st_gid)) {
            3
        } else if self.groups.contains(&None) {
            return May::Unknown;
        } else {
            0
        };
        match (stat.st_mode >> shift) & 1 {
            1 => May::Yes,
            _ => May::No,
        }
    }

    /// A capability in a user namespace counts for files whose owner and group have ids in it.
    fn is_mapped(&self, stat: &Stat) -> bool {
        let within = |ranges: &[Range], id: u32| {
            ranges
                .iter()
                .any(|range| (range.outside..range.outside.saturating_add(range.size)).contains(&id.into()))
        };
        match &self.maps {
            Maps::Same | Maps::Unknown => true,
            Maps::Mapped(users, groups) => within(users, stat.st_uid) && within(groups, stat.st_gid),
        }
    }
}

impl Maps {
    fn of(config: &Node<'_>) -> Self {
        let linux = config.get("linux");
        let mut namespaces = linux.get("namespaces").items();
        let Some(user) = namespaces.find(|entry| entry.get("type").text() == Some("user")) else {
            return Self::Same;
        };
        let (users, groups) = (
            ranges(&linux.get("uidMappings")),
            ranges(&linux.get("gidMappings")),
        );
        if user.get("path").filled_text().is_some() || users.is_empty() || groups.is_empty() {
            return Self::Unknown;
        }
        Self::Mapped(users, groups)
    }

    fn user(&self, id: u64) -> Id {
        match self {
            Self::Same => u32::try_from(id).ok(),
            Self::Unknown => None,
            Self::Mapped(users, _) => translate(users, id),
        }
    }

    fn group(&self, id: u64) -> Id {
        match self {
            Self::Same => u32::try_from(id).ok(),
            Self::Unknown => None,
            Self::Mapped(_, groups) => translate(groups, id),
        }
    }
}

fn translate(ranges: &[Range], id: u64) -> Id {
    let range = ranges.iter().find(|range| range.has_inside(id))?;
    u32::try_from(range.outside.saturating_add(id - range.inside)).ok()
}

impl Range {
    /// Whether it maps this id of the container.
    pub fn has_inside(&self, id: u64) -> bool {
        (self.inside..self.inside.saturating_add(self.size)).contains(&id)
    }
}

/// The lines of a map that make sense.
pub fn ranges(map: &Node<'_>) -> Vec<Range> {
    map.items()
        .filter_map(|line| {
            Some(Range {
                inside: line.get("containerID").unsigned().unwrap_or(0),
                outside: line.get("hostID").unsigned().unwrap_or(0),
                size: line.get("size").unsigned().filter(|size| *size > 0)?,
            })
        })
        .collect()
}
