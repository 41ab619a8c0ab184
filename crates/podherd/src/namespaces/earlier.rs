//! What an earlier server on the same runtime directory has left, because it was killed.

use std::io;
use std::path::Path;

use super::bound::remove_left;
use super::pid_file::{PidFile, Taken};
use super::record::Record;
use super::request::{path, pid_file};
use super::{Kind, PodId};

/// Removes what an earlier server on this runtime directory has left, as far as nobody else has taken it over.
pub(super) fn remove(record: &Record) {
    for place in record.places() {
        match PodId::parse(&place.pod_id) {
            Ok(pod) => match remove_pod(&place.base_path, &pod) {
                Ok(true) => {
                    tracing::warn!(%pod, base = %place.base_path.display(), "the namespaces of an earlier server are removed");
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%pod, base = %place.base_path.display(), %error, "the namespaces of an earlier server can't be removed");
                }
            },
            Err(error) => tracing::warn!(%error, "the record of namespaces is damaged"),
        }
        record.leave(&place);
    }
}

/// Says whether there was something.
pub(super) fn remove_pod(base: &Path, pod: &PodId) -> io::Result<bool> {
    // It was made before all else, and locked: without it there is nothing, or nothing of ours.
    let Taken::Left(_removed_last, _) = PidFile::take(&pid_file(base, pod), false)? else {
        return Ok(false);
    };
    for kind in Kind::ALL {
        remove_left(&path(base, pod, kind))?;
    }
    Ok(true)
}
